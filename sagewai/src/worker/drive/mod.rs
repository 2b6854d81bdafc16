//! Drives one run from its claim until it ends, sleeps, or is another worker's.
//!
//! The loop: let the body go on as far as it can; write what that needs in one commit; only then begin the steps it
//! asked for; wait for the next thing to happen. So no effect ever rests on something that is not committed.

mod arrivals;
mod messages;
mod requests;
mod starts;
mod steps;

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use self::arrivals::{Arrivals, checkpoint};
use self::messages::Inbox;
use self::requests::Draft;
use super::attempt::{self, sized};
use super::life::Life;
use super::operations::{Attempts, Operations, SHORT_WAIT, attempts_of, reminders_of};
use crate::error::Fault;
use crate::model::{
    Beyond, CheckpointKind, Claimed, Commit, Ending, EventKind, Json, NewCheckpoint, NewEvent,
    Outcome, Park, Position, QueueName, Run, Then, Verdict, Waiting,
};
use crate::workflow::Definition;
use crate::workflow::erased::Returned;
use crate::workflow::execution::{Execution, Progress};
use crate::workflow::replay::Identity;

/// What the dispatcher tells a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mail {
    /// The run's wake counter, as last seen.
    pub(crate) wakes: i32,
    /// The worker shuts down: give the run back as soon as no step of it is being executed.
    pub(crate) drain: bool,
    /// The run is not this worker's any more: cancelled, or another's.
    pub(crate) lost: bool,
}

impl Mail {
    /// Takes in the run's wake counter, or none where the run is not this worker's any more; says whether that is news.
    pub(crate) fn hear(&mut self, wakes: Option<i32>) -> bool {
        let Some(wakes) = wakes else {
            return !std::mem::replace(&mut self.lost, true);
        };
        let news = wakes > self.wakes;
        self.wakes = self.wakes.max(wakes);
        news
    }
}

/// How driving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The run is over.
    Finished,
    /// It sleeps in the store, or was given back.
    Released,
    /// It is not this worker's any more.
    Fenced,
}

/// Drives a claimed run.
pub(crate) async fn drive(
    life: Arc<Life>,
    definition: Definition,
    claimed: Claimed,
    mail: watch::Receiver<Mail>,
) -> Ended {
    let poisoned = claimed.run.claims > life.setup.max_claims;
    let mut drive = Drive::new(life, definition, claimed, mail);
    if poisoned {
        let workers = u32::try_from(drive.run.claims).unwrap_or(u32::MAX);
        let then = drive.finish(Returned::fault(Fault::Poisoned { workers }));
        return match drive.commit(then).await {
            Written::Ended(ended) => ended,
            Written::Stays | Written::Awake => Ended::Finished,
        };
    }
    if drive.is_orphan().await {
        return Ended::Fenced;
    }
    drive.run().await
}

/// What a commit means for the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    /// The run stays with this worker.
    Stays,
    /// It was to sleep, and a message has arrived.
    Awake,
    /// Driving has ended.
    Ended(Ended),
}

struct Drive {
    life: Arc<Life>,
    run: Run,
    execution: Execution,
    mail: watch::Receiver<Mail>,
    operations: Operations,
    /// Attempts that failed before this claim.
    attempts: HashMap<Position, Attempts>,
    /// What has come from outside.
    inbox: Inbox,
    /// Whether its workflow has limits.
    is_limited: bool,
    /// Whether it has started other runs.
    has_children: bool,
    /// Whether a run is being started that nobody waits for any more.
    abandoned_starts: bool,
    /// Tells its steps that it is over.
    token: CancellationToken,
    /// What has come for the body and has not been given to it yet.
    arrivals: Arrivals,
    tasks: JoinSet<(Position, attempt::Ended)>,
    aborts: HashMap<Position, AbortHandle>,
    next_ordinal: u32,
    draft: Draft,
}

