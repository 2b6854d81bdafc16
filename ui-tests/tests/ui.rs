//! What the compiler says to users: one mistake a file in `fail`, named by the mistake, with the exact output beside
//! it; and in `pass`, programs that must compile and run.
//!
//! The outputs are those of the compiler that `rust-version` names. After a change that is meant, write them anew
//! with `TRYBUILD=overwrite cargo test -p sagewai-ui-tests` and read the difference.

#[test]
fn mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("tests/fail/*.rs");
}

#[test]
fn programs_compile_and_run() {
    trybuild::TestCases::new().pass("tests/pass/*.rs");
}

/// Workflows as people write them: nothing of them is refused, whatever their names look like.
#[test]
fn realistic_workflows_raise_no_false_alarm() {
    trybuild::TestCases::new().pass("tests/pass/corpus/*.rs");
}
