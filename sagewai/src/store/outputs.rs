//! How runs ended, for many who ask at once: while one look is on its way, the next questions gather, so that a
//! thousand that wait for results are a few statements at each hint, not a thousand.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

use super::failure::Failure;
use crate::model::{Outcome, RunKey};

/// The most runs in one look.
const RUNS_MAX: usize = 1_000;

type Reply = oneshot::Sender<Result<Option<Outcome>, Failure>>;

/// Who waits for a look. Whoever asks when no look is on its way makes one, for all that wait by then: nothing is done
/// in the background.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    waiting: Mutex<Vec<(RunKey, Reply)>>,
    turn: tokio::sync::Mutex<()>,
}

impl Outputs {
    /// How a run ended; none while it has not. `look` finds the outcomes of those among its runs that have. What is
    /// returned was true at some time after this was called.
    pub(super) async fn of<L>(
        &self,
        run: RunKey,
        mut look: impl FnMut(Vec<RunKey>) -> L,
    ) -> Result<Option<Outcome>, Failure>
    where
        L: Future<Output = Result<HashMap<RunKey, Outcome>, Failure>>,
    {
        loop {
            let (reply, mut answer) = oneshot::channel();
            self.waiting().push((run, reply));
            // None where the one who looked for us was cancelled: ask again.
            let answered = loop {
                tokio::select! {
                    biased;
                    answered = &mut answer => break answered.ok(),
                    _turn = self.turn.lock() => self.look_for_all(&mut look).await,
                }
            };
            if let Some(answered) = answered {
                return answered;
            }
        }
    }

    async fn look_for_all<L>(&self, look: &mut impl FnMut(Vec<RunKey>) -> L)
    where
        L: Future<Output = Result<HashMap<RunKey, Outcome>, Failure>>,
    {
        let asked: Vec<_> = {
            let mut waiting = self.waiting();
            let some = waiting.len().min(RUNS_MAX);
            waiting.drain(..some).collect()
        };
        if asked.is_empty() {
            return;
        }
        let found = look(asked.iter().map(|(run, _)| *run).collect()).await;
        for (run, reply) in asked {
            let answer = match &found {
                // Several may ask for the same run.
                Ok(found) => Ok(found.get(&run).cloned()),
                Err(failure) => Err(failure.clone()),
            };
            // Who does not listen any more was cancelled.
            let _ = reply.send(answer);
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<(RunKey, Reply)>> {
        // The list is whole at every moment, so a panic elsewhere does not make it unusable.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use futures_util::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::model::{Json, RunId};

    fn ended(runs: &[RunKey]) -> HashMap<RunKey, Outcome> {
        let outcome = |run: &RunKey| (*run, Outcome::Ok(Json::null()));
        runs.iter().map(outcome).collect()
    }

    #[tokio::test]
    async fn those_who_ask_while_a_look_is_on_its_way_share_the_next_one() {
        let outputs = Outputs::default();
        let looks = RefCell::new(Vec::new());
        let gate = Semaphore::new(0);
        let runs: Vec<RunKey> = (0..50).map(|_| RunId::generate().key()).collect();
        let over = runs[..25].to_vec();
        let (looks, gate, over) = (&looks, &gate, &over);
        let ask = |run| {
            outputs.of(run, move |runs| async move {
                looks.borrow_mut().push(runs.len());
                drop(gate.acquire().await);
                Ok(ended(over))
            })
        };
        let all = join_all(runs.iter().map(|run| ask(*run)));
        let (found, ()) = tokio::join!(all, async {
            while looks.borrow().is_empty() {
                tokio::task::yield_now().await;
            }
            gate.close();
        });
        assert_eq!(*looks.borrow(), [1, 49]);
        let there: Vec<bool> = found
            .iter()
            .map(|f| f.as_ref().unwrap().is_some())
            .collect();
        assert_eq!(there, [vec![true; 25], vec![false; 25]].concat());
    }

    #[tokio::test]
    async fn one_who_looks_for_others_and_is_cancelled_leaves_nobody_waiting() {
        let outputs = Outputs::default();
        let (first, second) = (RunId::generate().key(), RunId::generate().key());
        let began = Cell::new(false);
        let began = &began;
        let mut stuck = Box::pin(outputs.of(first, |_| async {
            began.set(true);
            std::future::pending().await
        }));
        let patient = outputs.of(second, |runs| async move { Ok(ended(&runs)) });
        tokio::pin!(patient);
        tokio::select! {
            biased;
            _ = &mut stuck => unreachable!("it never ends"),
            _ = &mut patient => panic!("the other one has the turn"),
            () = async { while !began.get() { tokio::task::yield_now().await } } => {}
        }
        drop(stuck);
        assert!(patient.await.unwrap().is_some());
    }
}
