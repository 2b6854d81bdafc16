//! How a run and its code differ, in words that show both sides and the line.

use super::{Replay, State};
use crate::model::Position;

/// How a body ended or stopped while there was more to replay.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// It waits.
    Waits,
    /// It has returned.
    Returned,
    /// It waits for something that is not durable.
    Foreign,
    /// It panicked, and said this.
    Panicked(String),
}

impl Replay {
    /// How the code differs from what is recorded, where the body did not ask for all of it.
    pub(crate) fn unreached(&self, stopped: &Stopped) -> Option<String> {
        let mut state = self.state();
        let held = state.recorded.next()?.position.clone();
        let asks = match (stopped, state.asked_instead(&held)) {
            (Stopped::Panicked(message), _) => format!("panics before it: {message}"),
            (Stopped::Returned, _) => "ends without it".to_owned(),
            (Stopped::Foreign, _) => "waits for something that is not durable before it".to_owned(),
            (Stopped::Waits, Some((position, site))) => {
                format!("asks for `{position}` instead{}", self.line_of(site))
            }
            (Stopped::Waits, None) => "does not ask for it".to_owned(),
        };
        Some(format!("the run holds `{held}`, and the code {asks}"))
    }

    /// ` (line 12 of `shop::orders`)`.
    pub(super) fn line_of(&self, site: u16) -> String {
        let node = self.source.graph.nodes.get(usize::from(site));
        let module = self.source.module;
        node.map_or_else(String::new, |node| {
            format!(" (line {} of `{module}`)", node.line)
        })
    }
}

impl State {
    /// What the body asks for where it should ask for `held`: in the same branch if there is something, and sooner
    /// something new than something whose turn may come later.
    fn asked_instead(&self, held: &Position) -> Option<(Position, u16)> {
        let is_new = |position: &Position| self.requests.iter().any(|r| r.position == *position);
        let waiting = self.waiting.iter().map(|(position, waiter)| {
            let elsewhere = position.scope() != held.scope();
            (elsewhere, !is_new(position), position, waiter.site.site)
        });
        let (.., position, site) = waiting.min()?;
        Some((position.clone(), site))
    }
}
