//! The rules: which paths, why not, what instead.

use crate::model::Asked;

/// Paths that one replacement stands in for.
pub(super) struct Rule {
    /// From the root of a crate. `*` at the end is whatever follows.
    full: &'static [&'static str],
    /// The last names of a path that mean the same wherever they stand.
    names: &'static [&'static str],
    /// The last names of a path that the author may have too. Before the last one comes a type, which the compiler is
    /// asked about.
    types: &'static [&'static str],
    /// The same with a module, and a type by which it is known.
    modules: &'static [(&'static str, &'static str)],
    pub(super) why: &'static str,
    pub(super) instead: &'static str,
}

const DIFFERS: &str = "differs from one replay to the next";
const AGAIN: &str = "would be done again on every replay";
const IN_A_STEP: &str = "do input and output in a `#[step]`";
const STORED: &str =
    "use `sagewai::record(\"name\", || ..).await`, which is stored, or draw it in a `#[step]`";

const NONE: Rule = Rule {
    full: &[],
    names: &[],
    types: &[],
    modules: &[],
    why: DIFFERS,
    instead: "",
};

/// The first rule that a path falls under counts.
pub(super) const RULES: &[Rule] = &[
    Rule {
        full: &[
            "std::time::SystemTime::now",
            "std::time::SystemTime::elapsed",
            "std::time::Instant::now",
            "std::time::Instant::elapsed",
            "tokio::time::Instant::now",
            "web_time::*",
            "quanta::*",
            "coarsetime::*",
        ],
        names: &[
            "Utc::now",
            "Utc::today",
            "Local::now",
            "Local::today",
            "Zoned::now",
            "Timestamp::now",
            "OffsetDateTime::now_utc",
            "OffsetDateTime::now_local",
            "UtcDateTime::now",
        ],
        types: &[
            "SystemTime::now",
            "SystemTime::elapsed",
            "Instant::now",
            "Instant::elapsed",
        ],
        instead: "use `sagewai::now().await`, which is stored",
        ..NONE
    },
    Rule {
        names: &[
            "Uuid::new_v4",
            "Uuid::new_v7",
            "Uuid::now_v1",
            "Uuid::now_v6",
            "Uuid::now_v7",
            "Ulid::new",
            "Ulid::generate",
            "Ksuid::new",
            "nanoid",
        ],
        full: &["nanoid::*", "cuid::*", "cuid2::*"],
        instead: "use `sagewai::uuid().await`, which is stored",
        ..NONE
    },
    Rule {
        full: &[
            "rand::random",
            "rand::random_bool",
            "rand::random_iter",
            "rand::random_range",
            "rand::random_ratio",
            "rand::fill",
            "rand::rng",
            "rand::thread_rng",
            "rand::rngs::OsRng",
            "fastrand::*",
            "getrandom::*",
            "oorandom::*",
            "std::collections::hash_map::RandomState::new",
            "std::hash::RandomState::new",
        ],
        names: &[
            "thread_rng",
            "OsRng",
            "OsRng::default",
            "ThreadRng::default",
            "SmallRng::from_entropy",
            "SmallRng::from_os_rng",
            "StdRng::from_entropy",
            "StdRng::from_os_rng",
        ],
        types: &["RandomState::new", "RandomState::default"],
        instead: STORED,
        ..NONE
    },
    Rule {
        full: &[
            "tokio::time::*",
            "std::thread::sleep",
            "std::thread::sleep_ms",
            "std::thread::park_timeout",
            "async_std::task::sleep",
            "smol::Timer::*",
        ],
        names: &["Delay::new", "Timer::after"],
        modules: &[("thread::sleep", "AccessError")],
        why: "would start anew on every replay",
        instead: "use `sagewai::sleep(..).await`, which survives a restart, or the `timeout` of a step",
        ..NONE
    },
    Rule {
        full: &[
            "tokio::spawn",
            "tokio::task::*",
            "tokio::runtime::*",
            "std::thread::*",
            "rayon::*",
            "crossbeam::scope",
            "crossbeam::thread::*",
            "async_std::task::*",
            "smol::spawn",
            "smol::block_on",
            "smol::unblock",
            "futures::executor::*",
        ],
        names: &["JoinSet::new", "TaskTracker::new", "LocalSet::new"],
        types: &["Runtime::new", "Handle::current", "Handle::try_current"],
        modules: &[
            ("thread::spawn", "AccessError"),
            ("thread::scope", "AccessError"),
            ("thread::current", "AccessError"),
            ("thread::park", "AccessError"),
            ("thread::yield_now", "AccessError"),
            ("thread::available_parallelism", "AccessError"),
            ("task::spawn", "JoinError"),
            ("task::spawn_blocking", "JoinError"),
            ("task::spawn_local", "JoinError"),
            ("task::block_in_place", "JoinError"),
        ],
        why: AGAIN,
        instead: "await a `#[step]` that does the work: in a step, threads and tasks are fine",
    },
    Rule {
        full: &[
            "std::sync::mpsc::channel",
            "std::sync::mpsc::sync_channel",
            "crossbeam_channel::*",
            "flume::*",
        ],
        modules: &[
            ("mpsc::channel", "RecvError"),
            ("mpsc::sync_channel", "RecvError"),
        ],
        why: "waits for what no replay can give again",
        instead: "keep values in a local variable; what comes from outside comes through a `#[step]` or `sagewai::approval`",
        ..NONE
    },
    Rule {
        full: &[
            "std::env::*",
            "std::process::id",
            "dotenv::*",
            "dotenvy::*",
            "hostname::*",
            "num_cpus::*",
            "sysinfo::*",
            "whoami::*",
        ],
        modules: &[("env::*", "JoinPathsError"), ("process::id", "ChildStdin")],
        instead: "pass it in as an argument, read it in a `#[step]`, or store it: \
                  `sagewai::record(\"name\", || ..).await`",
        ..NONE
    },
    Rule {
        full: &["std::process::exit", "std::process::abort"],
        modules: &[
            ("process::exit", "ChildStdin"),
            ("process::abort", "ChildStdin"),
        ],
        why: "would end the worker with all its runs",
        instead: "return an error, which fails this run",
        ..NONE
    },
    Rule {
        full: &[
            "std::process::*",
            "tokio::process::*",
            "async_process::*",
            "duct::*",
            "xshell::*",
        ],
        types: &["Command::new"],
        why: AGAIN,
        instead: "run other programs in a `#[step]`",
        ..NONE
    },
    Rule {
        full: &[
            "std::fs::*",
            "tokio::fs::*",
            "async_fs::*",
            "async_std::fs::*",
            "fs_err::*",
            "tempfile::*",
            "walkdir::*",
            "std::io::stdin",
            "std::io::stdout",
            "std::io::stderr",
            "tokio::io::stdin",
            "tokio::io::stdout",
            "tokio::io::stderr",
        ],
        types: &[
            "File::open",
            "File::create",
            "File::create_new",
            "File::options",
            "OpenOptions::new",
            "DirBuilder::new",
        ],
        modules: &[
            ("fs::*", "DirBuilder"),
            ("io::stdin", "Sink"),
            ("io::stdout", "Sink"),
            ("io::stderr", "Sink"),
        ],
        why: AGAIN,
        instead: IN_A_STEP,
        ..NONE
    },
    Rule {
        full: &[
            "reqwest::*",
            "hyper::*",
            "ureq::*",
            "isahc::*",
            "surf::*",
            "awc::*",
            "lettre::*",
            "redis::*",
            "sqlx::*",
            "tokio_postgres::*",
            "rusqlite::*",
            "mongodb::*",
            "std::net::TcpStream::*",
            "std::net::TcpListener::*",
            "std::net::UdpSocket::*",
            "tokio::net::*",
        ],
        names: &[
            "PgPool::connect",
            "SqlitePool::connect",
            "MySqlPool::connect",
        ],
        types: &["TcpStream::connect", "TcpListener::bind", "UdpSocket::bind"],
        why: AGAIN,
        instead: "talk to other systems in a `#[step]`",
        ..NONE
    },
    Rule {
        full: &[
            "std::collections::HashMap::*",
            "std::collections::HashSet::*",
            "hashbrown::*",
            "dashmap::*",
        ],
        names: &[
            "HashMap::new",
            "HashMap::from",
            "HashMap::from_iter",
            "HashMap::default",
            "HashMap::with_capacity",
            "HashSet::new",
            "HashSet::from",
            "HashSet::from_iter",
            "HashSet::default",
            "HashSet::with_capacity",
            "DashMap::new",
        ],
        why: "has another order in each process",
        instead: "use `BTreeMap` or `BTreeSet`; where the order has no effect, \
                  `sagewai::unchecked(..)` says so",
        ..NONE
    },
];

