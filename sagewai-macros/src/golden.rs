//! Whole expansions, so that a reviewer sees what users get.

use proc_macro2::TokenStream;

type Expand = fn(TokenStream, &TokenStream) -> TokenStream;

/// Compares the expansion, formatted, with `snapshots/<name>.snap`. The part for editors, which comes first and is
/// the same in each, is left out.
fn assert_expansion(name: &str, expand: Expand, options: &str, item: &str) {
    let expansion = expand(options.parse().unwrap(), &item.parse().unwrap());
    let mut file: syn::File = syn::parse2(expansion).unwrap();
    file.items.remove(0);
    let code = prettyplease::unparse(&file);
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, code);
    });
}

#[test]
fn step_with_options_and_context() {
    assert_expansion(
        "step_with_options_and_context",
        crate::expand_step,
        r#"
            name = "look-up",
            retries = 3,
            retry_delay = 0.5,
            backoff = 1.5,
            timeout = "1m 30s"
        "#,
        r"
            /// Looks things up.
            #[cfg(unix)]
            #[tracing::instrument(skip_all)]
            pub async fn research(topic: &Topic, words: &[String], ctx: &StepContext, depth: u8) -> Result<Notes> {
                Ok(search(topic, words, depth).await?)
            }
        ",
    );
}

#[test]
fn step_with_constants_and_no_arguments() {
    assert_expansion(
        "step_with_constants_and_no_arguments",
        crate::expand_step,
        "retries = TRIES, backoff = FACTOR, timeout = LIMIT",
        r"
            async fn tick() -> Result<(), TickError> {
                Ok(())
            }
        ",
    );
}

#[test]
fn workflow_with_all_control_flow() {
    assert_expansion(
        "workflow_with_all_control_flow",
        crate::expand_workflow,
        r#"name = "article-pipeline""#,
        r#"
            /// From a topic to an article.
            pub async fn article_pipeline(topic: String, cx: &WorkflowContext) -> Result<Published> {
                use crate::steps::{self, publish as put};
                let notes = steps::research(&topic).await?;
                let call = draft(&notes).retries(5);
                let Ok(mut text) = call.await else {
                    return Err("no draft".into());
                };
                'rounds: for round in 0..3 {
                    match review(&text).await? {
                        Verdict::Good => break 'rounds,
                        Verdict::Bad(why) if why.is_empty() => continue,
                        Verdict::Bad(why) => text = draft(&notes).named("again").await?,
                    }
                }
                if text.len() > cx.limit() {
                    log(format!("{} is long", title(&text).await?));
                }
                approval("review").prompt("Publish?").await?;
                helpers.shorten(&text).await;
                put(text).await
            }
        "#,
    );
}

#[test]
fn workflow_with_branches() {
    assert_expansion(
        "workflow_with_branches",
        crate::expand_workflow,
        "",
        r#"
            async fn both(text: String) -> Result<u32> {
                let block = async {
                    let n = count(&text).await?;
                    Ok::<_, Failure>(n)
                };
                let (a, b) = try_join!(block, verify(&text)).await?;
                let all = map(0..a, |n| async move { double(n).await }).concurrency(2).await;
                match race!(approval("go"), sleep(LIMIT)).await {
                    Won2::A(decision) => Ok(b),
                    Won2::B(slept) => Ok(0),
                }
            }
        "#,
    );
}

#[test]
fn workflow_with_a_foreign_macro_has_a_copy_that_is_not_async() {
    assert_expansion(
        "workflow_with_a_foreign_macro_has_a_copy_that_is_not_async",
        crate::expand_workflow,
        "",
        r#"
            async fn small(n: u32) -> Result<u32> {
                println!("{n}");
                my_macro!(n);
                double(n).await
            }
        "#,
    );
}

#[test]
fn wrong_signature_leaves_something_to_call() {
    assert_expansion(
        "wrong_signature_leaves_something_to_call",
        crate::expand_step,
        "retry = 3",
        r"
            /// Not async, among other things.
            pub fn draft(notes: &mut Notes, ctx: StepContext) -> Result<Draft> {
                Ok(notes.draft())
            }
        ",
    );
}
