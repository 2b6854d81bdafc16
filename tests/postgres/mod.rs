//! Real PostgreSQL servers for tests and benches: one that all tests of this process share, and servers of their own.
//! Whatever goes wrong here ends in a panic that says what to do: nothing of this runs outside of tests and benches.

#![expect(clippy::missing_panics_doc, reason = "a panic is how a test fails")]

pub mod bouncer;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::LazyLock;

use sagewai::store::PostgresStore;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Where an existing server is, which is used for tests that need none of their own.
const GIVEN: &str = "SAGEWAI_TEST_DATABASE_URL";

/// Nothing of these tests outlives them, so nothing has to reach the disk.
const SHARED_OPTIONS: &str = "-c max_connections=400 -c fsync=off -c autovacuum=off";
const OWN_OPTIONS: &str = "-c max_connections=100";

static SHARED: LazyLock<Cluster> = LazyLock::new(|| Cluster::boot(SHARED_OPTIONS));

/// An empty database that only one test uses.
#[derive(Debug)]
pub struct Database {
    /// Where it is.
    pub url: String,
    /// How to get rid of it, where the server is not thrown away as a whole.
    drop_from: Option<(String, String)>,
}

impl Database {
    /// A store in it, without tables yet, and with few connections, since many tests run at once.
    pub async fn store(&self) -> PostgresStore {
        self.store_in("sagewai").await
    }

    /// A store in a schema of its own.
    pub async fn store_in(&self, schema: &str) -> PostgresStore {
        let store = PostgresStore::builder(&self.url)
            .schema(schema)
            .connections(3);
        store.connect().await.unwrap()
    }

    /// A plain connection.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some((server, name)) = self.drop_from.take() {
            let drop_it = move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                runtime.unwrap().block_on(async {
                    let mut connection = PgConnection::connect(&server).await.unwrap();
                    let sql = AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"));
                    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
                });
            };
            // This may be a thread of a runtime, in which one cannot wait. A test that is over must not fail.
            let _ = std::thread::spawn(drop_it).join();
        }
    }
}

/// A new database on the server that all tests share.
pub async fn database() -> Database {
    match std::env::var(GIVEN) {
        Ok(given) => database_on(given).await,
        Err(_) => SHARED.database().await,
    }
}

/// A new database on a server that is there; dropped with the value.
pub async fn database_on(server: String) -> Database {
    let name = create_database(&server).await;
    Database {
        url: with_database(&server, &name),
        drop_from: Some((server, name)),
    }
}

