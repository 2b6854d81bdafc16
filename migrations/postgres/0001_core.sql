-- The core tables. They live in a schema of their own, so that they can share the application's database.
--
-- Every table is keyed by `run_key`, which follows from the run id alone: tables can be distributed or partitioned
-- by it, and nothing on the hot path asks for a sequence or a foreign key across runs. Times are microseconds
-- since 1970 on this server's clock.

CREATE FUNCTION now_us() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE
    AS $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint $$;

-- Undoes a statement that has met another one on its way; written again, it sees what that one did.
CREATE FUNCTION clash() RETURNS boolean LANGUAGE plpgsql VOLATILE
    AS $$ BEGIN RAISE EXCEPTION 'a run was moved while a commit of it was on its way' USING ERRCODE = '40001'; END $$;

-- Distinct combinations of workflow, version, pool and labels. There are few; a worker finds out once which it may serve.
CREATE TABLE queues (
    queue_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workflow text NOT NULL,
    version  integer NOT NULL,
    pool     text NOT NULL,
    labels   jsonb NOT NULL,
    UNIQUE (workflow, version, pool, labels)
);

-- `orphans` is set when the worker is found gone, and taken back when the last run that it held has another one: a
-- claim looks at those workers only, however many have come and gone. `exclusive` names are those of one living worker
-- each. `program` is JSON; `wish` is what people want of the worker.
CREATE TABLE workers (
    worker      uuid PRIMARY KEY,
    name        text NOT NULL,
    exclusive   boolean NOT NULL,
    pool        text NOT NULL,
    labels      jsonb NOT NULL,
    slots       integer NOT NULL,
    lease_us    bigint NOT NULL CHECK (lease_us > 0),
    host        text NOT NULL,
    program     text NOT NULL,
    wish        text NOT NULL DEFAULT 'run' CHECK (wish IN ('run', 'pause', 'drain')),
    started_at  bigint NOT NULL,
    seen_at     bigint NOT NULL,
    lease_until bigint NOT NULL,
    gone_at     bigint,
    signed_off  boolean NOT NULL DEFAULT false,
    orphans     boolean NOT NULL DEFAULT false,
    running     text NOT NULL DEFAULT '[]'
) WITH (fillfactor = 50);
CREATE INDEX workers_alive ON workers (worker) WHERE gone_at IS NULL;
CREATE UNIQUE INDEX workers_named ON workers (name) WHERE gone_at IS NULL AND exclusive;
CREATE INDEX workers_orphans ON workers (worker) WHERE orphans;

-- Runs as workers took them: a claim adds one row, whatever it took. Which of them a worker still has, `runs` says; a
-- heartbeat leaves out those that it has not. With an index of `runs` by worker instead, each claim and each end of a
-- run would write to all indexes of `runs`.
CREATE TABLE held (
    worker uuid NOT NULL,
    claim  uuid NOT NULL,
    runs   uuid[] NOT NULL,
    PRIMARY KEY (worker, claim)
);

-- Rules about single columns are domains: those the server reads once a session, a check it reads with each statement.
CREATE DOMAIN run_state AS text
    CHECK (VALUE IN ('pending', 'running', 'waiting', 'paused', 'completed', 'failed', 'cancelled'));
CREATE DOMAIN checkpoint_kind AS text
    CHECK (VALUE IN ('input', 'step', 'record', 'sleep', 'gate', 'signal', 'child', 'output'));
CREATE DOMAIN checkpoint_outcome AS text CHECK (VALUE IN ('ok', 'error', 'fault'));

-- One narrow row a run: what is true of it now. No index has a column that a claim or an end changes, and a page has
-- room for what they write. Payloads are rows of `checkpoints`, which are not rewritten once the run has begun. `header`
-- is JSON, null where it says nothing; `parent_key` repeats the parent in it. `lane` is the concurrency key, null
-- without one. `queue_id` is the queue to which the run belongs; `away_id` the one in which it is, and whose workers may
-- have it, while a step of it asks for another worker.
CREATE TABLE runs (
    run_key     uuid PRIMARY KEY,
    run_id      text NOT NULL,
    queue_id    integer NOT NULL,
    away_id     integer,
    state       run_state NOT NULL,
    epoch       integer NOT NULL DEFAULT 0,
    worker      uuid,
    claims      integer NOT NULL DEFAULT 0,
    wakes       integer NOT NULL DEFAULT 0,
    priority    smallint NOT NULL DEFAULT 0,
    fingerprint bigint NOT NULL,
    lane        text COLLATE "C",
    parent_key  uuid,
    header      text,
    pausing     boolean NOT NULL DEFAULT false,
    waiting     text,
    due_at      bigint,
    error       text,
    created_at  bigint NOT NULL,
    started_at  bigint,
    finished_at bigint,
    CHECK (
        (state <> 'running' OR worker IS NOT NULL) AND (state = 'waiting') = (waiting IS NOT NULL)
        AND (state IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL)
    )
) WITH (fillfactor = 40);
CREATE INDEX runs_created ON runs (created_at);
CREATE INDEX runs_parent ON runs (parent_key) WHERE parent_key IS NOT NULL;

-- Runs that are claimable now, in the order of their claim; the claim deletes. `since` is when the run was created, a
-- minute earlier for each level of its priority: so order never changes, and nothing waits for ever behind what comes
-- later. Runs with a concurrency key stand in a lane of their own, those that have begun before the `fresh` ones, since
-- a rate holds back the latter only. The key follows from the run's row.
CREATE TABLE queue (
    queue_id integer NOT NULL,
    lane     text NOT NULL DEFAULT '' COLLATE "C",
    fresh    boolean NOT NULL DEFAULT false,
    since    bigint NOT NULL,
    run_key  uuid NOT NULL,
    PRIMARY KEY (queue_id, lane, fresh, since, run_key)
);

