//! How a language model is reached and asked.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::Secret;
use super::wrong::{WrongCredentials, name, one_line, within};

/// How a language model is reached and asked. What is not set is left to whoever makes the call.
///
/// ```
/// use sagewai::InferenceParams;
///
/// # fn doc() -> Result<(), sagewai::WrongCredentials> {
/// let params = InferenceParams::new()
///     .api_base("http://localhost:11434")?
///     .temperature(0.2)?
///     .max_tokens(2_000)?;
/// assert_eq!(params.get_temperature(), Some(0.2));
/// assert!(InferenceParams::new().temperature(2.5).is_err());
/// # Ok(()) }
/// # doc().unwrap();
/// ```
#[derive(Clone, Default)]
pub struct InferenceParams {
    pub(super) api_base: Option<String>,
    pub(super) api_key: Option<Secret>,
    pub(super) headers: BTreeMap<String, Secret>,
    pub(super) timeout: Option<Duration>,
    pub(super) temperature: Option<f64>,
    pub(super) top_p: Option<f64>,
    pub(super) max_tokens: Option<u32>,
    pub(super) presence_penalty: Option<f64>,
    pub(super) frequency_penalty: Option<f64>,
    pub(super) extra: serde_json::Map<String, Value>,
}

/// The setters. Each answers [`WrongCredentials`] where the value breaks its rule.
impl InferenceParams {
    /// Nothing set.
    pub fn new() -> InferenceParams {
        InferenceParams::default()
    }

    /// Where the model is asked: an `http` or `https` address without user, query or fragment. A slash at its end is
    /// dropped. A key belongs into [`api_key`](InferenceParams::api_key) or a header.
    pub fn api_base(mut self, address: impl AsRef<str>) -> Result<Self, WrongCredentials> {
        self.api_base = Some(base(address.as_ref())?);
        Ok(self)
    }

    /// The key of the caller.
    pub fn api_key(mut self, key: impl Into<Secret>) -> Result<Self, WrongCredentials> {
        self.api_key = Some(one_line("api_key", key.into())?);
        Ok(self)
    }

    /// A header of each request; names are kept in lower case.
    pub fn header(
        mut self,
        name: impl AsRef<str>,
        value: impl Into<Secret>,
    ) -> Result<Self, WrongCredentials> {
        let value = one_line("header", value.into())?;
        self.headers.insert(header_name(name.as_ref())?, value);
        Ok(self)
    }

    /// The longest time that one call may take; more than none.
    pub fn timeout(mut self, timeout: Duration) -> Result<Self, WrongCredentials> {
        if timeout.is_zero() {
            return Err(WrongCredentials::new("timeout", "no call takes no time"));
        }
        self.timeout = Some(timeout);
        Ok(self)
    }

    /// How freely it chooses: 0 to 2.
    pub fn temperature(mut self, temperature: f64) -> Result<Self, WrongCredentials> {
        self.temperature = Some(within("temperature", temperature, 0.0, 2.0)?);
        Ok(self)
    }

    /// From how much of the probability it chooses: 0 to 1.
    pub fn top_p(mut self, top_p: f64) -> Result<Self, WrongCredentials> {
        self.top_p = Some(within("top_p", top_p, 0.0, 1.0)?);
        Ok(self)
    }

    /// The longest answer, in tokens; at least 1.
    pub fn max_tokens(mut self, tokens: u32) -> Result<Self, WrongCredentials> {
        if tokens == 0 {
            return Err(WrongCredentials::new(
                "max_tokens",
                "no answer has 0 tokens",
            ));
        }
        self.max_tokens = Some(tokens);
        Ok(self)
    }

    /// How much it avoids what was said at all: -2 to 2.
    pub fn presence_penalty(mut self, penalty: f64) -> Result<Self, WrongCredentials> {
        self.presence_penalty = Some(within("presence_penalty", penalty, -2.0, 2.0)?);
        Ok(self)
    }

    /// How much it avoids what was said often: -2 to 2.
    pub fn frequency_penalty(mut self, penalty: f64) -> Result<Self, WrongCredentials> {
        self.frequency_penalty = Some(within("frequency_penalty", penalty, -2.0, 2.0)?);
        Ok(self)
    }

    /// Anything else of the request's body, for what one provider alone understands: `extra("seed", 7)`.
    pub fn extra(
        mut self,
        key: impl Into<String>,
        value: impl Into<Value>,
    ) -> Result<Self, WrongCredentials> {
        self.extra.insert(name("extra", key.into())?, value.into());
        Ok(self)
    }
}

/// The getters.
impl InferenceParams {
    /// Where the model is asked, without a slash at its end.
    pub fn get_api_base(&self) -> Option<&str> {
        self.api_base.as_deref()
    }

    /// The key of the caller.
    pub fn get_api_key(&self) -> Option<&Secret> {
        self.api_key.as_ref()
    }

    /// The headers, by their names in lower case.
    pub fn get_headers(&self) -> &BTreeMap<String, Secret> {
        &self.headers
    }

    /// The longest time that one call may take.
    pub fn get_timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// How freely it chooses.
    pub fn get_temperature(&self) -> Option<f64> {
        self.temperature
    }

    /// From how much of the probability it chooses.
    pub fn get_top_p(&self) -> Option<f64> {
        self.top_p
    }

    /// The longest answer, in tokens.
    pub fn get_max_tokens(&self) -> Option<u32> {
        self.max_tokens
    }

    /// How much it avoids what was said at all.
    pub fn get_presence_penalty(&self) -> Option<f64> {
        self.presence_penalty
    }

    /// How much it avoids what was said often.
    pub fn get_frequency_penalty(&self) -> Option<f64> {
        self.frequency_penalty
    }

    /// What else stands in the request's body.
    pub fn get_extra(&self) -> &serde_json::Map<String, Value> {
        &self.extra
    }
}

/// Shows numbers and names: any text of a value may be a secret.
impl fmt::Debug for InferenceParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |set: bool| set.then_some(format_args!("(set)"));
        f.debug_struct("InferenceParams")
            .field("api_base", &hidden(self.api_base.is_some()))
            .field("api_key", &hidden(self.api_key.is_some()))
            .field("headers", &self.headers.keys())
            .field("timeout", &self.timeout)
            .field("temperature", &self.temperature)
            .field("top_p", &self.top_p)
            .field("max_tokens", &self.max_tokens)
            .field("presence_penalty", &self.presence_penalty)
            .field("frequency_penalty", &self.frequency_penalty)
            .field("extra", &self.extra.keys())
            .finish()
    }
}

fn base(address: &str) -> Result<String, WrongCredentials> {
    let wrong = |reason: &str| WrongCredentials::new("api_base", reason);
    // The parser's errors tell the rule and nothing of the text.
    let url = Url::parse(address.trim())
        .map_err(|error| wrong(&format!("it is no address like https://host/v1: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("it must begin with http:// or https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "it names a user or a password; give them as `api_key` or as a header",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong(
            "it has a query or a fragment; give a key as `api_key` or as a header",
        ));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn header_name(name: &str) -> Result<String, WrongCredentials> {
    // A token of RFC 9110.
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(is_token) {
        let reason = "its name must consist of letters, digits and hyphens";
        return Err(WrongCredentials::new("header", reason));
    }
    Ok(name.to_ascii_lowercase())
}
