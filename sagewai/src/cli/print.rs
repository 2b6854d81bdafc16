//! What goes to stdout.

use std::io::{ErrorKind, Write};

use serde_json::{Value, json};

use super::exit::{Code, Failed};

/// Writes lines for people or scripts. A reader that has gone is no failure: it has what it wanted.
pub(super) fn text(text: &str) -> Result<(), Failed> {
    let mut out = std::io::stdout().lock();
    let written = if text.ends_with('\n') {
        out.write_all(text.as_bytes())
    } else {
        writeln!(out, "{text}")
    };
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let message = format!("stdout cannot be written: {error}");
            Err(Failed::new(Code::Failed, message))
        }
        _ => Ok(()),
    }
}

/// Writes a value for programs, which can tell by `schema` what they read.
pub(super) fn object(mut value: Value) -> Result<(), Failed> {
    if let Some(object) = value.as_object_mut() {
        object.insert("schema".to_owned(), json!("sagewai.cli.v1"));
    }
    text(&value.to_string())
}

/// A line about how it goes, which is not what was asked for.
pub(super) fn aside(text: &str) {
    // Nothing depends on it.
    let _ = writeln!(std::io::stderr(), "{text}");
}
