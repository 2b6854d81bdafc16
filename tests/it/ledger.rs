//! A ledger of effects outside the store: what steps have really done, by run.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::{LazyLock, Mutex};

use sagewai::StepContext;

static LEDGER: LazyLock<Mutex<HashMap<String, Vec<String>>>> = LazyLock::new(Mutex::default);

/// Notes an effect of the run that this step belongs to.
pub fn note(ctx: &StepContext, effect: impl Into<String>) {
    note_of(ctx.run_id(), effect);
}

/// Notes it from outside, for steps to see.
pub fn note_of(run: impl Display, effect: impl Into<String>) {
    let mut ledger = LEDGER.lock().unwrap();
    let effects = ledger.entry(run.to_string()).or_default();
    effects.push(effect.into());
}

/// All effects of a run, in order.
pub fn of(run: impl Display) -> Vec<String> {
    let ledger = LEDGER.lock().unwrap();
    ledger.get(&run.to_string()).cloned().unwrap_or_default()
}
