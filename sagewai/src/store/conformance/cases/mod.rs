//! The cases, by what they are about. Each is named by the behaviour that it demands.

mod claim;
mod commit;
mod fence;
mod gates;
mod lease;
mod park;
mod query;
mod retry;
mod schedules;
mod schema;
mod start;
mod takeover;

pub use claim::*;
pub use commit::*;
pub use fence::*;
pub use gates::*;
pub use lease::*;
pub use park::*;
pub use query::*;
pub use retry::*;
pub use schedules::*;
pub use schema::*;
pub use start::*;
pub use takeover::*;
