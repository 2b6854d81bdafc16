//! A PgBouncer before a server.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A PgBouncer that goes with this value.
#[derive(Debug)]
pub struct Bouncer {
    folder: PathBuf,
    process: Child,
}

impl Bouncer {
    /// Starts one before the server that this URL of a test's cluster names, with these lines of its settings.
    pub fn before(url: &str, settings: &str) -> Bouncer {
        let socket = url
            .split_once("?host=")
            .expect("a test's cluster is reached through a folder")
            .1;
        let name = sagewai::RunId::generate();
        let folder = std::env::temp_dir().join(format!("sagewai-pgb-{name}"));
        fs::create_dir(&folder).expect("a folder can be made");
        // It gives up its rights when it was started by root, and has its socket here.
        fs::set_permissions(&folder, Permissions::from_mode(0o777)).expect("it is ours");
        let file = folder.join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host={socket} port=5432 user=postgres\n[pgbouncer]\nlisten_addr =\nunix_socket_dir = {}\n\
             listen_port = 6432\nauth_type = any\n{settings}\n",
            folder.display()
        );
        fs::write(&file, text).expect("a file can be written");
        let process = start(&file);
        let bouncer = Bouncer { folder, process };
        bouncer.wait();
        bouncer
    }

    /// The URL of the same database through it.
    pub fn url(&self, url: &str) -> String {
        let (server, _) = url.split_once("?host=").expect("as above");
        let server = server.replace("@localhost/", "@localhost:6432/");
        format!("{server}?host={}", self.folder.display())
    }

    /// Kills it, and starts it again.
    pub fn restart(&mut self) {
        self.kill();
        self.process = start(&self.folder.join("pgbouncer.ini"));
        self.wait();
    }

    fn wait(&self) {
        let socket = self.folder.join(".s.PGSQL.6432");
        let begun = Instant::now();
        while !socket.exists() {
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "PgBouncer does not start"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn kill(&mut self) {
        // It may have ended by itself; either way it is gone then.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_file(self.folder.join(".s.PGSQL.6432"));
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn start(file: &Path) -> Child {
    let mut command = Command::new(program());
    // It refuses to run as root, as the server does, and must be let into the server's folder.
    if let Some(user) = super::lesser_user() {
        command.args(["-u", &user]);
    }
    command
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("PgBouncer can be run")
}

fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/bin".into()]);
    let mut programs = folders.map(|folder| folder.join("pgbouncer"));
    programs.find(|program| program.exists()).unwrap_or_else(|| {
        panic!(
            "tests of connection poolers need PgBouncer, and `pgbouncer` is not on PATH: install the package `pgbouncer`, or \
             run `./test.sh`, which does"
        )
    })
}
