//! Decisions of people.

use async_trait::async_trait;

use super::InMemoryStore;
use crate::model::{Decided, Decision, EventKind, Gate, RunId, RunState};
use crate::store::{Gates, StoreResult};

#[async_trait]
impl Gates for InMemoryStore {
    async fn decide(&self, run: &RunId, gate: &str, decision: &Decision) -> StoreResult<Decided> {
        let key = run.key();
        {
            let mut tables = self.lock();
            let now = tables.clock.now();
            let Some(rows) = tables.runs.get_mut(&key) else {
                return Ok(Decided::NoRun);
            };
            if let Some((first, _)) = rows.gates.get(gate).and_then(|g| g.decision.as_ref()) {
                return Ok(first.against(decision));
            }
            if rows.run.state.is_finished() {
                return Ok(Decided::Finished);
            }
            let gate_row = rows.gates.entry(gate.to_owned()).or_insert_with(|| Gate {
                run: run.clone(),
                name: gate.to_owned(),
                prompt: String::new(),
                context: None,
                asked_at: None,
                decision: None,
            });
            gate_row.decision = Some((decision.clone(), now));
            rows.record_kind(
                EventKind::Decided {
                    gate: gate.to_owned(),
                    approved: decision.approved,
                    by: decision.by.clone(),
                    reason: decision.reason.clone(),
                },
                now,
            );
            rows.run.wakes += 1;
            if rows.run.state == RunState::Waiting {
                tables.disarm(key);
                tables.enqueue(key, now, now);
            }
        }
        self.hints.tell_work();
        Ok(Decided::Recorded)
    }

    async fn open_gates(&self, limit: u32) -> StoreResult<Vec<Gate>> {
        let tables = self.lock();
        let mut open: Vec<Gate> = tables
            .runs
            .values()
            .filter(|rows| !rows.run.state.is_finished())
            .flat_map(|rows| rows.gates.values())
            .filter(|gate| gate.asked_at.is_some() && gate.decision.is_none())
            .cloned()
            .collect();
        open.sort_by_key(|gate| gate.asked_at);
        open.truncate(limit as usize);
        Ok(open)
    }
}
