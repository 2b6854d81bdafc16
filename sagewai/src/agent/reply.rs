//! What an agent answers.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::chat::{Finish, Usage};
use super::models::Cost;

/// What an agent answers, and what it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    text: String,
    spent: Spent,
    /// Why the last answer of a model ended.
    finish: Finish,
    hit_limit: bool,
}

/// What calls of models took, those before a failure and a repair included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// How many calls of models there were.
    pub calls: u32,
    /// Tokens, as far as providers tell.
    pub usage: Usage,
    /// Money; not known where the price of one of the calls is not.
    pub cost: Option<Cost>,
}

impl Default for Spent {
    fn default() -> Spent {
        Spent {
            calls: 0,
            usage: Usage::default(),
            cost: Some(Cost::default()),
        }
    }
}

impl Spent {
    pub(super) fn add(&mut self, other: &Spent) {
        self.calls += other.calls;
        self.usage += other.usage;
        self.cost = self.cost.zip(other.cost).map(|(a, b)| a + b);
    }
}

impl Reply {
    pub(super) fn new(text: String, spent: Spent) -> Reply {
        Reply {
            text,
            spent,
            finish: Finish::Stop,
            hit_limit: false,
        }
    }

    pub(super) fn finished(self, finish: Finish) -> Reply {
        Reply { finish, ..self }
    }

    pub(super) fn with_hit_limit(self, hit_limit: bool) -> Reply {
        Reply { hit_limit, ..self }
    }

    pub(super) fn with_spent(self, spent: Spent) -> Reply {
        Reply { spent, ..self }
    }

    /// What it says.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it says.
    pub fn into_text(self) -> String {
        self.text
    }

    /// What all calls of models together took.
    pub fn spent(&self) -> &Spent {
        &self.spent
    }

    /// Why the model's answer ended: [`Finish::Length`] where it had more to say than `max_tokens` allows.
    pub fn finish(&self) -> Finish {
        self.finish
    }

    /// Whether a [`LoopAgent`](super::LoopAgent) ended because its iterations were used up.
    pub fn hit_limit(&self) -> bool {
        self.hit_limit
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<Reply> for String {
    fn from(reply: Reply) -> String {
        reply.text
    }
}

impl From<&Reply> for String {
    fn from(reply: &Reply) -> String {
        reply.text.clone()
    }
}