impl Rule {
    /// Whether it names this path from the root of its crate.
    pub(super) fn has_full(&self, names: &[String]) -> bool {
        self.full.iter().any(|pattern| {
            let mut names = names.iter().map(|name| match name.as_str() {
                "core" | "alloc" => "std",
                name => name,
            });
            let mut wanted = pattern.split("::");
            let begun = wanted.by_ref().all(|wanted| match wanted {
                "*" => names.next().is_some(),
                wanted => names.next() == Some(wanted),
            });
            begun && (pattern.ends_with('*') || names.next().is_none())
        })
    }

    /// Whether it names the end of this path, whatever comes before.
    pub(super) fn has_name(&self, names: &[String]) -> bool {
        self.names.iter().any(|pattern| ends_with(names, pattern))
    }

    /// What the compiler is to be asked about the part of this path before its last name.
    pub(super) fn asks(&self, names: &[String]) -> Option<Asked> {
        if self.types.iter().any(|pattern| ends_with(names, pattern)) {
            return Some(Asked::Type);
        }
        let modules = self.modules.iter();
        let mut known = modules.filter(|(pattern, _)| ends_with(names, pattern));
        // `fs::Mode(..)` is a type of some module.
        let is_function = names
            .last()
            .is_some_and(|last| last.starts_with(char::is_lowercase));
        known
            .next()
            .filter(|_| is_function)
            .map(|(_, marker)| Asked::Module(marker))
    }
}

fn ends_with(names: &[String], pattern: &str) -> bool {
    let mut names = names.iter().rev();
    pattern.rsplit("::").all(|wanted| {
        names
            .next()
            .is_some_and(|name| wanted == "*" || name == wanted)
    })
}