/// A throwaway server. It goes with this value, and with this process, however that ends.
#[derive(Debug)]
pub struct Cluster {
    folder: String,
    // A supervising shell: it waits for its input to end, which it also does when this process is killed.
    supervisor: Child,
    words: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Cluster {
    /// Starts a server of its own, which writes to the disk as it would in earnest.
    pub fn start() -> Cluster {
        Cluster::boot(OWN_OPTIONS)
    }

    /// Starts one with these options of the server.
    pub fn boot(options: &str) -> Cluster {
        let script = include_str!("cluster.sh");
        let mut supervisor = Command::new("sh")
            .args(["-c", script, "cluster", script])
            .arg(bin_folder())
            .arg(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // An interrupt from the keyboard is for the tests; the supervisor cleans up after them.
            .process_group(0)
            .spawn()
            .expect("a shell can be run");
        let mut cluster = Cluster {
            folder: String::new(),
            words: supervisor.stdin.take(),
            answers: BufReader::new(supervisor.stdout.take().expect("it is piped")),
            supervisor,
        };
        let answer = cluster.answer();
        let Some(folder) = answer.strip_prefix("ready ") else {
            panic!("PostgreSQL does not start: {answer}");
        };
        folder.clone_into(&mut cluster.folder);
        cluster
    }

    /// A new, empty database.
    pub async fn database(&self) -> Database {
        let name = create_database(&self.url("postgres")).await;
        Database {
            url: self.url(&name),
            drop_from: None,
        }
    }

    /// Stops the server in order: sessions are ended, what they had not committed is undone.
    pub fn stop(&mut self) {
        self.say("stop");
    }

    /// Kills the server as a power cut would.
    pub fn crash(&mut self) {
        self.say("crash");
    }

    /// Starts the server again.
    pub fn go_on(&mut self) {
        self.say("start");
    }

    /// Starts a second server that follows this one, under port 5433.
    pub fn follow(&mut self) {
        self.say("follow");
    }

    /// Makes the second server one that writes.
    pub fn promote(&mut self) {
        self.say("promote");
    }

    fn url(&self, database: &str) -> String {
        format!(
            "postgres://postgres@localhost/{database}?host={}",
            self.folder
        )
    }

    fn say(&mut self, word: &str) {
        let words = self.words.as_mut().expect("it is there until the end");
        writeln!(words, "{word}").expect("the supervisor listens");
        let answer = self.answer();
        assert_eq!(answer, "done", "PostgreSQL does not {word}");
    }

    fn answer(&mut self) -> String {
        let mut answer = String::new();
        self.answers
            .read_line(&mut answer)
            .expect("the supervisor answers");
        answer.trim().to_owned()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.words.take());
        // The supervisor takes the server and its files away; a failure of that is no failure of the test.
        let _ = self.supervisor.wait();
    }
}

async fn create_database(server: &str) -> String {
    let name = format!(
        "sagewai_test_{}",
        sagewai::RunId::generate().as_str().replace('-', "_")
    );
    let mut connection = PgConnection::connect(server).await.unwrap();
    let sql = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    name
}

/// The URL with another database.
fn with_database(url: &str, name: &str) -> String {
    let (server, parameters) = match url.split_once('?') {
        Some((server, parameters)) => (server, format!("?{parameters}")),
        None => (url, String::new()),
    };
    let authority = server.find("://").map_or(0, |at| at + 3);
    let server_end = server[authority..]
        .find('/')
        .map_or(server.len(), |at| authority + at);
    format!("{}/{name}{parameters}", &server[..server_end])
}

/// Whom the supervising shell becomes where it was started by root.
fn lesser_user() -> Option<String> {
    let asked = |arguments: &[&str]| {
        let output = Command::new("id").args(arguments).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(text)
    };
    if asked(&["-u"])? != "0" {
        return None;
    }
    let mut users = ["postgres", "nobody"].into_iter();
    users
        .find(|user| asked(&["-u", user]).is_some())
        .map(str::to_owned)
}

/// Where `initdb`, `pg_ctl` and `postgres` are.
fn bin_folder() -> PathBuf {
    let mut folders: Vec<PathBuf> = std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default();
    let asked = Command::new("pg_config").arg("--bindir").output();
    if let Ok(output) = asked {
        folders.push(String::from_utf8_lossy(&output.stdout).trim().into());
    }
    folders.extend(installed("/usr/lib/postgresql", "bin"));
    folders.extend(installed("/usr", "bin").filter(|f| f.to_string_lossy().contains("/pgsql-")));
    folders.extend(installed("/opt/homebrew/opt", "bin"));
    folders.extend(installed("/usr/local/opt", "bin"));
    let complete = |folder: &PathBuf| {
        let there = |program| folder.join(program).exists();
        there("initdb") && there("pg_ctl") && there("postgres")
    };
    let Some(folder) = folders.into_iter().find(complete) else {
        panic!(
            "tests and benches need PostgreSQL's server programs (initdb, pg_ctl, postgres), and they are neither on PATH nor \
             where packages put them: install the package `postgresql` (Debian, Ubuntu, Alpine, Arch, Homebrew) or \
             `postgresql-server` (Fedora), or run `./test.sh`, which does; or name a server in {GIVEN}"
        );
    };
    // `postgres` is looked for beside `pg_ctl`, so a link to one of them must be followed.
    folder
        .join("pg_ctl")
        .canonicalize()
        .ok()
        .and_then(|p| p.parent().map(Path::to_owned))
        .unwrap_or(folder)
}

/// The folders of installed versions, newest first as far as names tell.
fn installed(root: &str, below: &'static str) -> impl Iterator<Item = PathBuf> {
    let mut versions: Vec<PathBuf> = std::fs::read_dir(root)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    versions.sort();
    versions
        .into_iter()
        .rev()
        .map(move |version| version.join(below))
}
