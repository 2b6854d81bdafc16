-- What starts by the clock; `migrations/postgres` has the same table. There are few; each is read whole and written
-- whole, over the revision that was read, so what only the model understands stands in two texts of JSON: the
-- definition, and what has become of it.

CREATE TABLE schedules (
    name       TEXT NOT NULL PRIMARY KEY,
    revision   INTEGER NOT NULL,
    due_at     INTEGER,
    definition TEXT NOT NULL,
    progress   TEXT NOT NULL
) STRICT;
CREATE INDEX schedules_due ON schedules (due_at) WHERE due_at IS NOT NULL;
