//! The arguments of a tool: what a model is told of them, and how they are read.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::Tool;
use crate::model::Json;
use crate::workflow::StepCall;
use crate::workflow::spec::Step;

/// A `#[step]` whose arguments have a schema, or a [`Tool`] made of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a tool",
    label = "expected the name of a function under `#[step]`",
    note = "the types of its arguments need `schemars::JsonSchema`"
)]
pub trait ToolFn<Arguments> {
    #[doc(hidden)]
    fn into_tool(self) -> Tool;
}

/// What a [`Tool`] is as a [`ToolFn`].
#[derive(Debug)]
pub enum Itself {}

#[diagnostic::do_not_recommend]
impl ToolFn<Itself> for Tool {
    fn into_tool(self) -> Tool {
        self
    }
}

/// Arguments whose types have a schema.
#[diagnostic::on_unimplemented(
    message = "the arguments of this step have no JSON Schema, which a model must be told",
    note = "derive `schemars::JsonSchema` for their types"
)]
pub trait ToolArguments {
    #[doc(hidden)]
    fn schemas(generator: &mut SchemaGenerator) -> Vec<Schema>;
}

macro_rules! arities {
    ($(($($argument:ident),*))*) => { $(
        #[diagnostic::do_not_recommend]
        impl<Func, Called, $($argument),*> ToolFn<($($argument,)*)> for Func
        where
            Called: Step<Input: ToolArguments>,
            Func: Fn($($argument),*) -> StepCall<Called>,
        {
            fn into_tool(self) -> Tool {
                Tool::of::<Called>()
            }
        }

        #[diagnostic::do_not_recommend]
        impl<$($argument: JsonSchema),*> ToolArguments for ($($argument,)*) {
            fn schemas(generator: &mut SchemaGenerator) -> Vec<Schema> {
                let _ = &generator;
                vec![$(generator.subschema_for::<$argument>()),*]
            }
        }
    )* };
}
arities! {
    () (A) (A, B) (A, B, C) (A, B, C, D) (A, B, C, D, E) (A, B, C, D, E, F) (A, B, C, D, E, F, G)
    (A, B, C, D, E, F, G, H)
}

/// The schema of an object with an argument for each name. Those that may be `null` may be left out.
pub(super) fn parameters<A: ToolArguments>(names: &[&str]) -> Value {
    // Written out in place: not every provider follows references.
    let mut settings = SchemaSettings::draft07();
    settings.inline_subschemas = true;
    let mut generator = settings.into_generator();
    let schemas = A::schemas(&mut generator);
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, schema) in names.iter().zip(schemas) {
        let schema = schema.to_value();
        if !takes_null(&schema) {
            required.push(*name);
        }
        properties.insert((*name).to_owned(), schema);
    }
    let mut whole = json!({"type": "object", "properties": properties, "required": required});
    // What refers to itself cannot be written out.
    let definitions = generator.take_definitions(false);
    if !definitions.is_empty() {
        whole["definitions"] = Value::Object(definitions);
    }
    whole
}

fn takes_null(schema: &Value) -> bool {
    let is_null = |value: &Value| value == "null";
    let alternatives = schema.get("anyOf").and_then(Value::as_array);
    match schema.get("type") {
        Some(Value::Array(types)) => types.iter().any(is_null),
        Some(kind) => is_null(kind),
        None => alternatives.is_some_and(|any| any.iter().any(takes_null)),
    }
}

/// Reads arguments as a model wrote them, and writes them as the step stores them. The error is for the model.
pub(super) fn read<S: Step>(text: &str) -> Result<Json, String> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    let value: Value = serde_json::from_str(text).map_err(|e| format!("they are no JSON: {e}"))?;
    let Value::Object(object) = &value else {
        return Err("they are no JSON object".to_owned());
    };
    let known = S::SPEC.params;
    if let Some(unknown) = object.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(format!(
            "there is no argument `{unknown}`; there are: {}",
            known.join(", ")
        ));
    }
    let json = Json::encode(&value).map_err(|fault| fault.to_string())?;
    let input = S::load(&json).map_err(|fault| fault.to_string())?;
    S::store(&input).map_err(|fault| fault.to_string())
}
