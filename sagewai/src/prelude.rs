//! What most programs need: `use sagewai::prelude::*;`

pub use crate::client::Client;
pub use crate::error::{Failure, Fault, Result};
pub use crate::worker::WorkflowWorker;
pub use crate::workflow::{StepContext, WorkflowContext};
pub use crate::workflow::{Won2, Won3, Won4, Won5, Won6, Won7, Won8};
pub use crate::{
    approval, child, join, map, now, race, record, signal, sleep, sleep_until, try_join, try_map,
    uuid,
};
#[cfg(feature = "macros")]
pub use sagewai_macros::{step, workflow};
