//! The file with settings, `sagewai.toml`.

use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use toml::{Table, Value};

use super::nearest;
use crate::cli::exit::Failed;
use crate::cli::parse::{LogFormat, Output, duration};
use crate::model::Labels;

/// The file where none is named.
const DEFAULT_FILE: &str = "sagewai.toml";
/// The keys, by table; tests hold them to the fields below.
const KEYS: &[&str] = &[
    "store",
    "output",
    "log",
    "log_format",
    "no_migrate",
    "worker",
];
const WORKER_KEYS: &[&str] = &[
    "name",
    "pool",
    "labels",
    "concurrency",
    "lease",
    "heartbeat_interval",
    "poll_interval",
    "drain_timeout",
    "health",
];

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct File {
    pub(super) store: Option<String>,
    pub(super) output: Option<Output>,
    pub(super) log: Option<String>,
    pub(super) log_format: Option<LogFormat>,
    pub(super) no_migrate: bool,
    pub(super) worker: WorkerTable,
}

// Not derived: a password may stand in the URL.
impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("File").finish_non_exhaustive()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WorkerTable {
    pub(super) name: Option<String>,
    pub(super) pool: Option<String>,
    pub(super) labels: Labels,
    pub(super) concurrency: Option<usize>,
    #[serde(deserialize_with = "time")]
    pub(super) lease: Option<Duration>,
    #[serde(deserialize_with = "time")]
    pub(super) heartbeat_interval: Option<Duration>,
    #[serde(deserialize_with = "time")]
    pub(super) poll_interval: Option<Duration>,
    #[serde(deserialize_with = "time")]
    pub(super) drain_timeout: Option<Duration>,
    pub(super) health: Option<SocketAddr>,
}

impl File {
    /// Reads the file that is named, which must be there, or the usual one, which need not be.
    pub(super) fn read(named: Option<&Path>) -> Result<File, Failed> {
        let path = named.unwrap_or(Path::new(DEFAULT_FILE));
        match fs::read_to_string(path) {
            Ok(text) => File::parse(&text).map_err(|reason| {
                Failed::usage(format!("{} cannot be used: {reason}", path.display()))
            }),
            Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => {
                Ok(File::default())
            }
            Err(error) => Err(Failed::usage(format!(
                "{} cannot be read: {error}",
                path.display()
            ))),
        }
    }

    fn parse(text: &str) -> Result<File, String> {
        // Not with a part of the text, which may hold a password.
        let told = |error: toml::de::Error| error.message().to_owned();
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error
                .span()
                .map(|span| text[..span.start].lines().count().max(1));
            match line {
                Some(line) => format!("line {line}: {}", error.message()),
                None => error.message().to_owned(),
            }
        })?;
        known(&table, "", KEYS)?;
        if let Some(Value::Table(worker)) = table.get("worker") {
            known(worker, "worker.", WORKER_KEYS)?;
        }
        for key in table.keys() {
            // Each by itself, so that a message names it.
            let one = Table::from_iter([(key.clone(), table[key].clone())]);
            one.try_into::<File>()
                .map_err(|error| format!("`{key}`: {}", told(error)))?;
        }
        table.try_into().map_err(told)
    }
}

fn known(table: &Table, of: &str, known: &[&str]) -> Result<(), String> {
    let mut keys = table.keys();
    match keys.find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(format!("unknown key `{of}{key}`{}", nearest(key, known))),
    }
}

/// A time with a unit, or seconds.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Seconds(f64),
        Text(String),
    }
    let written = Written::deserialize(deserializer)
        .map_err(|_| serde::de::Error::custom("write a time as \"30s\", or seconds as a number"))?;
    let read = match written {
        Written::Seconds(seconds) => duration(&seconds.to_string()),
        Written::Text(text) => duration(&text),
    };
    read.map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
store = "postgres://app@db/app"
output = "json"
log = "debug"
log_format = "json"
no_migrate = true

[worker]
name = "gpu-1"
pool = "gpu"
labels = { gpu = true, gpus = 4, zone = "eu" }
concurrency = 3
lease = "10s"
heartbeat_interval = 2.5
poll_interval = "500ms"
drain_timeout = "1m"
health = "127.0.0.1:9090"
"#;

    #[test]
    fn every_key_is_read_and_no_other() {
        let file = File::parse(WHOLE).unwrap();
        assert_eq!(file.worker.labels.to_string(), "gpu=true gpus=4 zone=eu");
        assert_eq!(
            file.worker.heartbeat_interval,
            Some(Duration::from_millis(2500))
        );
        assert_eq!(file.worker.drain_timeout, Some(Duration::from_mins(1)));
        assert!(file.no_migrate && file.output == Some(Output::Json));
        // What is written above is all there is.
        let table: Table = WHOLE.parse().unwrap();
        let sorted = |mut keys: Vec<String>| {
            keys.sort();
            keys
        };
        let owned = |keys: &[&str]| sorted(keys.iter().map(|k| (*k).to_owned()).collect());
        assert_eq!(sorted(table.keys().cloned().collect()), owned(KEYS));
        let worker = table["worker"].as_table().unwrap();
        assert_eq!(sorted(worker.keys().cloned().collect()), owned(WORKER_KEYS));
    }

    #[test]
    fn mistakes_are_told_with_the_key_and_what_was_meant() {
        for (text, told) in [
            ("stroe = 'x'", "unknown key `stroe`; did you mean `store`?"),
            (
                "[worker]\npol = 'x'",
                "unknown key `worker.pol`; did you mean `pool`?",
            ),
            ("[worker]\nlease = 'soon'", "`worker`: write `30s`"),
            (
                "[worker]\nhealth = '9090'",
                "`worker`: invalid socket address",
            ),
            ("output = 'xml'", "`output`: unknown variant `xml`"),
            ("store = 'a'\nlog = [", "line 2:"),
        ] {
            let error = File::parse(text).err().unwrap();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn password_of_a_file_is_not_shown() {
        let text = "store = 'postgres://u:hunter2@h/d'";
        assert!(!format!("{:?}", File::parse(text).unwrap()).contains("hunter2"));
        let error = File::parse(&format!("{text} x")).err().unwrap();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
