//! A message to a run.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Json, Timestamp};

/// A message that is to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSignal {
    /// Its id, unique in the run: sent again under the same id, it is one message.
    pub id: String,
    /// What it is called; the run takes messages by this name.
    pub name: String,
    /// What it says.
    pub payload: Json,
    /// Who sends it, where they say so.
    pub by: Option<String>,
}

impl NewSignal {
    /// Id of the event that tells of it. It follows from the message's own, so that it tells, as long as the run is
    /// kept, that the message was sent.
    pub fn event_id(&self) -> Uuid {
        let hash = Sha256::digest(format!("signal\0{}", self.id).as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }
}

/// A message that a run has not taken yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Its id, unique in the run.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it says.
    pub payload: Json,
    /// Who sent it, where they said so.
    pub by: Option<String>,
    /// When it was sent, on the store's clock.
    pub at: Timestamp,
}
