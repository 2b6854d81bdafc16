//! Several durable operations at once: all of them, all or the first error, the first one, one for each item.
//!
//! Each branch is a scope of its own, in which names are counted apart: `join.1/block/verify`, `map.17/summarize`. So
//! a position depends neither on the order in which branches are polled nor on what stands in the others.

mod block;
mod branch;
mod branches;
mod join;
mod map;
mod race;
mod try_join;

pub use block::{Block, CheckedBlock, Slot, checked_block};
pub use branch::{Branch, branch};
pub(super) use branches::Turn;
pub use join::{JoinBranches, join};
pub use map::{Map, TryMap, map, try_map};
pub(super) use race::{First, first_of_two};
pub use race::{RaceBranches, Won2, Won3, Won4, Won5, Won6, Won7, Won8, race};
pub use try_join::{TryJoinBranches, try_join};
