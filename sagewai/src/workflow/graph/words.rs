//! What pictures of a graph say, in words.

use std::time::Duration;

use super::{GraphNode, NodeKind, ParallelKind};
use crate::workflow::asks::labels_of;

/// What stands first at a node: `draft`, `review` for `approval("review")`.
pub(super) fn title(node: &GraphNode) -> &'static str {
    match node.info.kind {
        NodeKind::Gate | NodeKind::Signal | NodeKind::Record | NodeKind::Sleep
            if !node.label.is_empty() =>
        {
            node.label
        }
        _ => node.title(),
    }
}

/// What a node is, and how it is tried: `step, 3 retries, timeout 1m 30s`.
pub(super) fn details(node: &GraphNode) -> String {
    let info = &node.info;
    let mut details = kind(info.kind).to_owned();
    if info.retries > 0 {
        let word = if info.retries == 1 {
            "retry"
        } else {
            "retries"
        };
        details = format!("{details}, {} {word}", info.retries);
    }
    if let Some(timeout) = info.timeout {
        details = format!("{details}, timeout {}", length(timeout));
    }
    if let Some(pool) = info.pool {
        details = format!("{details}, pool {pool}");
    }
    if !info.labels.is_empty() {
        details = format!("{details}, on {}", labels_of(info.labels));
    }
    details
}

/// The word for a kind of operation.
pub(super) fn kind(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Step => "step",
        NodeKind::Workflow => "workflow",
        NodeKind::Gate => "gate",
        NodeKind::Signal => "signal",
        NodeKind::Sleep => "timer",
        NodeKind::Record => "record",
        NodeKind::Dynamic => "known at run time",
    }
}

/// What begins here: `race`, `map chapters`.
pub(super) fn fork(kind: ParallelKind, label: &str) -> String {
    format!("{} {label}", kind.name()).trim_end().to_owned()
}

/// What is waited for where it is over.
pub(super) fn join(kind: ParallelKind) -> &'static str {
    match kind {
        ParallelKind::Race => "first one",
        ParallelKind::Map | ParallelKind::TryMap => "all items",
        ParallelKind::Join | ParallelKind::TryJoin => "all",
    }
}

/// Whole milliseconds.
pub(super) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// `1h 30m`, as the attribute takes it.
fn length(time: Duration) -> String {
    let ms = milliseconds(time);
    let parts = [
        (ms / 86_400_000, "d"),
        (ms / 3_600_000 % 24, "h"),
        (ms / 60_000 % 60, "m"),
        (ms / 1000 % 60, "s"),
        (ms % 1000, "ms"),
    ];
    let words: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if words.is_empty() {
        return format!("{time:?}");
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_read_as_in_an_attribute() {
        for (ms, text) in [
            (500, "500ms"),
            (30_000, "30s"),
            (90_000, "1m 30s"),
            (93_600_000, "1d 2h"),
        ] {
            assert_eq!(length(Duration::from_millis(ms)), text);
        }
        assert_eq!(length(Duration::from_micros(7)), "7µs");
    }
}
