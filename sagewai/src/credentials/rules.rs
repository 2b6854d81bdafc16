//! The rules of the fields, and that no answer shows a secret.

use std::time::Duration;

use super::{InferenceParams, WorkerCredentials};

#[test]
fn numbers_beyond_their_range_are_refused_with_the_range() {
    let params = InferenceParams::new;
    for (wrong, told) in [
        (
            params().temperature(2.01),
            "temperature cannot be used: it is 2.01, and goes from 0 to 2",
        ),
        (
            params().temperature(-0.1),
            "temperature cannot be used: it is -0.1, and goes from 0 to 2",
        ),
        (
            params().temperature(f64::NAN),
            "temperature cannot be used: it is NaN, and goes from 0 to 2",
        ),
        (
            params().top_p(1.5),
            "top_p cannot be used: it is 1.5, and goes from 0 to 1",
        ),
        (
            params().presence_penalty(2.5),
            "presence_penalty cannot be used: it is 2.5, and goes from -2 to 2",
        ),
        (
            params().frequency_penalty(f64::NEG_INFINITY),
            "frequency_penalty cannot be used: it is -inf, and goes from -2 to 2",
        ),
        (
            params().max_tokens(0),
            "max_tokens cannot be used: no answer has 0 tokens",
        ),
        (
            params().timeout(Duration::ZERO),
            "timeout cannot be used: no call takes no time",
        ),
    ] {
        assert_eq!(wrong.unwrap_err().to_string(), told);
    }
}

#[test]
fn addresses_that_could_hold_a_secret_are_refused_without_showing_it() {
    for address in [
        "canary",
        "ftp://canary",
        "https://canary:canary@host/v1",
        "https://canary@host/v1",
        "https://host/v1?api-key=canary",
        "https://host/#canary",
        "https://canary host/",
        "https://",
    ] {
        let error = InferenceParams::new().api_base(address).unwrap_err();
        assert_eq!(error.what, "api_base");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
    let kept = InferenceParams::new()
        .api_base(" http://localhost:11434/v1/ ")
        .unwrap();
    assert_eq!(kept.get_api_base(), Some("http://localhost:11434/v1"));
}

#[test]
fn texts_that_cannot_go_on_a_line_are_refused_without_showing_them() {
    let params = InferenceParams::new;
    let credentials = WorkerCredentials::new;
    let wrong = [
        params().api_key("canary\n").unwrap_err(),
        params().api_key("  ").unwrap_err(),
        params().header("x canary", "v").unwrap_err(),
        params().header("x-team", "canary\r\nHost: b").unwrap_err(),
        params().extra("", "canary").unwrap_err(),
        credentials().model_override("", "canary").unwrap_err(),
        credentials()
            .model_override("default", "canary \n")
            .unwrap_err(),
        credentials()
            .env_override("A=canary", "canary")
            .unwrap_err(),
        credentials().env_override("", "canary").unwrap_err(),
    ];
    for error in wrong {
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
}

#[test]
fn debug_shows_names_and_numbers_only() {
    let params = InferenceParams::new()
        .api_base("https://canary")
        .and_then(|p| p.api_key("canary"))
        .and_then(|p| p.header("x-team", "canary"))
        .and_then(|p| p.extra("seed", "canary"))
        .and_then(|p| p.temperature(0.5))
        .unwrap();
    let credentials = WorkerCredentials::new()
        .model_override("default", "canary")
        .and_then(|c| c.env_override("TOKEN", "canary"))
        .unwrap()
        .inference_overrides(params);
    let shown = format!("{credentials:?} {credentials:#?}");
    assert!(!shown.contains("canary"), "{shown}");
    for told in ["default", "x-team", "seed", "TOKEN", "Some(0.5)", "(set)"] {
        assert!(shown.contains(told), "{told} is not in {shown}");
    }
}
