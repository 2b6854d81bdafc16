//! When processes crash, what steps do, and what is noted about it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

use async_trait::async_trait;
use sagewai::model::{Commit, Verdict};
use sagewai::prelude::*;
use sagewai::{Json, Outcome};
use sagewai_tests::watched_store::CommitWatch;
use tokio::sync::Notify;

/// What happened, in order.
#[derive(Debug, Clone)]
pub enum Entry {
    Began {
        position: String,
        process: u32,
    },
    Ended {
        position: String,
        outcome: Outcome,
    },
    /// It ended, in whatever way: nothing of it is executed any more.
    Gone {
        position: String,
        process: u32,
    },
    Committed {
        positions: Vec<String>,
    },
    /// A step acted upon something that the workflow had decided.
    Decided {
        what: String,
    },
}

impl Entry {
    /// Where something was executed.
    pub fn position(&self) -> Option<&str> {
        match self {
            Entry::Began { position, .. } | Entry::Ended { position, .. } => Some(position),
            Entry::Gone { .. } | Entry::Committed { .. } | Entry::Decided { .. } => None,
        }
    }
}

/// The script of one run.
#[derive(Debug, Clone)]
pub struct Script(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    run: String,
    state: Mutex<State>,
    crash: Notify,
}

#[derive(Debug)]
struct State {
    draw: u64,
    process: u32,
    is_crashed: bool,
    /// Crashes since the run last made progress: after a few it would be given up.
    in_vain: u32,
    entries: Vec<Entry>,
}

static SCRIPTS: LazyLock<Mutex<HashMap<String, Script>>> = LazyLock::new(Mutex::default);

impl Script {
    pub fn begin(run: &str, seed: u64) -> Script {
        let script = Script(Arc::new(Inner {
            run: run.to_owned(),
            state: Mutex::new(State {
                draw: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
                process: 0,
                is_crashed: false,
                in_vain: 0,
                entries: Vec::new(),
            }),
            crash: Notify::new(),
        }));
        SCRIPTS
            .lock()
            .unwrap()
            .insert(run.to_owned(), script.clone());
        script
    }

    pub fn end(&self) {
        SCRIPTS.lock().unwrap().remove(&self.0.run);
    }

    pub fn of(ctx: &StepContext) -> Script {
        SCRIPTS.lock().unwrap()[ctx.run_id().as_str()].clone()
    }

    pub fn new_process(&self) {
        let mut state = self.state();
        state.process += 1;
        state.is_crashed = false;
    }

    /// Waits until the process crashes.
    pub async fn crashed(&self) {
        loop {
            let notified = self.0.crash.notified();
            if self.state().is_crashed {
                return;
            }
            notified.await;
        }
    }

    pub fn entries(&self) -> Vec<Entry> {
        self.state().entries.clone()
    }

    pub fn note(&self, entry: Entry) {
        self.state().entries.push(entry);
    }

    pub fn process(&self) -> u32 {
        self.state().process
    }

    /// A number below `limit`. (xorshift: Marsaglia, 2003.)
    pub fn below(&self, limit: u64) -> u64 {
        self.state().below(limit)
    }

    /// Lets others go on, a few times.
    pub async fn pause(&self) {
        for _ in 0..self.below(12) {
            tokio::task::yield_now().await;
        }
    }

    /// Perhaps the process crashes here: then nothing goes on.
    async fn perhaps_crash(&self, one_in: u64) {
        let crashes = {
            let mut state = self.state();
            let crashes = state.is_crashed || (state.in_vain < 4 && state.below(one_in) == 0);
            if crashes && !state.is_crashed {
                state.is_crashed = true;
                state.in_vain += 1;
            }
            crashes
        };
        if crashes {
            self.0.crash.notify_waiters();
            std::future::pending::<()>().await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }
}

impl State {
    fn below(&mut self, limit: u64) -> u64 {
        self.draw ^= self.draw << 13;
        self.draw ^= self.draw >> 7;
        self.draw ^= self.draw << 17;
        self.draw % limit
    }
}

#[async_trait]
impl CommitWatch for Script {
    async fn before(&self, _: &Commit) {
        self.perhaps_crash(7).await;
    }

    async fn after(&self, commit: &Commit, verdict: Verdict) {
        if verdict == Verdict::Fenced {
            return;
        }
        let positions = commit.checkpoints.iter();
        let positions: Vec<String> = positions.map(|c| c.position.to_string()).collect();
        if !positions.is_empty() {
            self.state().in_vain = 0;
        }
        self.note(Entry::Committed { positions });
        self.perhaps_crash(7).await;
    }
}

/// Notes that a step is gone, however it ends.
struct Gone(Script, String, u32);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.note(Entry::Gone {
            position: self.1.clone(),
            process: self.2,
        });
    }
}

/// What every step of the storm does: takes some time, may crash, and gives a value of its own or fails.
pub async fn work(ctx: &StepContext, fails: bool) -> Result<u64> {
    let script = Script::of(ctx);
    let (position, process) = (ctx.position().to_string(), script.process());
    let began = Entry::Began {
        position: position.clone(),
        process,
    };
    script.note(began);
    let _gone = Gone(script.clone(), position.clone(), process);
    script.pause().await;
    script.perhaps_crash(25).await;
    // Different on every execution: whoever is executed twice gives something else.
    let value = script.below(u64::MAX);
    let result: Result<u64> = if fails {
        Err(format!("{position} fails with {value}").into())
    } else {
        Ok(value)
    };
    let outcome = match &result {
        Ok(value) => Outcome::Ok(Json::encode(value).unwrap()),
        Err(failure) => Outcome::Err(Json::encode(failure).unwrap()),
    };
    let ended = Entry::Ended { position, outcome };
    script.note(ended);
    result
}

/// Whether something of these branches is still executed in this process.
pub fn still_there(ctx: &StepContext, branches: &str) -> Option<String> {
    let script = Script::of(ctx);
    let state = script.state();
    let mut there: Vec<&String> = Vec::new();
    for entry in &state.entries {
        match entry {
            Entry::Began { position, process } if *process == state.process => there.push(position),
            Entry::Gone { position, process } if *process == state.process => {
                there.retain(|p| *p != position);
            }
            _ => {}
        }
    }
    there.into_iter().find(|p| p.starts_with(branches)).cloned()
}
