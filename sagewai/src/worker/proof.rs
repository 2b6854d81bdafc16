//! Proof that a worker's process is gone, so that nobody has to wait for its lease.
//!
//! Each life holds an exclusive lock on a file of its own, in a directory that belongs to this machine; the
//! operating system lets go of it when the process ends, however it ends. A worker on the same machine that can
//! lock the file of another life knows that its process is gone. A missing file proves nothing, and neither does
//! another machine: there the lease decides. Nothing is risked by a wrong proof, since every write is fenced.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use uuid::Uuid;

use crate::model::WorkerKey;

/// The lock of a life, held until it is dropped.
#[derive(Debug)]
pub(crate) struct LifeLock {
    _file: File,
    path: PathBuf,
    host: String,
}

impl LifeLock {
    /// Takes the lock of a new life. None where this machine has no place for it; takeover then waits for leases.
    pub(crate) fn take(key: WorkerKey) -> Option<LifeLock> {
        let taken = || -> io::Result<LifeLock> {
            let directory = directory()?;
            let host = host(&directory)?;
            sweep(&directory, FORGOTTEN_AFTER);
            let path = file_of(&directory, key);
            let file = OpenOptions::new()
                .create_new(true)
                .write(true)
                .open(&path)?;
            file.lock()?;
            Ok(LifeLock {
                _file: file,
                path,
                host,
            })
        };
        taken()
            .inspect_err(|error| {
                tracing::debug!(%error, "no lock file, so takeover waits for leases");
            })
            .ok()
    }

    /// Names the machine on which this lock proves something.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }
}

impl Drop for LifeLock {
    fn drop(&mut self) {
        // The file means nothing without its lock; one that stays is removed by whoever finds the process gone.
        let _ = fs::remove_file(&self.path);
    }
}

/// What is known here of a life's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// It is gone.
    Gone,
    /// It is there.
    Alive,
    /// It is of another machine, or left nothing.
    None,
}

/// Looks for the process of a life of this host.
pub(crate) fn of(key: WorkerKey, host: &str) -> Proof {
    let found = directory().and_then(|directory| {
        if self::host(&directory)? != host {
            return Ok(Proof::None);
        }
        let file = File::open(file_of(&directory, key))?;
        match file.try_lock() {
            Ok(()) => Ok(Proof::Gone),
            Err(fs::TryLockError::WouldBlock) => Ok(Proof::Alive),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    });
    // Whatever goes wrong here, it proves nothing.
    found.unwrap_or(Proof::None)
}

/// Lives of this machine whose process is known to be gone, of whatever store.
pub(crate) fn gone_here() -> Vec<WorkerKey> {
    let Ok(directory) = directory() else {
        return Vec::new();
    };
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let gone = entries.filter_map(|entry| {
        let path = entry.path();
        let name = path.file_stem()?.to_str()?;
        let key = Uuid::parse_str(name).ok()?;
        // Whatever goes wrong here, it proves nothing.
        let file = File::open(&path).ok()?;
        file.try_lock().ok()?;
        Some(WorkerKey::from_uuid(key))
    });
    gone.collect()
}

/// Removes the file of a life that was declared dead. Not before: whoever finds the proof may be killed before it has
/// told the store, and then the next one must find it again.
pub(crate) fn forget(key: WorkerKey) {
    if let Ok(directory) = directory() {
        // One that stays is swept later.
        let _ = fs::remove_file(file_of(&directory, key));
    }
}

/// A lease is over long before; a file that nobody has asked about until then is of no use to anybody.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(24);

/// Removes the files of processes that were killed so long ago.
fn sweep(directory: &Path, age: Duration) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_old = entry
            .metadata()
            .and_then(|m| m.modified())
            .is_ok_and(|at| at.elapsed().is_ok_and(|since| since >= age));
        let is_lock = path.extension().is_some_and(|e| e == "lock");
        if is_lock && is_old && File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
            // Whoever is quicker has done it.
            let _ = fs::remove_file(&path);
        }
    }
}

fn directory() -> io::Result<PathBuf> {
    let directory = std::env::temp_dir().join("sagewai-workers");
    fs::create_dir_all(&directory)?;
    Ok(directory)
}

fn file_of(directory: &Path, key: WorkerKey) -> PathBuf {
    directory.join(format!("{key}.lock"))
}

/// A name for this directory, drawn by whoever comes first.
fn host(directory: &Path) -> io::Result<String> {
    let path = directory.join("host");
    if let Ok(name) = fs::read_to_string(&path)
        && !name.is_empty()
    {
        return Ok(name);
    }
    let name = Uuid::now_v7().to_string();
    let draft = directory.join(format!("host-{name}"));
    fs::write(&draft, &name)?;
    // A link is made whole or not at all, and the second one loses.
    let linked = fs::hard_link(&draft, &path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => fs::read_to_string(&path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn life_is_proved_over_only_when_its_lock_is_free() {
        let key = WorkerKey::generate();
        let lock = LifeLock::take(key).unwrap();
        let is_gone = || gone_here().contains(&key);
        assert!(!is_gone(), "held");
        let path = lock.path.clone();
        drop(lock);
        assert!(!path.exists());
        assert!(!is_gone(), "signed off: nothing to prove");

        // Files of living processes stay, however old.
        let living = LifeLock::take(WorkerKey::generate()).unwrap();
        sweep(living.path.parent().unwrap(), Duration::ZERO);
        assert!(living.path.exists());

        // What a killed process leaves: the file, without a lock.
        File::create(&path).unwrap();
        assert!(is_gone());
        assert!(is_gone(), "until it is told");
        forget(key);
        assert!(!path.exists() && !is_gone());
    }
}
