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
-- room for what they write. Payloads are rows of `checkpoints`, which are never rewritten. `header` is JSON, null where
-- it says nothing; `parent_key` repeats the parent in it. `queue_id` is the queue to which the run belongs; `away_id`
-- the one in which it is, and whose workers may have it, while a step of it asks for another worker.
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

-- Runs that are claimable now, in the order of their claim; the claim deletes. `rank` is the negated priority, `since`
-- is when the run was created: the key follows from the run's row.
CREATE TABLE queue (
    queue_id integer NOT NULL,
    rank     integer NOT NULL,
    since    bigint NOT NULL,
    run_key  uuid NOT NULL,
    PRIMARY KEY (queue_id, rank, since, run_key)
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

-- A cheaper compression for payloads, where the server was built with it.
DO $$
BEGIN
    ALTER TABLE checkpoints ALTER COLUMN payload SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported OR invalid_parameter_value THEN
    NULL;
END
$$;
