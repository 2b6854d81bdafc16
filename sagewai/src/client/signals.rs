//! Sending messages to runs.

use std::future::IntoFuture;

use serde::Serialize;
use uuid::Uuid;

use super::{Client, RunHandle};
use crate::error::{Error, Fault};
use crate::model::{Act, Invalid, Json, NewSignal, RunId, Signal};
use crate::store::PAYLOAD_BYTES_MAX;
use crate::workflow::spec::BoxFuture;
use crate::workflow::{NodeKind, Workflow};

impl Client {
    /// Sends a message to a run, from any process; await it. It is kept until the run takes it by
    /// [`signal(name)`](crate::signal), also when the run has not begun yet. When this returns, it is stored.
    ///
    /// ```
    /// # use sagewai::Client;
    /// # async fn example(client: Client) -> Result<(), sagewai::Error> {
    /// // Sent twice under one id, by a webhook that was called twice, it is one message.
    /// client.signal("order-1", "payment", &500).id("evt_77").await?;
    /// # Ok(()) }
    /// ```
    pub fn signal<T: Serialize + ?Sized>(
        &self,
        run: impl Into<String>,
        name: impl Into<String>,
        value: &T,
    ) -> SignalCall {
        SignalCall {
            client: self.clone(),
            run: run.into(),
            name: name.into(),
            payload: Json::encode(value),
            id: None,
            by: None,
            wrong: None,
        }
    }

    /// Messages that a run has not taken, in the order in which it will.
    ///
    /// # Errors
    /// [`Error::NoRun`], [`Error::Store`].
    pub async fn signals(&self, run: &RunId) -> Result<Vec<Signal>, Error> {
        let found = self.store.messages(run).await?;
        let found = found.ok_or_else(|| Error::NoRun { run: run.clone() })?;
        Ok(found.signals)
    }

    /// Takes a message away that a run has not taken: one that its code cannot read, for instance.
    ///
    /// # Errors
    /// [`Error::NoRun`]; [`Error::Nothing`] where the run has no such message, or has taken it.
    pub async fn drop_signal(
        &self,
        run: impl TryInto<RunId, Error: Into<Error>>,
        id: impl Into<String>,
        by: impl Into<String>,
    ) -> Result<(), Error> {
        let (id, by) = (id.into(), by.into());
        crate::model::person(&by)?;
        let act = Act::DropSignal { id, by };
        self.act(run, &act, "a message of this id").await.map(drop)
    }
}

impl<W: Workflow> RunHandle<W> {
    /// Sends a message to the run; see [`Client::signal`]. The workflow is known here: a name under which it never waits is
    /// refused, and a value that it could not read there.
    pub fn signal<T: Serialize + ?Sized>(&self, name: impl Into<String>, value: &T) -> SignalCall {
        let name = name.into();
        let wrong = unknown_signal::<W>(&name).err();
        let mut call = self.client().signal(self.id().as_str(), &name, value);
        // A state is what a checkpoint holds, and that of a message is what it says.
        let read = |json: Json| W::state(&format!("signal:{name}"), &json).map(|_| json);
        call.payload = call.payload.and_then(read);
        SignalCall { wrong, ..call }
    }
}

/// Refuses a name under which a workflow never waits, where all names are known.
fn unknown_signal<W: Workflow>(name: &str) -> Result<(), Invalid> {
    let nodes = W::GRAPH.nodes.iter();
    let signals: Vec<&str> = nodes
        .filter(|node| node.info.kind == NodeKind::Signal)
        .map(|node| node.label)
        .collect();
    let is_open = |node: &crate::workflow::GraphNode| node.info.kind == NodeKind::Dynamic;
    if signals.contains(&name) || signals.contains(&"") || W::GRAPH.nodes.iter().any(is_open) {
        return Ok(());
    }
    let known = if signals.is_empty() {
        "none".to_owned()
    } else {
        signals.join(", ")
    };
    let workflow = W::SPEC.name;
    let rule = format!("workflow `{workflow}` never waits for it; it waits for: {known}");
    Err(Invalid::new("signal", name, rule))
}

/// A message that is not sent yet; await it.
#[must_use = "a message is not sent unless this is awaited"]
#[derive(Debug)]
pub struct SignalCall {
    client: Client,
    run: String,
    name: String,
    payload: Result<Json, Fault>,
    id: Option<String>,
    by: Option<String>,
    wrong: Option<Invalid>,
}

impl SignalCall {
    /// Its id, unique in the run: sent again under the same id, it is one message. A new one by default.
    pub fn id(mut self, id: impl Into<String>) -> SignalCall {
        self.id = Some(id.into());
        self
    }

    /// Who sends it, for the timeline.
    pub fn by(mut self, person: impl Into<String>) -> SignalCall {
        self.by = Some(person.into());
        self
    }

    async fn send(self) -> Result<(), Error> {
        if let Some(wrong) = self.wrong {
            return Err(wrong.into());
        }
        crate::model::signal_name(&self.name)?;
        let id = self.id.unwrap_or_else(|| Uuid::now_v7().to_string());
        crate::model::signal_name(&id)?;
        if let Some(by) = &self.by {
            crate::model::person(by)?;
        }
        let what = format!("message `{}`", self.name);
        let payload = self.payload.map_err(|fault| Error::Message {
            what: what.clone(),
            fault,
        })?;
        if payload.len() > PAYLOAD_BYTES_MAX {
            let fault = Fault::TooLarge {
                bytes: payload.len(),
                limit: PAYLOAD_BYTES_MAX,
            };
            return Err(Error::Message { what, fault });
        }
        let act = Act::Signal(NewSignal {
            id,
            name: self.name,
            payload,
            by: self.by,
        });
        self.client
            .act(self.run, &act, "sent a message")
            .await
            .map(drop)
    }
}

impl IntoFuture for SignalCall {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'static, Result<(), Error>>;

    /// # Errors
    /// [`Error::NoRun`]; [`Error::WrongState`] where the run is over; [`Error::OtherSignal`] where another message of
    /// this id was sent; [`Error::Message`] for a value that cannot be stored.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}
