//! What an agent is, and how it is asked.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::chat::{Message, OutputSchema};
use super::place::Place;
use super::reply::Reply;
use crate::error::{Failure, Fault, Result};
use crate::workflow::durable::Durable;
use crate::workflow::execution::in_body;
use crate::workflow::scope::Site;
use crate::workflow::spec::BoxFuture;
use crate::workflow::timeout::{Timeout, timeout};

/// Something that answers: a model with its tools, or several agents put together. Agents are put together as values of
/// any of their types; [`AnyAgent`] holds one whose type is not to show.
pub trait Agent: Send + Sync + 'static {
    /// Its name, under which its checkpoints stand.
    fn name(&self) -> &str;
    #[doc(hidden)]
    fn respond(&self, asked: Asked, place: Place) -> BoxFuture<'_, Result<Reply>>;
}

/// What an agent is asked.
#[doc(hidden)]
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub(super) input: String,
    pub(super) history: Vec<Message>,
    pub(super) expected: Option<Expected>,
}

/// The shape that an answer must have.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    pub(super) schema: OutputSchema,
    pub(super) check: fn(&str) -> Result<(), String>,
}

impl Asked {
    /// The same about something else.
    pub(super) fn about(&self, input: String) -> Asked {
        Asked {
            input,
            ..self.clone()
        }
    }

    /// The same where any text will do.
    pub(super) fn in_any_shape(&self) -> Asked {
        Asked {
            expected: None,
            ..self.clone()
        }
    }
}

/// A question to an agent.
///
/// Awaited in the body of a workflow, it is durable: each call of a model and each call of a tool is a checkpoint of its
/// own, so an agent that was killed in its fortieth call goes on with the forty-first. Awaited in a step or anywhere
/// else, it is a plain call, without retries.
#[must_use = "an agent does nothing unless awaited"]
pub struct Chat {
    agent: Arc<dyn Agent>,
    asked: Asked,
}

impl Chat {
    pub(super) fn new(agent: Arc<dyn Agent>, input: String) -> Chat {
        let asked = Asked {
            input,
            ..Asked::default()
        };
        Chat { agent, asked }
    }

    /// What was said before.
    pub fn history(mut self, messages: impl IntoIterator<Item = Message>) -> Chat {
        self.asked.history.extend(messages);
        self
    }

    /// How long the run stays with it at most, all calls together. Then what goes on of it ends where it stands, and this
    /// gives [`Fault::TimedOut`]. Only in a workflow, where the limit is a stored timer.
    pub fn timeout(self, limit: Duration) -> Timeout<Chat> {
        let what = format!("agent:{}", self.agent.name());
        timeout(limit, what, self)
    }

    /// An answer of this type: the model is told its schema, and the answer is checked here, whatever the provider has
    /// promised. One that does not fit is shown to the model once, to be put right; a second one is a terminal failure.
    ///
    /// ```
    /// use sagewai::agent::{ScriptedModel, UniversalAgent, schemars};
    ///
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// #[schemars(crate = "sagewai::agent::schemars")]
    /// struct Verdict { fits: bool }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> sagewai::Result<()> {
    /// let model = ScriptedModel::saying(["Yes.", r#"{"fits": true}"#]);
    /// let judge = UniversalAgent::builder("judge").scripted(model).build()?;
    /// let verdict: Verdict = judge.chat("Does it fit?").json().await?;
    /// assert!(verdict.fits);
    /// # Ok(()) }
    /// ```
    pub fn json<T: DeserializeOwned + JsonSchema + Send>(mut self) -> ChatJson<T> {
        let schema = schemars::schema_for!(T);
        self.asked.expected = Some(Expected {
            schema: OutputSchema {
                name: plain_name(&T::schema_name()),
                schema: schema.to_value(),
            },
            check: |text| parsed::<T>(text).map(|_| ()),
        });
        ChatJson {
            chat: self,
            of: PhantomData,
        }
    }

    async fn respond(self, place: Place) -> Result<Reply> {
        self.agent.respond(self.asked, place).await
    }

    /// Refuses to be awaited where a workflow does not see it.
    fn plainly(self) -> BoxFuture<'static, Result<Reply>> {
        if in_body() {
            let step = format!("agent:{}", self.agent.name());
            return Box::pin(async { Err(Fault::HiddenAwait { step }.into()) });
        }
        Box::pin(self.respond(Place::plain()))
    }
}

/// Some providers take letters, digits, `_` and `-` only.
fn plain_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    name.chars().map(plain).take(64).collect()
}

/// The value that a text describes, which may stand in a code fence.
fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let text = text.trim();
    let fenced = text.strip_prefix("```").and_then(|t| t.strip_suffix("```"));
    let text = fenced.map_or(text, |text| text.strip_prefix("json").unwrap_or(text));
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[diagnostic::do_not_recommend]
impl Durable for Chat {
    type Output = Result<Reply>;
    async fn run(self, at: Site) -> Result<Reply> {
        self.respond(Place::run(at)).await
    }
}

impl IntoFuture for Chat {
    type Output = Result<Reply>;
    type IntoFuture = BoxFuture<'static, Result<Reply>>;

    fn into_future(self) -> Self::IntoFuture {
        self.plainly()
    }
}

impl fmt::Debug for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Chat").field(&self.agent.name()).finish()
    }
}

/// A question whose answer is a value; see [`Chat::json`].
#[must_use = "an agent does nothing unless awaited"]
pub struct ChatJson<T> {
    chat: Chat,
    of: PhantomData<fn() -> T>,
}

fn value<T: DeserializeOwned>(reply: &Reply) -> Result<T> {
    // What does not fit is not told: it may be anything.
    parsed(reply.text())
        .map_err(|_| Failure::terminal("the answer does not fit the type that is asked for"))
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + Send> Durable for ChatJson<T> {
    type Output = Result<T>;
    async fn run(self, at: Site) -> Result<T> {
        value(&self.chat.respond(Place::run(at)).await?)
    }
}

impl<T: DeserializeOwned + Send + 'static> IntoFuture for ChatJson<T> {
    type Output = Result<T>;
    type IntoFuture = BoxFuture<'static, Result<T>>;

    fn into_future(self) -> Self::IntoFuture {
        let reply = self.chat.plainly();
        Box::pin(async move { value(&reply.await?) })
    }
}

impl<T> fmt::Debug for ChatJson<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chat.fmt(f)
    }
}

/// An agent of any type. Cloned, it is the same agent.
#[derive(Clone)]
pub struct AnyAgent(pub(super) Arc<dyn Agent>);

impl AnyAgent {
    /// Holds an agent.
    pub fn new(agent: impl Agent) -> AnyAgent {
        AnyAgent(Arc::new(agent))
    }
}

impl Agent for AnyAgent {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn respond(&self, asked: Asked, place: Place) -> BoxFuture<'_, Result<Reply>> {
        self.0.respond(asked, place)
    }
}

impl fmt::Debug for AnyAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnyAgent").field(&self.name()).finish()
    }
}

/// `chat` for agents of these types, which are cheap to clone, and how they are shown.
macro_rules! asked_by_chat {
    ($($agent:ty)*) => { $(
        impl $agent {
            /// Asks. See [`Chat`](crate::agent::Chat) for what becomes of it where.
            pub fn chat(&self, input: impl Into<String>) -> $crate::agent::Chat {
                let agent = ::std::sync::Arc::new(self.clone());
                $crate::agent::Chat::new(agent, input.into())
            }
        }
    )* };
}
pub(super) use asked_by_chat;

asked_by_chat! { AnyAgent }