impl Drive {
    fn new(
        life: Arc<Life>,
        definition: Definition,
        claimed: Claimed,
        mail: watch::Receiver<Mail>,
    ) -> Drive {
        let Claimed { run, journal } = claimed;
        let is_limited = definition.limits.are_any();
        let attempts = attempts_of(&journal);
        let reminded = reminders_of(&journal);
        let inbox = Inbox::new(journal.gates, reminded);
        let next_ordinal = journal
            .checkpoints
            .iter()
            .map(|c| c.written.ordinal + 1)
            .max()
            .unwrap_or(1);
        let mut input = Json::null();
        let mut has_children = false;
        let mut recorded = Vec::with_capacity(journal.checkpoints.len());
        for checkpoint in journal.checkpoints {
            has_children |= checkpoint.written.kind == CheckpointKind::Child;
            match (checkpoint.written.kind, checkpoint.written.outcome) {
                (CheckpointKind::Input, Outcome::Ok(json)) => input = json,
                (CheckpointKind::Input | CheckpointKind::Output, _) => {}
                (_, outcome) => recorded.push(NewCheckpoint {
                    outcome,
                    ..checkpoint.written
                }),
            }
        }
        let identity = Identity {
            id: run.id.clone(),
            workflow: run.workflow.clone(),
            pool: run.pool.clone(),
            started_by: run.header.started_by.clone(),
            labels: run.labels.clone(),
        };
        Drive {
            execution: Execution::new(&definition, identity, &input, recorded),
            life,
            run,
            mail,
            operations: Operations::default(),
            attempts,
            inbox,
            is_limited,
            has_children,
            abandoned_starts: false,
            token: CancellationToken::new(),
            arrivals: Arrivals::default(),
            tasks: JoinSet::new(),
            aborts: HashMap::new(),
            next_ordinal,
            draft: Draft::default(),
        }
    }

    async fn run(mut self) -> Ended {
        loop {
            // Asked to pause while nobody drove it, it does not even begin.
            let then = if self.run.pausing && self.aborts.is_empty() && self.arrivals.is_empty() {
                self.pause()
            } else {
                self.advance()
            };
            if then != Then::Continue || self.abandoned_starts {
                // The run is not to be over, or another worker's, while a step of it is still being executed; and what
                // it has started is there when it is ended.
                self.abandoned_have_ended().await;
            }
            if then != Then::Continue || !self.draft.is_empty() {
                match self.commit(then).await {
                    Written::Stays => {}
                    // What has arrived may let the body go on: nothing else would.
                    Written::Awake => continue,
                    Written::Ended(ended) => return self.stopped(ended).await,
                }
            }
            self.abandoned_have_ended().await;
            if self.inbox.is_unread() {
                self.hear().await;
                continue;
            }
            self.begin_due();
            // Others may have ended meanwhile.
            if self.arrivals.is_empty() {
                self.next_input().await;
            }
            if self.mail.borrow().lost {
                tracing::info!(run = %self.run.id, epoch = self.run.epoch, "run is over, or another worker's");
                return self.stopped(Ended::Fenced).await;
            }
        }
    }

    /// Driving has ended. Where the run was taken away, its steps are told, and aborted after a grace.
    async fn stopped(mut self, ended: Ended) -> Ended {
        if ended == Ended::Fenced && !self.tasks.is_empty() {
            self.token.cancel();
            let all = async { while self.tasks.join_next().await.is_some() {} };
            let grace = self.life.setup.cancel_grace;
            if tokio::time::timeout(grace, all).await.is_err() {
                tracing::warn!(run = %self.run.id, ?grace, "steps did not end by themselves; aborting them");
                self.tasks.shutdown().await;
            }
        }
        ended
    }

    /// Lets the body go on until it needs something from outside, and decides how the run goes on.
    fn advance(&mut self) -> Then {
        loop {
            let (progress, abandoned) = self.execution.poll();
            for position in abandoned {
                self.abandon(&position);
            }
            match progress {
                Progress::Returned(returned) => return self.finish(returned),
                Progress::Diverged(reason) => {
                    // Nothing of this replay is written: what it asked for belongs to other code.
                    self.draft = Draft::default();
                    self.operations = Operations::default();
                    return self.park(Waiting::Diverged { reason }, None);
                }
                Progress::Waits(requests) => {
                    for request in requests {
                        self.take(request);
                    }
                }
            }
            self.pass_time();
            if !self.deliver() {
                return self.rest();
            }
        }
    }

    /// The body waits. Sleeps in the store, unless something is going on or comes soon.
    fn rest(&mut self) -> Then {
        let drain = self.mail.borrow().drain;
        let executing = !self.aborts.is_empty();
        if self.run.pausing {
            return if executing {
                Then::Continue
            } else {
                self.pause()
            };
        }
        if self.inbox.is_unread() {
            return Then::Continue;
        }
        if self.operations.is_busy() {
            if drain && !executing {
                return Then::HandBack;
            }
            return Then::Continue;
        }
        if let Some((position, queue)) = self.operations.due_elsewhere() {
            let (position, queue) = (position.clone(), queue.clone());
            return self.hand_over(position, queue);
        }
        let now = self.life.clock.now();
        let wait = self.operations.next_time().map(|time| now.until(time));
        if !drain && wait.is_some_and(|wait| wait <= SHORT_WAIT) {
            return Then::Continue;
        }
        match self.operations.why() {
            Some(waiting) => self.park(waiting, wait),
            None => Then::Continue,
        }
    }

