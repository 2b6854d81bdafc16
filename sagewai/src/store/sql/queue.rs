//! Leases. The clock, read once in a statement, is the one word in which the dialects differ: PostgreSQL has its own,
//! SQLite is told.

/// Registers a worker; nothing where it is there, or its name is another one's. `$1` to `$9`: key, name, pool, labels, slots,
/// lease in microseconds, host, program as JSON, whether the name is its own.
macro_rules! register {
    (now: $now:literal, labels: $labels:literal) => {
        concat!(
            "INSERT INTO workers (worker, name, pool, labels, slots, lease_us, host, program, exclusive, started_at, \
                                  seen_at, lease_until) \
             SELECT $1, $2, $3, ",
            $labels,
            ", $5, $6, $7, $8, $9, c.now, c.now, c.now + $6 FROM (SELECT ",
            $now,
            " AS now) c WHERE true ON CONFLICT DO NOTHING"
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

/// Declares a worker gone that was not. `$1` worker, `$2` whether it says so itself.
macro_rules! bury {
    ($now:literal) => {
        concat!(
            "UPDATE workers SET gone_at = ",
            $now,
            ", signed_off = $2, orphans = true WHERE worker = $1 AND gone_at IS NULL"
        )
    };
}

pub(in crate::store) use {bury, heartbeat, register};
