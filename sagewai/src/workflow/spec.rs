//! What the attributes say of a step and of a workflow: the traits they implement and the options they carry.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::args::Arguments;
use super::asks::StaticLabels;
use super::context::{StepContext, WorkflowContext};
use super::graph::Graph;
use super::scope::Scope;
use crate::error::{Fault, StepError};
use crate::model::{Json, Limits, Rate};

/// A future on the heap.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A value that can be stored between checkpoints: the argument or result of a step or workflow. Implemented for
/// every type that serde can write and read, and that owns its data.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored between checkpoints",
    label = "the input or output of a step must be serializable",
    note = "derive it: `#[derive(serde::Serialize, serde::Deserialize)]`; it must also be `Send` and own its data (`'static`)",
    note = "what it holds must be storable as well; keys of a map need `Ord`, or `Hash` and `Eq`"
)]
pub trait Payload: Sized + Send + 'static {
    #[doc(hidden)]
    fn store(&self) -> Result<Json, Fault>;
    #[doc(hidden)]
    fn store_into(&self, out: &mut Vec<u8>) -> Result<(), Fault>;
    #[doc(hidden)]
    fn load(text: &str) -> Result<Self, Fault>;
}

#[diagnostic::do_not_recommend]
impl<T> Payload for T
where
    T: Serialize + DeserializeOwned + Send + 'static,
{
    fn store(&self) -> Result<Json, Fault> {
        Json::encode(self)
    }
    fn store_into(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
        Json::encode_into(self, out)
    }
    fn load(text: &str) -> Result<T, Fault> {
        match serde_json::from_str(text) {
            Ok(value) => Ok(value),
            Err(error) => Err(unreadable(&error)),
        }
    }
}

fn unreadable(error: &serde_json::Error) -> Fault {
    Fault::Decode {
        reason: error.to_string(),
    }
}

/// The options of `#[step(..)]`; the attribute's keys are these fields.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepSpec {
    /// Name in the journal; the function's name by default.
    pub name: &'static str,
    /// How many times a failed step runs again; 0 by default.
    pub retries: u32,
    /// Pause before the first retry; one second by default.
    pub retry_delay: Duration,
    /// Factor by which the pause grows with each retry; 2 by default, 1 keeps it as it is.
    pub backoff: f64,
    /// Longest time one attempt may take; none by default.
    pub timeout: Option<Duration>,
    /// The pool whose workers execute it; that of the run by default.
    pub pool: Option<&'static str>,
    /// Labels that its worker must have, beside those of the run; none by default.
    pub labels: StaticLabels,
    /// Parameter names, in order.
    pub params: &'static [&'static str],
    /// The signature as written.
    pub signature: &'static str,
    /// The function's name.
    pub function: &'static str,
    /// `module_path!()` of the function.
    pub module: &'static str,
    /// What its documentation says.
    pub doc: &'static str,
}

impl StepSpec {
    /// A step without options.
    #[doc(hidden)]
    pub const fn new(
        function: &'static str,
        module: &'static str,
        params: &'static [&'static str],
        signature: &'static str,
    ) -> StepSpec {
        StepSpec {
            name: function,
            retries: 0,
            retry_delay: Duration::from_secs(1),
            backoff: 2.0,
            timeout: None,
            pool: None,
            labels: &[],
            params,
            signature,
            function,
            module,
            doc: "",
        }
    }
}

/// A `backoff` that the attribute cannot judge, because it is a constant of the author.
///
/// # Panics
/// Out of range. Generated code asks while compiling, so the panic is a compile error.
pub const fn backoff(factor: f64) -> f64 {
    assert!(
        factor >= 1.0 && factor.is_finite(),
        "`backoff` is a factor, so 1 or more: with less, pauses would shrink"
    );
    factor
}

/// A `timeout` that the attribute cannot judge, because it is a constant of the author.
///
/// # Panics
/// Where it is zero. Generated code asks while compiling, so the panic is a compile error.
pub const fn timeout(limit: Duration) -> Duration {
    assert!(
        !limit.is_zero(),
        "`timeout` is zero: no attempt could end in time"
    );
    limit
}

/// A `queue_depth` that the attribute cannot judge, because it is a constant of the author.
///
/// # Panics
/// Where it is zero. Generated code asks while compiling, so the panic is a compile error.
pub const fn queue_depth(limit: u32) -> u32 {
    assert!(
        limit > 0,
        "`queue_depth` is zero: no run could ever be started"
    );
    limit
}

/// A `concurrency` that the attribute cannot judge, because it is a constant of the author.
///
/// # Panics
/// Where it is zero. Generated code asks while compiling, so the panic is a compile error.
pub const fn slots(most: u32) -> u32 {
    assert!(most > 0, "it is zero: no run could ever be driven");
    most
}