    fn park(&mut self, waiting: Waiting, wake_after: Option<std::time::Duration>) -> Then {
        self.draft.events.push(NewEvent::new(EventKind::Parked {
            waiting: waiting.clone(),
        }));
        Then::Park(Park {
            waiting,
            wake_after,
            wakes: self.run.wakes,
        })
    }

    /// What could be done here is done: the run goes to a worker that a step asks for.
    fn hand_over(&mut self, position: Position, queue: QueueName) -> Then {
        tracing::info!(run = %self.run.id, step = %position, pool = %queue.pool, labels = %queue.labels, "handed over");
        self.draft.events.push(NewEvent::new(EventKind::HandedOver {
            worker: self.life.setup.name.clone(),
            position,
            pool: queue.pool.clone(),
            labels: queue.labels.clone(),
        }));
        Then::HandOver(queue)
    }

    fn pause(&mut self) -> Then {
        self.draft.events.push(NewEvent::new(EventKind::Paused));
        Then::Pause {
            wakes: self.run.wakes,
        }
    }

    fn finish(&mut self, returned: Returned) -> Then {
        // What still runs is of no use to a body that has returned.
        self.tasks.abort_all();
        self.aborts.clear();
        let returned = sized(returned);
        let ending = match returned.error {
            None => Ending::Completed,
            Some(error) => Ending::Failed { error },
        };
        let position = Position::OUTPUT.into();
        let kind = CheckpointKind::Output;
        self.keep(checkpoint(&position, kind, 0, returned.outcome));
        Then::Finish(ending)
    }

    /// Writes the draft.
    async fn commit(&mut self, then: Then) -> Written {
        let mut draft = std::mem::take(&mut self.draft);
        if matches!(then, Then::Finish(_)) {
            let parent = self.run.header.parent.as_ref();
            draft.beyond.parent = parent.map(|parent| parent.run.key());
            if self.has_children {
                draft.beyond.ends = self.unended_children().await;
            }
        }
        let written = match &then {
            Then::Continue => Written::Stays,
            Then::Finish(_) => Written::Ended(Ended::Finished),
            Then::Park(_) | Then::Pause { .. } | Then::HandBack | Then::HandOver(_) => {
                Written::Ended(Ended::Released)
            }
        };
        let commit = Commit {
            run: self.run.key(),
            epoch: self.run.epoch,
            worker: self.life.key,
            checkpoints: draft.checkpoints,
            events: draft.events,
            gates: draft.gates,
            beyond: Beyond {
                frees: self.is_limited,
                ..draft.beyond
            },
            then,
        };
        match self.life.commit(&self.run, commit).await {
            Ok(Verdict::Committed) => {
                tracing::debug!(run = %self.run.id, workflow = %self.run.workflow, ?written, "commit stored");
                written
            }
            Ok(Verdict::Awake) => {
                self.look().await;
                Written::Awake
            }
            Ok(Verdict::Fenced) => {
                tracing::info!(run = %self.run.id, epoch = self.run.epoch, "run is another worker's by now");
                Written::Ended(Ended::Fenced)
            }
            Err(error) => {
                // Nothing of the run can be written, so nothing more of it is executed. Its lease passes with this
                // worker's, or a person looks at the log.
                tracing::error!(run = %self.run.id, %error, "run is given up: its commit is refused");
                Written::Ended(Ended::Fenced)
            }
        }
    }

    /// Waits until something happens, and takes in all that has.
    async fn next_input(&mut self) {
        let now = self.life.clock.now();
        let time = self.operations.next_time().map(|time| now.until(time));
        let timer = async {
            match time {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(ended) = self.tasks.join_next(), if !self.tasks.is_empty() => self.joined(ended),
            () = timer => {}
            Ok(()) = self.mail.changed() => {
                let wakes = self.mail.borrow_and_update().wakes;
                if wakes > self.run.wakes {
                    self.look().await;
                }
            }
        }
        while let Some(ended) = self.tasks.try_join_next() {
            self.joined(ended);
        }
    }
}
