//! The command line of a binary, as people and scripts use it.

use serde_json::{Value, json};

use crate::support::demo::{Demo, signal, told};
use crate::support::soon;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[tokio::test]
async fn start_prints_the_id_and_attaches_to_the_same_input_only() {
    let demo = Demo::new();
    let start = |input: &'static str| ["start", "greet", "--id", "g-1", "--input", input];
    let first = demo.run(&start(r#"{"name": "ann"}"#)).await;
    assert_eq!(
        (first.code, first.out.as_str()),
        (Some(0), "g-1\n"),
        "{first:?}"
    );
    let again = demo.run(&start(r#"{"name": "ann"}"#)).await;
    assert_eq!((again.code, again.out.as_str()), (Some(0), "g-1\n"));
    let other = demo.run(&start(r#"{"name": "bob"}"#)).await;
    assert_eq!(other.code, Some(4));
    assert!(
        other
            .err
            .contains("run `g-1` exists already, for other arguments"),
        "{other:?}"
    );

    let store = sagewai::store::open(&demo.url()).await.unwrap();
    let runs = sagewai::Client::new(&store)
        .runs(&sagewai::RunFilter::new())
        .await;
    assert_eq!(runs.unwrap().len(), 1);
}

#[tokio::test]
async fn start_takes_how_a_run_is_queued_and_tells_it_as_json() {
    let demo = Demo::new();
    demo.file("in.json", r#"{"name": "ann", "times": 2}"#);
    let words = "start greet --input @in.json --pool gpu --label gpu=true --label zone=eu \
                 --priority -3 --delay 1h --output json";
    let words: Vec<&str> = words.split_whitespace().collect();
    let started = demo.run(&words).await;
    assert_eq!(started.code, Some(0), "{started:?}");
    let answer = json(&started.out);
    assert_eq!(
        (&answer["schema"], &answer["workflow"], &answer["created"]),
        (&json!("sagewai.cli.v1"), &json!("greet"), &json!(true))
    );
    let store = sagewai::store::open(&demo.url()).await.unwrap();
    let id = answer["run"].as_str().unwrap().try_into().unwrap();
    let run = store.run(&id).await.unwrap().unwrap();
    assert_eq!((run.pool.as_str(), run.priority), ("gpu", -3));
    assert_eq!(run.labels.to_string(), "gpu=true zone=eu");
    let journal = store.journal(&id).await.unwrap().unwrap();
    let input = journal.checkpoints[0].written.outcome.clone();
    let expected = sagewai::Json::parse(r#"{"name":"ann","times":2}"#).unwrap();
    assert_eq!(input, sagewai::Outcome::Ok(expected));
}

#[tokio::test]
async fn input_that_does_not_fit_is_refused_before_anything_is_stored() {
    let demo = Demo::new();
    for (words, told) in [
        (
            vec!["greet", "--input", r#"{"nmae": "ann"}"#],
            "`greet` has no parameter `nmae`; did you mean `name`?",
        ),
        (
            vec!["greet", "--input", r#"{"name": 7}"#],
            "argument `name`: invalid type: integer `7`, expected a string",
        ),
        (vec!["greet"], "hint: not given: `name`"),
        (
            vec!["greet", "--input", r#"["ann"]"#],
            "must be a JSON object keyed by parameter name, as in `{\"name\": …",
        ),
        (vec!["greet", "--input", "ann"], "it is no JSON"),
        (
            vec!["greet", "--input", "@none.json"],
            "none.json cannot be read",
        ),
        (
            vec!["great", "--input", r#"{"name": "ann"}"#],
            "a similar value exists: 'greet'",
        ),
        (vec!["greet", "--label", "gpu"], "write `key=value`"),
        (vec!["greet", "--delay", "soon"], "write `30s`"),
        (vec!["greet", "--timeout", "1s"], "--wait"),
        (
            vec!["greet", "--id", " x", "--input", r#"{"name": "ann"}"#],
            "run id ` x` cannot be used",
        ),
    ] {
        let refused = demo.run(&[&["start"], words.as_slice()].concat()).await;
        assert_eq!(refused.code, Some(2), "{words:?}: {refused:?}");
        assert!(
            refused.err.contains(told),
            "{told} is not in {}",
            refused.err
        );
        assert_eq!(refused.out, "");
    }
    let store = sagewai::store::open(&demo.url()).await.unwrap();
    let runs = sagewai::Client::new(&store)
        .runs(&sagewai::RunFilter::new())
        .await;
    assert!(runs.unwrap().is_empty());
}

#[tokio::test]
async fn waiting_tells_progress_on_stderr_and_the_result_on_stdout() {
    let demo = Demo::new();
    let worker = demo.worker(&[]);
    let good = demo
        .run(&[
            "start",
            "greet",
            "--input",
            r#"{"name": "ann", "times": 2}"#,
            "--wait",
        ])
        .await;
    assert_eq!(
        (good.code, good.out.as_str()),
        (Some(0), "\"hello ann, hello ann\"\n"),
        "{good:?}"
    );
    assert!(
        good.err.contains("started run") && good.err.contains("compose"),
        "{}",
        good.err
    );

    let input = r#"{"reason": "no paper"}"#;
    let bad = demo
        .run(&["start", "fail", "--input", input, "--wait"])
        .await;
    assert_eq!((bad.code, bad.out.as_str()), (Some(1), ""), "{bad:?}");
    assert!(
        bad.err.contains("failed in step `complain`: no paper"),
        "{}",
        bad.err
    );

    let input = r#"{"name": "bob"}"#;
    let words = [
        "start", "greet", "--input", input, "--wait", "--output", "json",
    ];
    let answer = json(&demo.run(&words).await.out);
    assert_eq!(answer["result"], json!("hello bob"));
    worker.stop().await;
}

#[tokio::test]
async fn wait_ends_by_time_and_by_interrupt_and_the_run_goes_on() {
    let demo = Demo::new();
    let worker = demo.worker(&[]);
    let passed = demo
        .run(&["start", "ask", "--id", "a", "--wait", "--timeout", "200ms"])
        .await;
    assert_eq!(passed.code, Some(124), "{passed:?}");
    assert!(passed.err.contains("run a goes on"), "{}", passed.err);

    let waiting = demo
        .command(&["start", "ask", "--id", "a", "--wait"])
        .spawn()
        .unwrap();
    // It has told that it waits for the decision, so it listens for the interrupt as well.
    let mut waiting = waiting;
    let mut err = tokio::io::BufReader::new(waiting.stderr.take().unwrap());
    let mut text = String::new();
    while !text.contains("waits for a decision at gate `go`") {
        let read = tokio::io::AsyncBufReadExt::read_line(&mut err, &mut text);
        assert!(soon(read).await.unwrap() > 0, "{text}");
    }
    signal(&waiting, "INT");
    let ended = told(soon(waiting.wait_with_output()).await.unwrap());
    assert_eq!(ended.code, Some(130));

    let store = sagewai::store::open(&demo.url()).await.unwrap();
    let client = sagewai::Client::new(&store);
    client.gate("a", "go").approve("ann").await.unwrap();
    let done = demo.run(&["start", "ask", "--id", "a", "--wait"]).await;
    assert_eq!(
        (done.code, done.out.as_str()),
        (Some(0), "\"ann\"\n"),
        "{done:?}"
    );
    worker.stop().await;
}

#[tokio::test]
async fn waiting_without_a_worker_tells_what_to_start() {
    let demo = Demo::new();
    let words = [
        "start",
        "ask",
        "--pool",
        "gpu",
        "--label",
        "gpu=true",
        "--wait",
        "--timeout",
        "4s",
    ];
    let told = demo.run(&words).await;
    assert_eq!(told.code, Some(124));
    let expected = "waits for a worker of pool `gpu` with gpu=true: `demo worker`";
    assert!(told.err.contains(expected), "{}", told.err);
}

#[tokio::test]
async fn errors_are_json_where_output_is() {
    let demo = Demo::at("postgres://nobody@127.0.0.1:1/none");
    let refused = demo.run(&["start", "ask", "--output", "json"]).await;
    assert_eq!((refused.code, refused.out.as_str()), (Some(5), ""));
    let error = &json(&refused.err)["error"];
    assert_eq!(error["code"], json!("store"));
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("cannot be reached"),
        "{error}"
    );

    let memory = Demo::at("memory:");
    let refused = memory.run(&["start", "ask"]).await;
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.err.contains("hint: use `--store sqlite://file.db`"),
        "{}",
        refused.err
    );
}

#[tokio::test]
async fn help_has_examples_codes_variables_and_no_colour_in_a_pipe() {
    let demo = Demo::new();
    let help = demo.run(&["--help"]).await;
    assert_eq!(help.code, Some(0));
    for told in [
        "worker",
        "start",
        "migrate",
        "graph",
        "124  the time to wait passed",
        "SAGEWAI_STORE",
    ] {
        assert!(help.out.contains(told), "{told} is not in {}", help.out);
    }
    for command in ["worker", "start", "migrate", "graph"] {
        let help = demo.run(&[command, "--help"]).await;
        assert!(help.out.contains("Examples:\n  demo "), "{}", help.out);
        assert!(!help.out.contains('\u{1b}'), "{}", help.out);
    }
    assert_eq!(demo.run(&["--version"]).await.out, "demo 1.2.3\n");
    assert_eq!(demo.run(&[]).await.code, Some(2));
    assert_eq!(demo.run(&["strat"]).await.code, Some(2));
}

#[tokio::test]
async fn graph_is_printed_in_each_format_without_a_store() {
    let demo = Demo::at("postgres://nobody@127.0.0.1:1/none");
    let text = demo.run(&["graph", "greet"]).await;
    assert!(
        text.code == Some(0) && text.out.contains("compose"),
        "{text:?}"
    );
    let dot = demo.run(&["graph", "greet", "--format", "dot"]).await;
    assert!(dot.out.starts_with("digraph"), "{}", dot.out);
    let as_json = demo.run(&["graph", "greet", "--output", "json"]).await;
    assert!(json(&as_json.out).is_object());
    assert_eq!(demo.run(&["graph", "great"]).await.code, Some(2));
}
