//! What was written means something, or is a mistake. All of it is judged; nothing stops at the first mistake.

mod argument;
mod body;
mod labels;
mod options;
mod signature;
mod suggest;
mod time;
mod value;

use crate::diagnostics::Mistakes;
use crate::model::{Checked, Options, Outcome, Signature, Step, Workflow};
use crate::parse::{Function, Written};
use signature::Verdict;

/// Judges a step. Its body is the author's business.
pub(crate) fn step(written: Written) -> Checked<Step> {
    judge(written, |signature, options, function, _| {
        Outcome::Whole(Box::new(Step {
            signature,
            options,
            function,
        }))
    })
}

/// Judges a workflow, body and all.
pub(crate) fn workflow(written: Written) -> Checked<Workflow> {
    judge(written, |signature, options, function, mistakes| {
        match body::read(&signature, &function, mistakes) {
            Some(body) => Outcome::Whole(Box::new(Workflow {
                signature,
                options,
                function,
                body,
            })),
            // It is half typed.
            None => Outcome::CallOnly(Box::new(signature)),
        }
    })
}

fn judge<T>(
    written: Written,
    whole: impl FnOnce(Signature, Options, Function, &mut Mistakes) -> Outcome<T>,
) -> Checked<T> {
    let Written {
        attribute,
        options,
        function,
        mut mistakes,
    } = written;
    let keys = options.iter().map(|option| option.key.clone()).collect();
    let verdict = signature::read(attribute, &function, &mut mistakes);
    let options = options::read(attribute, &options, &mut mistakes);
    let item = match verdict {
        Verdict::Sound(signature) => whole(signature, options, function, &mut mistakes),
        Verdict::Callable(signature) => Outcome::CallOnly(Box::new(signature)),
        Verdict::NoFreeFunction => Outcome::AsWritten(Box::new(function)),
    };
    Checked {
        mistakes,
        keys,
        item,
    }
}

#[cfg(test)]
mod tests {
    use crate::model::Attribute;
    use crate::parse;

    fn mistakes(attribute: Attribute, options: &str, item: &str) -> Vec<String> {
        let item = item.parse().unwrap();
        let written = parse::read(attribute, options.parse().unwrap(), &item).ok();
        let written = written.unwrap();
        let mistakes = match attribute {
            Attribute::Step => super::step(written).mistakes,
            Attribute::Workflow => super::workflow(written).mistakes,
        };
        // The first line of each; the second says what to write instead.
        let first = |text: String| text.lines().next().unwrap_or_default().to_owned();
        mistakes.texts().into_iter().map(first).collect()
    }

