//! What workflows and steps ask of the worker that executes them.

use crate::model::{Invalid, Label, Labels, QueueName, pool_name};

/// The value of a label in an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaticLabel {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text.
    Text(&'static str),
}

/// Labels as an attribute has them: key and value of each.
pub type StaticLabels = &'static [(&'static str, StaticLabel)];

impl From<StaticLabel> for Label {
    fn from(label: StaticLabel) -> Label {
        match label {
            StaticLabel::Bool(value) => Label::Bool(value),
            StaticLabel::Int(value) => Label::Int(value),
            StaticLabel::Text(value) => Label::Text(value.to_owned()),
        }
    }
}

/// The labels of an attribute.
pub(crate) fn labels_of(labels: StaticLabels) -> Labels {
    let mut all = Labels::new();
    for (key, value) in labels {
        all.insert(*key, *value);
    }
    all
}

/// What a step asks of its worker, beyond what its run does. It is no part of the journal: it may change under running
/// work, and decides where the next attempt is executed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Asks {
    pub(crate) pool: Option<String>,
    pub(crate) labels: Labels,
}

impl Asks {
    /// What an attribute asks.
    pub(crate) fn of(pool: Option<&'static str>, labels: StaticLabels) -> Asks {
        Asks {
            pool: pool.map(str::to_owned),
            labels: labels_of(labels),
        }
    }

    /// Whether it asks nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.pool.is_none() && self.labels.is_empty()
    }

    /// Checks the names.
    pub(crate) fn check(&self) -> Result<(), Invalid> {
        if let Some(pool) = &self.pool {
            pool_name(pool)?;
        }
        self.labels.check()
    }

    /// The queue whose workers may execute the step: what the run asks for, with this on top.
    pub(crate) fn place(&self, home: QueueName) -> QueueName {
        QueueName {
            labels: home.labels.with(&self.labels),
            pool: self.pool.clone().unwrap_or(home.pool),
            ..home
        }
    }
}
