//! What most programs need: `use sagewai::prelude::*;`

pub use crate::client::Client;
pub use crate::error::{Failure, Fault, Result};
pub use crate::worker::WorkflowWorker;
pub use crate::workflow::{StepContext, WorkflowContext};
pub use crate::{approval, now, record, sleep, sleep_until, uuid};
#[cfg(feature = "macros")]
pub use sagewai_macros::{step, workflow};