-- Workers that runs are meant for: a preference, which expires. Until then the run is one that starts later, and its
-- worker may have it before; `run_key` is null until it is started.
CREATE TABLE assignments (
    worker     uuid NOT NULL,
    id         uuid NOT NULL,
    run_key    uuid,
    expires_at bigint NOT NULL,
    PRIMARY KEY (worker, id)
);

-- Runs of workflows with limits, as they were claimed: one that is `running` takes a slot of its workflow and lane. What
-- is over, or waits, is deleted by the next claim of that workflow.
CREATE TABLE slots (
    workflow text NOT NULL,
    run_key  uuid NOT NULL,
    lane     text NOT NULL COLLATE "C",
    PRIMARY KEY (workflow, run_key)
);

-- First claims of runs of workflows with a rate, for as long as they count: of the whole workflow (lane ''), and of each
-- lane.
CREATE TABLE pace (
    workflow text NOT NULL,
    lane     text NOT NULL COLLATE "C",
    until    bigint NOT NULL,
    runs     integer NOT NULL,
    PRIMARY KEY (workflow, lane, until)
);
CREATE INDEX pace_until ON pace (until);

-- Runs that are looked at when a time has come: theirs, which `runs.due_at` repeats, or that of the end of a child.
CREATE TABLE timers (
    due_at  bigint NOT NULL,
    run_key uuid NOT NULL,
    PRIMARY KEY (due_at, run_key)
);

-- Runs that are ended from outside when a time has come, where the cause still holds.
CREATE TABLE endings (
    due_at  bigint NOT NULL,
    run_key uuid NOT NULL,
    cause   text NOT NULL,
    PRIMARY KEY (due_at, run_key, cause)
);
CREATE INDEX endings_run ON endings (run_key);

CREATE TABLE checkpoints (
    run_key      uuid NOT NULL,
    position     text NOT NULL COLLATE "C",
    ordinal      integer NOT NULL,
    kind         checkpoint_kind NOT NULL,
    site         integer NOT NULL,
    input_digest bigint NOT NULL,
    attempts     integer NOT NULL,
    took_us      bigint NOT NULL,
    outcome      checkpoint_outcome NOT NULL,
    payload      text NOT NULL,
    epoch        integer NOT NULL,
    at           bigint NOT NULL,
    PRIMARY KEY (run_key, position)
);

-- What the timeline cannot read from runs and checkpoints. `id` is chosen by the writer.
CREATE TABLE events (
    run_key uuid NOT NULL,
    id      uuid NOT NULL,
    at      bigint NOT NULL,
    kind    text NOT NULL,
    detail  text NOT NULL,
    PRIMARY KEY (run_key, id)
);

-- `rules` and `votes` are JSON; the rules are null where they are the plain ones.
CREATE TABLE gates (
    run_key      uuid NOT NULL,
    name         text NOT NULL,
    prompt       text NOT NULL DEFAULT '',
    context      text,
    rules        text,
    digest       text NOT NULL DEFAULT '',
    asked_at     bigint,
    deadline_at  bigint,
    votes        text NOT NULL DEFAULT '[]',
    approved     boolean,
    decided_by   text,
    reason       text,
    decided_at   bigint,
    withdrawn_at bigint,
    PRIMARY KEY (run_key, name),
    CHECK ((approved IS NULL) = (decided_at IS NULL)),
    CHECK ((approved IS NULL) = (decided_by IS NULL))
);
CREATE INDEX gates_open ON gates (asked_at)
    WHERE asked_at IS NOT NULL AND decided_at IS NULL AND withdrawn_at IS NULL;

-- Messages that their runs have not taken, in the order of `ordinal`.
CREATE TABLE signals (
    run_key uuid NOT NULL,
    ordinal integer NOT NULL,
    id      text NOT NULL,
    name    text NOT NULL,
    payload text NOT NULL,
    sent_by text,
    sent_at bigint NOT NULL,
    PRIMARY KEY (run_key, ordinal),
    UNIQUE (run_key, id)
);

-- A row a workflow whose queue has a limit. Who starts one of its runs changes this row, and so waits for those that do
-- the same: then the count that follows is exact.
CREATE TABLE admissions (
    workflow text PRIMARY KEY,
    admitted bigint NOT NULL
) WITH (fillfactor = 50);

-- Runs of such workflows that were put off, for that count. Rows of runs that are not any more mean nothing, and go with
-- the next one.
CREATE TABLE put_off (
    workflow text NOT NULL,
    run_key  uuid NOT NULL,
    PRIMARY KEY (workflow, run_key)
);

-- The run that debounced starts of one key become, for as long as it has not begun; `since` is when the first of them
-- was, `until` when the run begins.
CREATE TABLE debounces (
    workflow text NOT NULL,
    key      text NOT NULL,
    run_key  uuid NOT NULL,
    since    bigint NOT NULL,
    until    bigint NOT NULL,
    PRIMARY KEY (workflow, key)
);
CREATE INDEX debounces_until ON debounces (until);

-- A cheaper compression for payloads, where the server was built with it.
DO $$
BEGIN
    ALTER TABLE checkpoints ALTER COLUMN payload SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported OR invalid_parameter_value THEN
    NULL;
END
$$;
