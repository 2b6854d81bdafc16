//! Made in a function of its own, with items inside the body.

use sagewai::prelude::*;

fn main() {
    #[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
    struct Issue {
        number: u32,
        articles: Vec<String>,
    }

    #[step]
    async fn subscribers(list: &str) -> Result<Vec<String>> {
        Ok(list.split(',').map(str::to_owned).collect())
    }

    #[step(retries = 2)]
    async fn send(to: &str, text: &str) -> Result<()> {
        let _ = (to, text);
        Ok(())
    }

    #[workflow]
    async fn newsletter(issue: Issue, list: String) -> Result<usize> {
        use std::fmt::Write as _;

        /// A clock of ink and paper.
        struct Instant;
        impl Instant {
            fn now() -> &'static str {
                "this month"
            }
        }
        fn header(number: u32) -> String {
            format!("No. {number}, {}\n", Instant::now())
        }
        const SEPARATOR: &str = "---";

        let mut text = header(issue.number);
        for article in &issue.articles {
            writeln!(text, "{article}\n{SEPARATOR}")?;
        }
        text.push_str(Instant::now());
        approval("editor").prompt("Send it?").context(&text).await?;
        let people = subscribers(&list).await?;
        for person in people.iter() {
            if let Err(failure) = send(person, &text).await {
                let _ = failure.to_string();
            }
        }
        Ok(people.len())
    }

    assert_eq!(sagewai::graph(newsletter).nodes.len(), 3);
}
