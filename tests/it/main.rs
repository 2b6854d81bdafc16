//! Everything that needs more than one module, on every store, in one binary.

mod combinators;
mod conformance;
mod crash;
mod crash_sweep;
mod divergence;
mod foreign;
mod gates;
mod ledger;
mod outage;
mod postgres_plans;
mod postgres_store;
mod resume;
mod retries;
mod routing;
mod schedules;
mod schedules_crash;
mod schedules_missed;
mod schema_upgrade;
mod sqlite_store;
mod starting;
mod steps;
mod support;
mod tidy;
mod waiting;
mod workers;
