//! Providers over HTTP.

mod answer;
mod client;
mod dialect;
mod faults;
mod retry_after;
mod streamed;

pub use client::HttpModel;
pub(super) use dialect::{Assembler, Broken, Piece, Unreadable, Wire, WithExtra};
pub(super) use faults::ProviderFault;
