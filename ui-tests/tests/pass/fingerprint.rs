//! What the fingerprint of a workflow counts, and what it does not.

use sagewai::Workflow;
use sagewai::prelude::*;

mod steps {
    use sagewai::prelude::*;

    #[step]
    pub async fn research(topic: &str) -> Result<Vec<String>> {
        Ok(vec![topic.to_owned()])
    }

    #[step]
    pub async fn draft(notes: &[String]) -> Result<String> {
        Ok(notes.concat())
    }

    #[step]
    pub async fn publish(text: &str) -> Result<u64> {
        Ok(text.len() as u64)
    }
}

use steps::{draft, publish, research};

#[workflow]
async fn article(topic: String) -> Result<u64> {
    let notes = research(&topic).await?;
    let mut text = draft(&notes).await?;
    while text.len() < 100 {
        match approval("review").prompt("Is it good?").await {
            Ok(_) => break,
            Err(_) => text = draft(&notes).named("again").await?,
        }
    }
    publish(&text).await
}

/// The same shape, written otherwise.
mod same {
    pub(super) mod laid_out_and_named_otherwise {
        use super::super::{draft, publish, research};
        use sagewai::prelude::*;

        /// Now with documentation.
        #[workflow]
        pub(crate) async fn article(
            topic : String,
        ) -> Result< u64 > {
            // A comment.
            let found = research( &topic ).await?; let mut best: String = draft(&found).await?;
            while best.len()<100 { match approval("review").prompt("Is it good?").await {
                Ok(decision) => { drop(decision); break; }
                Err(fault) => { drop(fault); best = draft(&found).named("again").await?; }
            } }
            publish(&best).await
        }
    }

    pub(super) mod with_other_conditions_and_options {
        use sagewai::prelude::*;

        #[workflow]
        pub(crate) async fn article(topic: String) -> Result<u64> {
            use super::super::steps::{self, publish as put};

            let call = steps::research(&topic).retries(9);
            let notes = call.await?;
            let words: usize = notes.iter().map(String::len).sum();
            assert!(words < 1_000_000);
            let mut text = steps::draft(&notes).await?;
            while text.ends_with('.') && words > 3 {
                match approval("review").prompt("Would you print it?").context(&text).await {
                    Ok(decision) if decision.by.is_empty() => {}
                    Ok(_) => break,
                    Err(_) => text = steps::draft(&notes).named("again").await?,
                }
            }
            put(&text).await
        }
    }
}

/// Each differs in one thing.
mod other {
    macro_rules! other {
        ($($module:ident: ($($param:tt)*) -> $output:ty $body:block)*) => { $(
            pub(super) mod $module {
                #[allow(unused_imports)]
                use super::super::{draft, publish, research};
                use sagewai::prelude::*;

                #[workflow]
                pub(crate) async fn article($($param)*) -> $output $body
            }
        )* };
    }

    other! {
        a_step_less: (topic: String) -> Result<u64> {
            let text = draft(&research(&topic).await?).await?;
            Ok(text.len() as u64)
        }
        a_step_more: (topic: String) -> Result<u64> {
            let text = draft(&research(&topic).await?).await?;
            let first = publish(&text).await?;
            Ok(first + publish(&text).await?)
        }
        another_order: (topic: String) -> Result<u64> {
            let published = publish(&topic).await?;
            draft(&research(&topic).await?).await?;
            Ok(published)
        }
        another_name_in_the_journal: (topic: String) -> Result<u64> {
            let text = draft(&research(&topic).await?).named("write").await?;
            publish(&text).await
        }
        straight: (topic: String) -> Result<u64> {
            let text = draft(&research(&topic).await?).await?;
            publish(&text).await
        }
        in_a_branch: (topic: String) -> Result<u64> {
            let text = draft(&research(&topic).await?).await?;
            if text.is_empty() { Ok(0) } else { publish(&text).await }
        }
        in_a_loop: (topic: String) -> Result<u64> {
            let text = draft(&research(&topic).await?).await?;
            let mut sum = 0;
            for _ in 0..3 {
                sum += publish(&text).await?;
            }
            Ok(sum)
        }
        with_an_early_return: (topic: String) -> Result<u64> {
            let text = draft(&research(&topic).await?).await?;
            if text.is_empty() {
                return Ok(0);
            }
            publish(&text).await
        }
        with_a_gate: (topic: String) -> Result<u64> {
            let text = draft(&research(&topic).await?).await?;
            approval("review").await?;
            publish(&text).await
        }
        with_another_gate: (topic: String) -> Result<u64> {
            let text = draft(&research(&topic).await?).await?;
            approval("legal").await?;
            publish(&text).await
        }
        at_once: (topic: String) -> Result<u64> {
            let text = draft(&research(&topic).await?).await?;
            let (a, b) = sagewai::join!(publish(&text), research(&topic)).await;
            Ok(a? + b?.len() as u64)
        }
        at_once_the_other_way_round: (topic: String) -> Result<u64> {
            let text = draft(&research(&topic).await?).await?;
            let (a, b) = sagewai::join!(research(&topic), publish(&text)).await;
            Ok(b? + a?.len() as u64)
        }
        one_after_the_other: (topic: String) -> Result<u64> {
            let text = draft(&research(&topic).await?).await?;
            let a = publish(&text).await;
            let b = research(&topic).await;
            Ok(a? + b?.len() as u64)
        }
    }

    /// A step whose signature changed.
    pub(super) mod another_signature {
        use super::super::{publish, research};
        use sagewai::prelude::*;

        #[step]
        async fn draft(notes: &[String], words: u32) -> Result<String> {
            Ok(notes.concat().repeat(words as usize))
        }

        #[workflow]
        pub(crate) async fn article(topic: String) -> Result<u64> {
            let text = draft(&research(&topic).await?, 3).await?;
            publish(&text).await
        }
    }

    pub(super) mod another_workflow {
        use super::super::{draft, publish, research};
        use sagewai::prelude::*;

        #[workflow(name = "article-2")]
        pub(crate) async fn article(topic: String) -> Result<u64> {
            let text = draft(&research(&topic).await?).await?;
            publish(&text).await
        }
    }
}

fn main() {
    assert_eq!(article::FINGERPRINT, same::laid_out_and_named_otherwise::article::FINGERPRINT);
    assert_eq!(article::FINGERPRINT, same::with_other_conditions_and_options::article::FINGERPRINT);
    let all = [
        article::FINGERPRINT,
        other::a_step_less::article::FINGERPRINT,
        other::a_step_more::article::FINGERPRINT,
        other::another_order::article::FINGERPRINT,
        other::another_name_in_the_journal::article::FINGERPRINT,
        other::straight::article::FINGERPRINT,
        other::in_a_branch::article::FINGERPRINT,
        other::in_a_loop::article::FINGERPRINT,
        other::with_an_early_return::article::FINGERPRINT,
        other::with_a_gate::article::FINGERPRINT,
        other::with_another_gate::article::FINGERPRINT,
        other::at_once::article::FINGERPRINT,
        other::at_once_the_other_way_round::article::FINGERPRINT,
        other::one_after_the_other::article::FINGERPRINT,
        other::another_signature::article::FINGERPRINT,
        other::another_workflow::article::FINGERPRINT,
    ];
    for (i, one) in all.iter().enumerate() {
        for (j, other) in all.iter().enumerate().skip(i + 1) {
            assert_ne!(one, other, "{i} and {j}");
        }
    }
}
