//! `graph`.

use crate::cli::app::App;
use crate::cli::exit::{Code, Failed};
use crate::cli::parse::{Format, Graph, Output};
use crate::cli::print;
use crate::cli::resolve::Settings;

pub(super) fn call(app: &App, settings: &Settings, asked: &Graph) -> Result<(), Failed> {
    let Some(workflow) = app.find(&asked.workflow) else {
        let message = format!("there is no workflow `{}` here", asked.workflow);
        return Err(Failed::new(Code::NotFound, message));
    };
    let graph = workflow.graph();
    let by_output = match settings.output {
        Output::Table => Format::Text,
        Output::Json => Format::Json,
    };
    print::text(&match asked.format.unwrap_or(by_output) {
        Format::Text => graph.to_text(),
        Format::Mermaid => graph.to_mermaid(),
        Format::Dot => graph.to_dot(),
        Format::Json => graph.to_json(),
    })
}