/// The options of `#[workflow(..)]`; the attribute's keys are these fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkflowSpec {
    /// Name by which workers and clients know it; the function's name by default.
    pub name: &'static str,
    /// Its version; 1 by default. Runs keep the one that they began with.
    pub version: u32,
    /// The pool of its runs; none of its own by default.
    pub pool: Option<&'static str>,
    /// Labels that the workers of its runs must have; none by default.
    pub labels: StaticLabels,
    /// How many of its runs all workers together drive at once; no limit by default. A run that waits takes no slot.
    pub concurrency: Option<u32>,
    /// How many runs of one [concurrency key](crate::WorkflowCall::concurrency_key) all workers together drive at once;
    /// no limit by default.
    pub concurrency_per_key: Option<u32>,
    /// How many of its runs begin within any stretch of time, as in `"100/1m"`; no limit by default.
    pub rate: Option<Rate>,
    /// How many runs of one [concurrency key](crate::WorkflowCall::concurrency_key) begin within any stretch of time; no
    /// limit by default.
    pub rate_per_key: Option<Rate>,
    /// How many of its runs may wait for a worker; no limit by default.
    pub queue_depth: Option<u32>,
    /// Parameter names, in order.
    pub params: &'static [&'static str],
    /// The signature as written.
    pub signature: &'static str,
    /// The function's name.
    pub function: &'static str,
    /// `module_path!()` of the function.
    pub module: &'static str,
}

impl WorkflowSpec {
    /// What holds its runs back.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            concurrency: self.concurrency,
            concurrency_per_key: self.concurrency_per_key,
            rate: self.rate,
            rate_per_key: self.rate_per_key,
        }
    }

    /// A workflow without options.
    #[doc(hidden)]
    pub const fn new(
        function: &'static str,
        module: &'static str,
        params: &'static [&'static str],
        signature: &'static str,
    ) -> WorkflowSpec {
        WorkflowSpec {
            name: function,
            version: 1,
            pool: None,
            labels: &[],
            concurrency: None,
            concurrency_per_key: None,
            rate: None,
            rate_per_key: None,
            queue_depth: None,
            params,
            signature,
            function,
            module,
        }
    }
}

/// What `#[step]` makes of an async function. The type has the function's name.
pub trait Step: 'static {
    /// The arguments by value, as a tuple; stored as a JSON object keyed by parameter name.
    type Input: Arguments + Send + 'static;
    /// What it returns.
    type Output: Payload;
    /// How it fails.
    type Error: StepError;
    /// Its options.
    const SPEC: StepSpec;
    #[doc(hidden)]
    const ARGUMENTS: <Self::Input as Arguments>::Each;
    #[doc(hidden)]
    fn store(input: &Self::Input) -> Result<Json, Fault> {
        input.write(&Self::ARGUMENTS, Self::SPEC.params)
    }
    #[doc(hidden)]
    fn load(input: &Json) -> Result<Self::Input, Fault> {
        Self::Input::read(input, &Self::ARGUMENTS, Self::SPEC.params)
    }
    #[doc(hidden)]
    fn is_terminal(error: &Self::Error) -> bool;
    #[doc(hidden)]
    fn body(
        context: StepContext,
        input: Self::Input,
    ) -> BoxFuture<'static, Result<Self::Output, Self::Error>>;
}

/// What `#[workflow]` makes of an async function. The type has the function's name.
pub trait Workflow: 'static {
    /// The arguments by value, as a tuple; stored as a JSON object keyed by parameter name.
    type Input: Arguments + Send + 'static;
    /// What it returns.
    type Output: Payload;
    /// How it fails.
    type Error: StepError;
    /// One variant per checkpoint type.
    type State;
    /// Its options.
    const SPEC: WorkflowSpec;
    /// Its order of things, as far as it is known before it runs.
    const GRAPH: &'static Graph;
    /// A number that changes when the shape of the workflow does, and not with layout, comments or local names.
    const FINGERPRINT: u64 = Self::GRAPH.fingerprint();
    #[doc(hidden)]
    const ARGUMENTS: <Self::Input as Arguments>::Each;
    #[doc(hidden)]
    fn store(input: &Self::Input) -> Result<Json, Fault> {
        input.write(&Self::ARGUMENTS, Self::SPEC.params)
    }
    #[doc(hidden)]
    fn load(input: &Json) -> Result<Self::Input, Fault> {
        Self::Input::read(input, &Self::ARGUMENTS, Self::SPEC.params)
    }
    #[doc(hidden)]
    fn body(
        context: WorkflowContext,
        scope: Scope,
        input: Self::Input,
    ) -> BoxFuture<'static, Result<Self::Output, Self::Error>>;
    /// Reads a stored checkpoint back, by the name of what made it.
    #[doc(hidden)]
    fn state(name: &str, value: &Json) -> Result<Self::State, Fault>;
}
