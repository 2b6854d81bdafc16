//! Overrides over overrides, field by field.

#[cfg(feature = "agents")]
use std::collections::BTreeMap;

use super::{InferenceParams, WorkerCredentials};

impl WorkerCredentials {
    /// These, with what `over` sets in its place: name by name, field by field. What `over` leaves open stays.
    pub fn overridden_by(mut self, over: &WorkerCredentials) -> WorkerCredentials {
        let WorkerCredentials {
            models,
            inference,
            env,
        } = over.clone();
        self.models.extend(models);
        self.inference = self.inference.overridden_by(&inference);
        self.env.extend(env);
        self
    }
}

impl InferenceParams {
    /// These without what leads to one provider: its address, the key, the headers, and what it alone understands.
    #[cfg(feature = "agents")]
    pub(crate) fn without_access(self) -> InferenceParams {
        InferenceParams {
            api_base: None,
            api_key: None,
            headers: BTreeMap::new(),
            extra: serde_json::Map::new(),
            ..self
        }
    }

    /// These, with what `over` sets in its place: field by field, header by header, and in `extra` key by key. What
    /// `over` leaves open stays.
    ///
    /// ```
    /// # use sagewai::InferenceParams;
    /// # fn doc() -> Result<(), sagewai::WrongCredentials> {
    /// let agent = InferenceParams::new().temperature(0.9)?.max_tokens(100)?;
    /// let worker = InferenceParams::new().temperature(0.2)?;
    /// let call = agent.overridden_by(&worker);
    /// assert_eq!((call.get_temperature(), call.get_max_tokens()), (Some(0.2), Some(100)));
    /// # Ok(()) }
    /// # doc().unwrap();
    /// ```
    pub fn overridden_by(mut self, over: &InferenceParams) -> InferenceParams {
        // Taken apart by name, so that a new field cannot be forgotten here.
        let InferenceParams {
            api_base,
            api_key,
            headers,
            timeout,
            temperature,
            top_p,
            max_tokens,
            presence_penalty,
            frequency_penalty,
            extra,
        } = over.clone();
        self.headers.extend(headers);
        self.extra.extend(extra);
        InferenceParams {
            api_base: api_base.or(self.api_base),
            api_key: api_key.or(self.api_key),
            headers: self.headers,
            timeout: timeout.or(self.timeout),
            temperature: temperature.or(self.temperature),
            top_p: top_p.or(self.top_p),
            max_tokens: max_tokens.or(self.max_tokens),
            presence_penalty: presence_penalty.or(self.presence_penalty),
            frequency_penalty: frequency_penalty.or(self.frequency_penalty),
            extra: self.extra,
        }
    }
}

#[cfg(test)]
mod tests;
