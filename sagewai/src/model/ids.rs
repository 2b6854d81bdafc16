//! Names of things: runs, workers, places in a run.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A name that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{value}` cannot be used: {reason}")]
pub struct Invalid {
    /// What it was meant to name.
    pub what: &'static str,
    /// What was given, shortened.
    pub value: String,
    /// The rule it breaks.
    pub reason: String,
}

impl Invalid {
    pub(crate) fn new(what: &'static str, value: &str, reason: impl Into<String>) -> Invalid {
        Invalid {
            what,
            value: value.escape_debug().take(80).collect(),
            reason: reason.into(),
        }
    }
}

/// The rule for every text that people choose: short, visible, the same wherever it is shown.
pub(super) fn check(what: &'static str, value: &str, longest: usize) -> Result<(), Invalid> {
    let reason = if value.is_empty() {
        "it is empty".to_owned()
    } else if value.len() > longest {
        format!("it has {} bytes, and the limit is {longest}", value.len())
    } else if value.chars().any(char::is_control) {
        "it holds a control character".to_owned()
    } else if value.trim() != value {
        "it begins or ends with white space".to_owned()
    } else {
        return Ok(());
    };
    Err(Invalid::new(what, value, reason))
}

/// Checks the name of a workflow, a pool, a gate or a label.
pub(crate) fn check_name(what: &'static str, value: &str) -> Result<(), Invalid> {
    check(what, value, 100)
}

/// Checks the name of a workflow: 1 to 100 bytes, no control characters.
pub fn workflow_name(value: &str) -> Result<(), Invalid> {
    check_name("workflow name", value)
}

/// Checks the name of a pool, by the same rule.
pub fn pool_name(value: &str) -> Result<(), Invalid> {
    check_name("pool", value)
}

/// Checks how a person is named, by the same rule with 200 bytes.
pub fn person(value: &str) -> Result<(), Invalid> {
    check("name of a person", value, 200)
}

/// Checks a concurrency key, by the same rule with 200 bytes.
pub fn concurrency_key(value: &str) -> Result<(), Invalid> {
    check("concurrency key", value, 200)
}

/// Checks the name of a worker, by the same rule.
pub fn worker_name(value: &str) -> Result<(), Invalid> {
    check_name("worker name", value)
}

/// Checks the version of a program, by the same rule.
pub fn program_version(value: &str) -> Result<(), Invalid> {
    check_name("program version", value)
}

/// Checks the name of a gate, by the same rule.
pub fn gate_name(value: &str) -> Result<(), Invalid> {
    check_name("gate", value)
}

/// Checks the name of a signal, by the same rule.
pub fn signal_name(value: &str) -> Result<(), Invalid> {
    check_name("signal", value)
}

/// Checks why something is done, in the words of the one who does it: 1 to 2,000 bytes, not only white space, no NUL.
pub fn reason(value: &str) -> Result<(), Invalid> {
    let rule = if value.trim().is_empty() || value.contains('\0') {
        "say why, in a few visible words"
    } else if value.len() > 2_000 {
        "say why in at most 2,000 bytes"
    } else {
        return Ok(());
    };
    Err(Invalid::new("reason", value, rule))
}

/// Names one execution of a workflow: chosen by the caller, or generated (a `UUIDv7`).
///
/// 1 to 200 bytes, without control characters and without white space at its ends.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(Arc<str>);

impl RunId {
    /// Takes an id that the caller chose.
    ///
    /// # Errors
    /// [`Invalid`] where it breaks the rule above.
    pub fn new(id: impl Into<String>) -> Result<RunId, Invalid> {
        let id = id.into();
        check("run id", &id, 200)?;
        Ok(RunId(id.into()))
    }

    /// A new id, in the order of creation.
    pub fn generate() -> RunId {
        RunId(Uuid::now_v7().to_string().into())
    }

