//! Everything that needs more than one module, on every store, in one binary.

mod children;
mod combinators;
mod conformance;
mod control;
mod crash;
mod crash_sweep;
mod divergence;
mod foreign;
mod gate_rules;
mod gates;
mod ledger;
mod outage;
mod postgres_plans;
mod postgres_store;
mod resume;
mod retries;
mod routing;
mod signals;
mod sqlite_store;
mod starting;
mod steps;
mod support;
mod tidy;
mod waiting;
mod workers;
