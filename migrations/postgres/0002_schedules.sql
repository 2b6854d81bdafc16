-- What starts by the clock. There are few; each is read whole and written whole, over the revision that was read, so
-- what only the model understands stands in two texts of JSON: the definition, and what has become of it.

CREATE TABLE schedules (
    name       text NOT NULL COLLATE "C" PRIMARY KEY,
    revision   bigint NOT NULL,
    due_at     bigint,
    definition text NOT NULL,
    progress   text NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX schedules_due ON schedules (due_at) WHERE due_at IS NOT NULL;
