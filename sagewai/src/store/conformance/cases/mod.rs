//! The cases, by what they are about. Each is named by the behaviour that it demands.

mod cancel;
mod children;
mod claim;
mod commit;
mod fence;
mod fleet;
mod gates;
mod lease;
mod limits;
mod park;
mod pause;
mod query;
mod retry;
mod schedules;
mod schema;
mod signals;
mod start;
mod takeover;

pub use cancel::*;
pub use children::*;
pub use claim::*;
pub use commit::*;
pub use fence::*;
pub use fleet::*;
pub use gates::*;
pub use lease::*;
pub use limits::*;
pub use park::*;
pub use pause::*;
pub use query::*;
pub use retry::*;
pub use schedules::*;
pub use schema::*;
pub use signals::*;
pub use start::*;
pub use takeover::*;
