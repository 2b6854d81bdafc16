//! How models are named.

use std::fmt;
use std::str::FromStr;

use crate::agent::chat::Dialect;
use crate::model::Invalid;

/// The name of a model: `provider/model`, or one that says itself whose it is, such as `gpt-4o`, `o3-mini` and
/// `claude-sonnet-4-5`.
///
/// ```
/// use sagewai::agent::ModelName;
///
/// let name: ModelName = "ollama/llama3.2".parse()?;
/// assert_eq!((name.provider().as_str(), name.model()), ("ollama", "llama3.2"));
/// assert_eq!("gpt-4o".parse::<ModelName>()?.to_string(), "openai/gpt-4o");
/// assert!("llama3.2".parse::<ModelName>().is_err());
/// # Ok::<_, sagewai::Invalid>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelName {
    provider: Provider,
    model: String,
}

/// Who serves a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Provider(usize);

struct Known {
    name: &'static str,
    dialect: Dialect,
    /// Where it is reached; none where only its user knows.
    base: Option<&'static str>,
    needs_key: bool,
}

const fn open_ai(name: &'static str, base: &'static str) -> Known {
    Known {
        name,
        dialect: Dialect::OpenAi,
        base: Some(base),
        needs_key: true,
    }
}

const fn local(name: &'static str, base: Option<&'static str>) -> Known {
    Known {
        name,
        dialect: Dialect::OpenAi,
        base,
        needs_key: false,
    }
}

const KNOWN: &[Known] = &[
    open_ai("openai", "https://api.openai.com/v1"),
    Known {
        name: "anthropic",
        dialect: Dialect::Anthropic,
        base: Some("https://api.anthropic.com/v1"),
        needs_key: true,
    },
    local("ollama", Some("http://localhost:11434/v1")),
    local("compat", None),
    Known {
        name: "azure",
        dialect: Dialect::OpenAi,
        base: None,
        needs_key: true,
    },
    local("vllm", Some("http://localhost:8000/v1")),
    local("llamacpp", Some("http://localhost:8080/v1")),
    open_ai("groq", "https://api.groq.com/openai/v1"),
    open_ai("mistral", "https://api.mistral.ai/v1"),
    open_ai("openrouter", "https://openrouter.ai/api/v1"),
    open_ai("deepseek", "https://api.deepseek.com/v1"),
    open_ai("together", "https://api.together.xyz/v1"),
    open_ai("xai", "https://api.x.ai/v1"),
    open_ai(
        "gemini",
        "https://generativelanguage.googleapis.com/v1beta/openai",
    ),
    // What no provider serves: a model in the program itself.
    local("scripted", None),
];

impl Provider {
    fn known(self) -> &'static Known {
        &KNOWN[self.0]
    }

    /// Its name, as it stands before the stroke.
    pub fn as_str(self) -> &'static str {
        self.known().name
    }

    /// How it speaks.
    pub fn dialect(self) -> Dialect {
        self.known().dialect
    }

    pub(crate) fn base(self) -> Option<&'static str> {
        self.known().base
    }

    pub(crate) fn needs_key(self) -> bool {
        self.known().needs_key
    }

    /// Whether its models live in the program itself.
    pub(crate) fn is_scripted(self) -> bool {
        self.as_str() == "scripted"
    }

    fn of(name: &str) -> Option<Provider> {
        KNOWN.iter().position(|k| k.name == name).map(Provider)
    }
}

impl ModelName {
    /// Who serves it.
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// What the provider calls it.
    pub fn model(&self) -> &str {
        &self.model
    }
}

impl FromStr for ModelName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<ModelName, Invalid> {
        let (provider, model) = match text.split_once('/') {
            Some((provider, model)) => (Provider::of(provider), model),
            None => (bare(text).and_then(Provider::of), text),
        };
        let is_fine = !model.is_empty()
            && model.len() <= 200
            && !model.chars().any(|c| c.is_control() || c.is_whitespace());
        match provider {
            Some(provider) if is_fine => Ok(ModelName {
                provider,
                model: model.to_owned(),
            }),
            _ => Err(Invalid::new("model", text, FORMS)),
        }
    }
}

/// The provider of a name that says it itself.
fn bare(model: &str) -> Option<&'static str> {
    let mut letters = model.chars();
    let is_o = letters.next() == Some('o') && letters.next().is_some_and(|c| c.is_ascii_digit());
    let open_ai = ["gpt-", "chatgpt-", "ft:gpt-"];
    if is_o || open_ai.iter().any(|start| model.starts_with(start)) {
        Some("openai")
    } else if model.starts_with("claude-") {
        Some("anthropic")
    } else {
        None
    }
}

/// The rule, as an error says it.
const FORMS: &str = "name it `gpt-…`, `o3…`, `claude-…`, or `provider/model` with one of the providers openai, anthropic, \
                     ollama, azure, vllm, llamacpp, groq, mistral, openrouter, deepseek, together, xai, gemini; or \
                     `compat/model` with an `api_base` for any other server that speaks like OpenAI's";

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider.as_str(), self.model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<String, String> {
        let name = text.parse::<ModelName>();
        name.map(|n| n.to_string()).map_err(|e| e.to_string())
    }

    #[test]
    fn names_that_say_whose_they_are_need_no_provider() {
        for (text, whole) in [
            ("gpt-4o", "openai/gpt-4o"),
            ("o3-mini", "openai/o3-mini"),
            (
                "claude-sonnet-4-20250514",
                "anthropic/claude-sonnet-4-20250514",
            ),
            ("ollama/llama3.2", "ollama/llama3.2"),
            (
                "openrouter/meta-llama/llama-3-8b",
                "openrouter/meta-llama/llama-3-8b",
            ),
            ("compat/anything", "compat/anything"),
        ] {
            assert_eq!(of(text).unwrap(), whole);
        }
    }

    #[test]
    fn unknown_names_are_answered_with_the_known_forms() {
        for text in [
            "llama3.2",
            "olama/llama3.2",
            "openai/",
            "",
            "oops",
            "gpt-4 o",
        ] {
            let error = of(text).unwrap_err();
            assert!(
                error.contains("`gpt-…`") && error.contains("ollama"),
                "{error}"
            );
        }
        assert!(of("olama/x").unwrap_err().contains("olama/x"));
        for known in KNOWN.iter().filter(|known| known.name != "scripted") {
            assert!(FORMS.contains(known.name), "{}", known.name);
        }
    }
}
