-- The core tables; `migrations/postgres` has the same ones. Times are microseconds since 1970. Keys are the 16
-- bytes of a UUID, texts that hold JSON are texts.

-- Distinct combinations of workflow, version, pool and labels. There are few; a worker finds out once which it may serve.
CREATE TABLE queues (
    queue_id INTEGER PRIMARY KEY,
    workflow TEXT NOT NULL,
    version  INTEGER NOT NULL,
    pool     TEXT NOT NULL,
    labels   TEXT NOT NULL,
    UNIQUE (workflow, version, pool, labels)
) STRICT;

-- `orphans` is set when the worker is found gone, and taken back when the last run that it held has another one: a
-- claim looks at those workers only, however many have come and gone. `exclusive` names are those of one living worker
-- each. `program` is JSON; `wish` is what people want of the worker.
CREATE TABLE workers (
    worker      BLOB PRIMARY KEY,
    name        TEXT NOT NULL,
    exclusive   INTEGER NOT NULL,
    pool        TEXT NOT NULL,
    labels      TEXT NOT NULL,
    slots       INTEGER NOT NULL,
    lease_us    INTEGER NOT NULL CHECK (lease_us > 0),
    host        TEXT NOT NULL,
    program     TEXT NOT NULL,
    wish        TEXT NOT NULL DEFAULT 'run' CHECK (wish IN ('run', 'pause', 'drain')),
    started_at  INTEGER NOT NULL,
    seen_at     INTEGER NOT NULL,
    lease_until INTEGER NOT NULL,
    gone_at     INTEGER,
    signed_off  INTEGER NOT NULL DEFAULT 0,
    orphans     INTEGER NOT NULL DEFAULT 0,
    running     TEXT NOT NULL DEFAULT '[]'
) STRICT, WITHOUT ROWID;
CREATE INDEX workers_alive ON workers (worker) WHERE gone_at IS NULL;
CREATE UNIQUE INDEX workers_named ON workers (name) WHERE gone_at IS NULL AND exclusive;
CREATE INDEX workers_orphans ON workers (worker) WHERE orphans;

