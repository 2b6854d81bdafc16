//! The keys of the attributes, for editors: they complete them and show these texts.

/// Keys of `#[step(..)]`.
#[allow(non_upper_case_globals)]
pub mod step {
    /// Its name in the journal: `name = "charge-card"`. The function's name by default.
    pub const name: &str = "";
    /// How many times a failed attempt is repeated: `retries = 3`. 0 by default.
    pub const retries: u32 = 0;
    /// Pause before the first repetition: `retry_delay = 0.5`, `retry_delay = "1m"`. One second by default.
    pub const retry_delay: f64 = 1.0;
    /// Factor by which the pause grows: `backoff = 1.5`. 2 by default.
    pub const backoff: f64 = 2.0;
    /// Longest time one attempt may take: `timeout = 30`, `timeout = "1m 30s"`. None by default.
    pub const timeout: f64 = 30.0;
    /// The pool whose workers execute it: `pool = "gpu"`. That of the run by default.
    pub const pool: &str = "";
    /// Labels that its worker must have, beside those of the run: `labels(gpu = true, zone = "eu")`.
    pub const labels: () = ();
}

/// Keys of `#[workflow(..)]`.
#[allow(non_upper_case_globals)]
pub mod workflow {
    /// The name by which workers and clients know it: `name = "article-pipeline"`. The function's name by default.
    pub const name: &str = "";
    /// Its version: `version = 2`. Runs keep the one that they began with. 1 by default.
    pub const version: u32 = 1;
    /// The pool of its runs: `pool = "gpu"`; can be overridden at a start.
    pub const pool: &str = "";
    /// Labels that the workers of its runs must have: `labels(gpu = true, zone = "eu")`; can be overridden at a start.
    pub const labels: () = ();
    /// How many of its runs all workers together drive at once: `concurrency = 10`. No limit by default.
    pub const concurrency: u32 = 0;
    /// How many runs of one concurrency key all workers together drive at once: `concurrency_per_key = 2`. No limit by
    /// default.
    pub const concurrency_per_key: u32 = 0;
    /// How many of its runs begin in a time: `rate = "100/1m"`. No limit by default.
    pub const rate: &str = "";
    /// How many runs of one concurrency key begin in a time: `rate_per_key = "5/1s"`. No limit by default.
    pub const rate_per_key: &str = "";
    /// How many of its runs may wait for a worker: `queue_depth = 100`; a start beyond it is refused. No limit by default.
    pub const queue_depth: u32 = 100;
}