    /// The id of the one run that a workflow has for a key: both together, where that is a legal id and says which is
    /// which, and otherwise a hash of both.
    pub(crate) fn of_key(workflow: &str, key: &str) -> Result<RunId, Invalid> {
        check("idempotency key", key, 200)?;
        let spelled = format!("{workflow}:{key}");
        if !workflow.contains(':') && spelled.len() <= 200 {
            return Ok(RunId(spelled.into()));
        }
        let mut hash = Sha256::new();
        hash.update((workflow.len() as u64).to_be_bytes());
        hash.update(workflow.as_bytes());
        hash.update(key.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        let hash = uuid::Builder::from_custom_bytes(bytes).into_uuid();
        Ok(RunId(format!("key-{hash}").into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key under which stores keep the run.
    pub fn key(&self) -> RunKey {
        RunKey::of(self)
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl TryFrom<String> for RunId {
    type Error = Invalid;
    fn try_from(id: String) -> Result<RunId, Invalid> {
        RunId::new(id)
    }
}
impl TryFrom<&str> for RunId {
    type Error = Invalid;
    fn try_from(id: &str) -> Result<RunId, Invalid> {
        RunId::new(id)
    }
}
impl TryFrom<&RunId> for RunId {
    type Error = Invalid;
    fn try_from(id: &RunId) -> Result<RunId, Invalid> {
        Ok(id.clone())
    }
}
impl From<RunId> for String {
    fn from(id: RunId) -> String {
        id.as_str().to_owned()
    }
}

/// The 16 bytes that stand for a run id in every table.
///
/// A generated id is its own key, so that runs created together lie together in the index; a chosen one is
/// hashed. The two cannot meet, since they carry different UUID versions. A key follows from the id alone: every
/// table can be distributed by it, and its uniqueness is the uniqueness of the run id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunKey(Uuid);

impl RunKey {
    fn of(id: &RunId) -> RunKey {
        if let Ok(uuid) = Uuid::try_parse(id.as_str())
            && uuid.get_version_num() == 7
            // One id, one spelling: only the text that we generate is its own key.
            && uuid.as_hyphenated().to_string() == id.as_str()
        {
            return RunKey(uuid);
        }
        let hash = Sha256::digest(id.as_str().as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        RunKey(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The key as the stores bind it.
    pub fn uuid(self) -> Uuid {
        self.0
    }

    /// A key that was read from a store.
    pub fn from_uuid(uuid: Uuid) -> RunKey {
        RunKey(uuid)
    }
}

/// One life of a worker: a new one with each registration, never used again after its lease was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WorkerKey(Uuid);

impl WorkerKey {
    /// Reads a key as it is shown.
    pub fn parse(text: &str) -> Option<WorkerKey> {
        Uuid::parse_str(text).ok().map(WorkerKey)
    }

    /// A new key.
    pub fn generate() -> WorkerKey {
        WorkerKey(Uuid::now_v7())
    }

    /// The key as the stores bind it.
    pub fn uuid(self) -> Uuid {
        self.0
    }

    /// A key that was read from a store.
    pub fn from_uuid(uuid: Uuid) -> WorkerKey {
        WorkerKey(uuid)
    }
}

impl fmt::Display for WorkerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A place in a run: a path of names, counted per scope, as in `research`, `draft#2` or `join.1/verify`.
///
/// It does not depend on the order in which branches are polled, and a step inserted elsewhere does not shift it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position(Arc<str>);

impl Position {
    /// Where a run's input is kept.
    pub const INPUT: &'static str = "$input";
    /// Where a run's result is kept.
    pub const OUTPUT: &'static str = "$output";

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last name of the path without its count: what was called there.
    pub fn name(&self) -> &str {
        let last = self.0.rsplit('/').next().unwrap_or_default();
        last.split('#').next().unwrap_or_default()
    }

    /// The path to it: empty in the body itself, `join.1/block` for `join.1/block/verify`.
    pub fn scope(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(scope, _)| scope)
    }

    /// Where the end of the sleep at this position is kept.
    pub(crate) fn woke(&self) -> Position {
        format!("{self}/woke").into()
    }

    /// Where it is kept that the child whose result stands at this position was started.
    pub(crate) fn started(&self) -> Position {
        format!("{self}/started").into()
    }

    /// Where the winner of the race at this position is kept.
    pub(crate) fn won(&self) -> Position {
        format!("{self}/won").into()
    }

    /// Whether it is a note of the engine beside an operation: that a sleep is over, which branch won a race, that a
    /// child was started. (What
    /// authors name in there stands in a branch, as in `race.0/won`.)
    pub fn is_note(&self) -> bool {
        let mut segments = self.0.rsplit('/');
        let (last, of) = (segments.next(), segments.next().unwrap_or_default());
        let of = of.split('#').next().unwrap_or_default();
        matches!(
            (of, last),
            ("sleep", Some("woke")) | ("race" | "timeout", Some("won"))
        ) || (of.starts_with("child:") && last == Some("started"))
    }
}

impl From<&str> for Position {
    fn from(path: &str) -> Position {
        Position(path.into())
    }
}
impl From<String> for Position {
    fn from(path: String) -> Position {
        Position(path.into())
    }
}
impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_follows_from_the_id_alone() {
        let chosen = RunId::new("article-1").unwrap();
        assert_eq!(chosen.key(), RunId::new("article-1").unwrap().key());
        assert_ne!(chosen.key(), RunId::new("article-2").unwrap().key());
        assert_eq!(chosen.key().uuid().get_version_num(), 8);

        let generated = RunId::generate();
        assert_eq!(generated.key().uuid().to_string(), generated.as_str());
        // Another spelling of the same UUID is another id.
        let shouted = RunId::new(generated.as_str().to_uppercase()).unwrap();
        assert_ne!(shouted.key(), generated.key());
    }

    #[test]
    fn id_of_an_idempotency_key_belongs_to_one_workflow_and_key() {
        let id = |workflow: &str, key: &str| RunId::of_key(workflow, key).unwrap().to_string();
        assert_eq!(id("ship", "order-17"), "ship:order-17");
        assert_ne!(id("a", "b:c"), id("a:b", "c"));
        assert_ne!(id("a:", "b"), id("a", ":b"));
        let (long, longer) = ("k".repeat(199), "k".repeat(200));
        assert!(id("ship", &long).starts_with("key-"));
        assert_ne!(id("ship", &long), id("ship", &longer));
        assert_ne!(id("ship", &long), id("send", &long));
        assert_eq!(id("ship", &long), id("ship", &long));
        for key in ["", "a\nb", " a", &"x".repeat(201)] {
            let refusal = RunId::of_key("ship", key).unwrap_err();
            assert_eq!(refusal.what, "idempotency key");
        }
    }

    #[test]
    fn bad_ids_are_refused_with_the_rule() {
        for (id, rule) in [
            (String::new(), "empty"),
            ("a\nb".into(), "control"),
            ("a\0b".into(), "control"),
            (" a".into(), "white space"),
            ("x".repeat(201), "limit is 200"),
        ] {
            let refusal = RunId::new(id).unwrap_err().to_string();
            assert!(refusal.contains(rule), "{refusal}");
        }
    }

    #[test]
    fn name_is_what_was_called() {
        assert_eq!(Position::from("join.1/block/verify#3").name(), "verify");
        assert_eq!(Position::from("approval:review").name(), "approval:review");
    }
}