-- One narrow row a run: what is true of it now. Payloads are rows of `checkpoints`, which are not rewritten once
-- the run has begun. `header` is JSON, null where it says nothing; `parent_key` repeats the parent in it. `lane` is the
-- concurrency key, null without one. `queue_id` is the queue to which the run belongs; `away_id` the one in which it is,
-- and whose workers may have it, while a step of it asks for another worker.
CREATE TABLE runs (
    run_key     BLOB NOT NULL PRIMARY KEY,
    run_id      TEXT NOT NULL,
    queue_id    INTEGER NOT NULL,
    away_id     INTEGER,
    state       TEXT NOT NULL
                CHECK (state IN ('pending', 'running', 'waiting', 'paused', 'completed', 'failed', 'cancelled')),
    epoch       INTEGER NOT NULL DEFAULT 0,
    worker      BLOB,
    claims      INTEGER NOT NULL DEFAULT 0,
    wakes       INTEGER NOT NULL DEFAULT 0,
    priority    INTEGER NOT NULL DEFAULT 0,
    fingerprint INTEGER NOT NULL,
    lane        TEXT,
    parent_key  BLOB,
    header      TEXT,
    pausing     INTEGER NOT NULL DEFAULT 0,
    waiting     TEXT,
    due_at      INTEGER,
    error       TEXT,
    created_at  INTEGER NOT NULL,
    started_at  INTEGER,
    finished_at INTEGER,
    CHECK (state <> 'running' OR worker IS NOT NULL),
    CHECK ((state = 'waiting') = (waiting IS NOT NULL)),
    CHECK ((state IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
) STRICT;
CREATE INDEX runs_worker ON runs (worker) WHERE state = 'running';
CREATE INDEX runs_created ON runs (created_at);
CREATE INDEX runs_parent ON runs (parent_key) WHERE parent_key IS NOT NULL;

-- Runs that are claimable now, in the order of their claim; the claim deletes. `since` is when the run was created, a
-- minute earlier for each level of its priority: so order never changes, and nothing waits for ever behind what comes
-- later. Runs with a concurrency key stand in a lane of their own, those that have begun before the `fresh` ones, since
-- a rate holds back the latter only. The key follows from the run's row.
CREATE TABLE queue (
    queue_id INTEGER NOT NULL,
    lane     TEXT NOT NULL DEFAULT '',
    fresh    INTEGER NOT NULL DEFAULT 0,
    since    INTEGER NOT NULL,
    run_key  BLOB NOT NULL,
    PRIMARY KEY (queue_id, lane, fresh, since, run_key)
) STRICT, WITHOUT ROWID;

-- Workers that runs are meant for: a preference, which expires. Until then the run is one that starts later, and its
-- worker may have it before; `run_key` is null until it is started.
CREATE TABLE assignments (
    worker     BLOB NOT NULL,
    id         BLOB NOT NULL,
    run_key    BLOB,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (worker, id)
) STRICT, WITHOUT ROWID;

-- Runs of workflows with limits, as they were claimed: one that is `running` takes a slot of its workflow and lane. What
-- is over, or waits, is deleted by the next claim of that workflow.
CREATE TABLE slots (
    workflow TEXT NOT NULL,
    run_key  BLOB NOT NULL,
    lane     TEXT NOT NULL,
    PRIMARY KEY (workflow, run_key)
) STRICT, WITHOUT ROWID;

-- First claims of runs of workflows with a rate, for as long as they count: of the whole workflow (lane ''), and of each
-- lane.
CREATE TABLE pace (
    workflow TEXT NOT NULL,
    lane     TEXT NOT NULL,
    until    INTEGER NOT NULL,
    runs     INTEGER NOT NULL,
    PRIMARY KEY (workflow, lane, until)
) STRICT, WITHOUT ROWID;
CREATE INDEX pace_until ON pace (until);

-- Runs that are looked at when a time has come: theirs, which `runs.due_at` repeats, or that of the end of a child.
CREATE TABLE timers (
    due_at  INTEGER NOT NULL,
    run_key BLOB NOT NULL,
    PRIMARY KEY (due_at, run_key)
) STRICT, WITHOUT ROWID;

-- Runs that are ended from outside when a time has come, where the cause still holds.
CREATE TABLE endings (
    due_at  INTEGER NOT NULL,
    run_key BLOB NOT NULL,
    cause   TEXT NOT NULL,
    PRIMARY KEY (due_at, run_key, cause)
) STRICT, WITHOUT ROWID;
CREATE INDEX endings_run ON endings (run_key);

CREATE TABLE checkpoints (
    run_key      BLOB NOT NULL,
    position     TEXT NOT NULL,
    ordinal      INTEGER NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('input', 'step', 'record', 'sleep', 'gate', 'signal', 'child', 'output')),
    site         INTEGER NOT NULL,
    input_digest INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,
    took_us      INTEGER NOT NULL,
    outcome      TEXT NOT NULL CHECK (outcome IN ('ok', 'error', 'fault')),
    payload      TEXT NOT NULL,
    epoch        INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    PRIMARY KEY (run_key, position)
) STRICT;

-- What the timeline cannot read from runs and checkpoints. `id` is chosen by the writer.
CREATE TABLE events (
    run_key BLOB NOT NULL,
    id      BLOB NOT NULL,
    at      INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    detail  TEXT NOT NULL,
    PRIMARY KEY (run_key, id)
) STRICT;

-- `rules` and `votes` are JSON; the rules are null where they are the plain ones.
CREATE TABLE gates (
    run_key      BLOB NOT NULL,
    name         TEXT NOT NULL,
    prompt       TEXT NOT NULL DEFAULT '',
    context      TEXT,
    rules        TEXT,
    digest       TEXT NOT NULL DEFAULT '',
    asked_at     INTEGER,
    deadline_at  INTEGER,
    votes        TEXT NOT NULL DEFAULT '[]',
    approved     INTEGER,
    decided_by   TEXT,
    reason       TEXT,
    decided_at   INTEGER,
    withdrawn_at INTEGER,
    PRIMARY KEY (run_key, name),
    CHECK ((approved IS NULL) = (decided_at IS NULL)),
    CHECK ((approved IS NULL) = (decided_by IS NULL))
) STRICT;
CREATE INDEX gates_open ON gates (asked_at)
    WHERE asked_at IS NOT NULL AND decided_at IS NULL AND withdrawn_at IS NULL;

-- Messages that their runs have not taken, in the order of `ordinal`.
CREATE TABLE signals (
    run_key BLOB NOT NULL,
    ordinal INTEGER NOT NULL,
    id      TEXT NOT NULL,
    name    TEXT NOT NULL,
    payload TEXT NOT NULL,
    sent_by TEXT,
    sent_at INTEGER NOT NULL,
    PRIMARY KEY (run_key, ordinal),
    UNIQUE (run_key, id)
) STRICT;

-- A row a workflow whose queue has a limit. Who starts one of its runs changes this row, as in PostgreSQL.
CREATE TABLE admissions (
    workflow TEXT PRIMARY KEY,
    admitted INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Runs of such workflows that were put off, for that count. Rows of runs that are not any more mean nothing, and go with
-- the next one.
CREATE TABLE put_off (
    workflow TEXT NOT NULL,
    run_key  BLOB NOT NULL,
    PRIMARY KEY (workflow, run_key)
) STRICT, WITHOUT ROWID;

-- The run that debounced starts of one key become, for as long as it has not begun; `since` is when the first of them
-- was, `until` when the run begins.
CREATE TABLE debounces (
    workflow TEXT NOT NULL,
    key      TEXT NOT NULL,
    run_key  BLOB NOT NULL,
    since    INTEGER NOT NULL,
    until    INTEGER NOT NULL,
    PRIMARY KEY (workflow, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX debounces_until ON debounces (until);
