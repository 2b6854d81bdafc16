//! What a worker brings along for its steps: models, how they are reached, secrets. It stays in the process.

mod inference;
mod merge;
mod overrides;
#[cfg(test)]
mod rules;
mod scope;
mod secret;
mod wrong;

pub use inference::InferenceParams;
pub use overrides::WorkerCredentials;
pub use scope::{with_worker_credentials, worker_credentials};
pub use secret::Secret;
pub use wrong::WrongCredentials;
