//! Generated code names nothing by what a prelude gives it: every such name may be the author's own.

#![deny(warnings)]
#![allow(dead_code, unused_macros)]

/// The crate may be known under another name.
use serde as encoding;

mod taken {
    pub struct Result;
    pub struct Option;
    pub struct Box;
    pub struct String;
    pub struct Vec;
    pub struct Some;
    pub struct None;
    pub struct Ok;
    pub struct Err;
    pub struct Send;
    pub struct Sync;
    pub struct Clone;
    pub struct Default;
    pub struct Future;
    pub struct Into;
    pub struct From;
    pub struct Iterator;
    pub struct Fn;
    pub struct Debug;
    pub struct Json;
    pub struct Fault;
    pub struct Scope;
    pub struct Node;
    pub struct Workflow;
    pub struct Step;
    pub struct Duration;
}

mod macros {
    macro_rules! panic {
        () => {};
    }
    macro_rules! line {
        () => {};
    }
    macro_rules! module_path {
        () => {};
    }
    pub(crate) use {line, module_path, panic};
}

mod core {}
mod std {}
mod alloc {}
mod sagewai {}

mod workflows {
    #[allow(unused_imports)]
    use super::macros::{line, module_path, panic};
    #[allow(unused_imports)]
    use super::taken::*;
    use super::encoding::{Deserialize, Serialize};
    use ::sagewai::{approval, step, workflow};

    #[derive(Debug, Clone, Serialize, Deserialize)]
    #[serde(crate = "super::encoding")]
    pub struct Note {
        pub text: u32,
    }

    #[step(retries = 2, retry_delay = 0.5, backoff = 1.5, timeout = "30s")]
    pub async fn research(topic: u32, words: &[Note], name: &str) -> ::sagewai::Result<Note> {
        ::core::result::Result::Ok(Note { text: topic + words.len() as u32 + name.len() as u32 })
    }

    #[step]
    pub async fn value(input: u32, args: u32, context: u32, scope: u32, error: u32) -> ::sagewai::Result<u32> {
        ::core::result::Result::Ok(input + args + context + scope + error)
    }

    #[workflow(name = "taken-names")]
    pub async fn state(value_: u32, name: u32, f: u32) -> ::sagewai::Result<u32> {
        let words: [Note; 0] = [];
        let note = research(value_, &words, "x").await?;
        for text in [1, 2] {
            value(text, name, f, 1, 2).await?;
        }
        approval("review").await?;
        let (a, b) = ::sagewai::join!(value(1, 2, 3, 4, 5), async move {
            let once = value(1, 1, 1, 1, 1).named("once").await?;
            ::core::result::Result::<u32, ::sagewai::Failure>::Ok(once)
        })
        .await;
        if note.text > 3 {
            return ::core::result::Result::Ok(a? + b?);
        }
        ::core::result::Result::Ok(note.text)
    }
}

fn main() {
    ::core::assert_eq!(::sagewai::graph(workflows::state).nodes.len(), 5);
}
