//! The kinds of work.

mod claims;
mod decision;
pub mod drain;
mod floor;
pub mod life;
pub mod long;
mod parked;
mod pick_up;
mod start;
mod timers;

use std::fmt::Write;
use std::future::Future;
use std::pin::Pin;

use sagewai::Result;

use crate::report::Row;
use crate::target::Target;

/// How much is measured.
#[derive(Debug)]
pub struct Scale {
    pub quick: bool,
    pub seconds: f64,
    pub callers: Vec<usize>,
    pub payloads: Vec<usize>,
}

impl Scale {
    /// A tenth where it must be quick.
    pub fn of(&self, count: u64) -> u64 {
        if self.quick { count / 10 } else { count }
    }
}

type Measured<'a> = Pin<Box<dyn Future<Output = Result<Vec<Row>>> + 'a>>;

/// One kind of work.
pub struct Scene {
    pub name: &'static str,
    about: &'static str,
    pub run: for<'a> fn(&'a Target, &'a Scale) -> Measured<'a>,
}

macro_rules! scene {
    ($name:ident: $about:literal) => {
        Scene {
            name: stringify!($name),
            about: $about,
            run: |target, scale| Box::pin($name::run(target, scale)),
        }
    };
}

/// All of them.
pub const SCENES: &[Scene] = &[
    scene!(floor: "what the database charges for a bare commit, and for rows in batches"),
    scene!(life: "start, claim, three steps, result: many callers, one worker, one process"),
    scene!(start: "submitting runs, one by one and many at once"),
    scene!(drain: "a queue of 1-step runs, by one and by two worker processes"),
    scene!(long: "a run of 1,000 steps, and one that is resumed at step 900 after kill -9"),
    scene!(pick_up: "from a start to the first step in an idle worker process"),
    scene!(decision: "from a decision to the next step of the run that waited for it"),
    scene!(parked: "1,000 runs that wait for a person, and 10 idle workers"),
    scene!(claims: "claims from queues of 1,000 to 1,000,000 runs, of which 1 % fit the worker"),
    scene!(timers: "100,000 timers that are due at once"),
];

/// For `--help`.
pub fn help() -> String {
    let mut text = "Kinds of work:\n".to_owned();
    for scene in SCENES {
        let _ = writeln!(text, "  {:<8} {}", scene.name, scene.about);
    }
    text
}

/// A count as a factor.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub fn float(count: u64) -> f64 {
    count as f64
}