    #[test]
    fn all_mistakes_of_a_step_are_found_at_once() {
        let found = mistakes(
            Attribute::Step,
            "retries = -1, color = 3, timeout = 0",
            "fn draft(_: u32, notes: &mut Notes, a: u8, _a: u8) -> Draft {}",
        );
        let expected = [
            "a `#[step]` is an `async fn`: write `async fn draft`",
            "a `#[step]` returns a `Result`: write `-> sagewai::Result<Draft>` and end the body with `Ok(..)`",
            "name this argument: it is stored under its name",
            "a stored argument cannot be `&mut`: changes to it would be lost on replay",
            "two arguments would be stored as `a`; rename one",
            "`retries` is a count, so 0 or more",
            "`#[step]` has no option `color`",
            "`timeout` is zero: no attempt could end in time",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn values_out_of_range_are_refused() {
        let step = "async fn tick() -> Result<()> { Ok(()) }";
        for (option, expected) in [
            ("retries = 4294967296", "`retries` is at most 4294967295"),
            (
                "retries = 1.5",
                "`retries` is a whole number: `retries = 3`",
            ),
            ("retries", "`retries` needs a value: `retries = 3`"),
            ("retries = 1, retries = 2", "`retries` is given twice"),
            (
                "retries(3)",
                "an option is written with `=`: `retries = ..`",
            ),
            (
                "backoff = 0.5",
                "`backoff` is a factor, so 1 or more: with less, pauses would shrink",
            ),
            ("backoff = 1e999", "`backoff` is too large"),
            ("backoff = \"2\"", "`backoff` is a number: `backoff = 1.5`"),
            (
                "retry_delay = -1",
                "`retry_delay` is a length of time, so 0 or more",
            ),
            ("retry_delay = 1e30", "`retry_delay` is too long"),
            (
                "timeout = 30s",
                "a length of time with a unit is a text: `timeout = \"30s\"`",
            ),
            (
                "timeout = 0.0",
                "`timeout` is zero: no attempt could end in time",
            ),
            ("timeout = true", "`timeout` is a length of time"),
            ("name = \"\"", "`name` is empty"),
            (
                "name = \"a/b\"",
                "`name` holds '/', but positions in a run are written with it",
            ),
            ("name = 3", "`name` is a text: `name = \"..\"`"),
            (
                "name = \"a\" retries = 3",
                "expected `,` between two options",
            ),
            ("\"name\"", "expected an option, as in `name = \"..\"`"),
        ] {
            assert_eq!(
                mistakes(Attribute::Step, option, step),
                [expected],
                "{option}"
            );
        }
        let long = format!("name = \"{}\"", "n".repeat(101));
        let expected = ["`name` has 101 characters; it may have 100"];
        assert_eq!(mistakes(Attribute::Step, &long, step), expected);
    }

    #[test]
    fn limits_that_nothing_could_keep_are_refused() {
        let workflow = "async fn tick() -> Result<()> { Ok(()) }";
        for (option, expected) in [
            (
                "concurrency = 0",
                "`concurrency` is zero: no run could ever be driven",
            ),
            (
                "concurrency_per_key = 1.5",
                "`concurrency_per_key` is a whole number: `concurrency_per_key = 3`",
            ),
            ("rate = 100", "`rate` is a text"),
            ("rate = \"100\"", "`100` is not a rate: a `/` is missing"),
            (
                "rate = \"0/1m\"",
                "`0/1m` is not a rate: it is zero, so no run could ever begin",
            ),
            (
                "rate_per_key = \"some/1m\"",
                "`some/1m` is not a rate: `some` is not a whole number",
            ),
            (
                "rate = \"5/1 fortnight\"",
                "`5/1 fortnight` is not a rate: unknown unit `fortnight` (ms, s, m, h, d)",
            ),
            (
                "rate = \"5/0s\"",
                "`5/0s` is not a rate: its time is shorter than a millisecond",
            ),
            ("rate", "`rate` needs a value: `rate = \"100/1m\"`"),
        ] {
            let found = mistakes(Attribute::Workflow, option, workflow);
            assert_eq!(found, [expected], "{option}");
        }
        let all = "concurrency = MOST, concurrency_per_key = 2, rate = \"100/m\", rate_per_key = \"5 / 1.5s\"";
        assert!(mistakes(Attribute::Workflow, all, workflow).is_empty());
    }

    #[test]
    fn values_in_range_are_taken() {
        let step = "async fn tick() -> io::Result<()> { Ok(()) }";
        for options in [
            "",
            "name = \"tick-tock\", retries = 0, retry_delay = 0, backoff = 1, timeout = 0.001,",
            "retries = TRIES, retry_delay = \"0s\", backoff = f(2), timeout = Duration::from_secs(3)",
        ] {
            assert!(
                mistakes(Attribute::Step, options, step).is_empty(),
                "{options}"
            );
        }
    }

    #[test]
    fn what_a_replay_cannot_repeat_is_found_wherever_it_stands() {
        let found = mistakes(
            Attribute::Workflow,
            "",
            r#"async fn w(n: u32) -> Result<u32> {
                let at = std::time::SystemTime::now();
                let seen = json!({ "home": std::env::var("HOME") });
                let later = n.map(|n| rand::random());
                if n > 3 { tokio::spawn(async move { n }); }
                let stored = record("home", || std::env::var("HOME")).await;
                assert!(std::fs::exists("x"));
                a(fetch!(b(n).await)).await
            }"#,
        );
        let expected = [
            "`std::time::SystemTime::now` differs from one replay to the next, so it cannot stand in a workflow body",
            "`std::env::var` differs from one replay to the next, so it cannot stand in a workflow body",
            "`rand::random` differs from one replay to the next, so it cannot stand in a workflow body",
            "`tokio::spawn` would be done again on every replay, so it cannot stand in a workflow body",
            "`std::fs::exists` would be done again on every replay, so it cannot stand in a workflow body",
            "`#[workflow]` cannot see an `.await` inside `fetch!`",
        ];
        assert_eq!(found, expected);
    }
}
