//! What a trace tells of a call, under the names that others use for it. They are still being agreed upon, so they stand
//! here alone. What was said is in no span.

use tracing::Span;
use tracing::field::Empty;

use super::model_call::Answered;
use crate::agent::models::ModelName;

/// The span of one call.
pub(super) fn span(agent: &str, model: &ModelName) -> Span {
    tracing::info_span!(
        "chat",
        gen_ai.operation.name = "chat",
        gen_ai.agent.name = agent,
        gen_ai.provider.name = model.provider().as_str(),
        gen_ai.request.model = model.model(),
        gen_ai.response.model = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
    )
}

/// What is known once there is an answer.
pub(super) fn answered(span: &Span, answered: &Answered) {
    span.record("gen_ai.response.model", answered.reply.model.as_str());
    if let Some(usage) = answered.reply.usage {
        span.record("gen_ai.usage.input_tokens", usage.input);
        span.record("gen_ai.usage.output_tokens", usage.output);
    }
}
