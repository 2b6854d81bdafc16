//! Agents: what becomes of each call, over real HTTP and in workflows on every store.

mod composed;
mod crash;
mod durable;
mod models;
mod provider;
mod tools;
