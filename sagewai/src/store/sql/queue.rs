//! Leases. The clock, read once in a statement, is the one word in which the dialects differ: PostgreSQL has its own,
//! SQLite is told.

/// Registers a worker; again does nothing. `$1` to `$7`: key, name, pool, labels, slots, lease in microseconds, host.
macro_rules! register {
    (now: $now:literal, labels: $labels:literal) => {
        concat!(
            "INSERT INTO workers (worker, name, pool, labels, slots, lease_us, host, started_at, seen_at, lease_until) \
             SELECT $1, $2, $3, ",
            $labels,
            ", $5, $6, $7, c.now, c.now, c.now + $6 FROM (SELECT ",
            $now,
            " AS now) c WHERE true ON CONFLICT (worker) DO NOTHING"
        )
    };
}

/// Extends the lease of a worker that is not gone. `$1` worker, `$2` what it executes, as JSON.
macro_rules! heartbeat {
    ($now:literal) => {
        concat!(
            "UPDATE workers SET seen_at = c.now, lease_until = c.now + lease_us, running = $2 FROM (SELECT ",
            $now,
            " AS now) c WHERE worker = $1 AND gone_at IS NULL"
        )
    };
}

/// Declares a worker gone that was not. `$1` worker.
macro_rules! bury {
    ($now:literal) => {
        concat!(
            "UPDATE workers SET gone_at = ",
            $now,
            ", orphans = true WHERE worker = $1 AND gone_at IS NULL"
        )
    };
}

pub(in crate::store) use {bury, heartbeat, register};
