//! The rules of the tree, held by a test: who may know whom, which files stand side by side, what is never written.

use std::fs;
use std::path::{Path, PathBuf};

/// Each layer of the runtime crate, and those it may name.
const LAYERS: &[(&str, &[&str])] = &[
    ("error", &["model", "store", "credentials"]),
    ("credentials", &[]),
    ("model", &["error"]),
    ("store", &["model", "error"]),
    ("workflow", &["model", "error", "credentials"]),
    ("agent", &["model", "workflow", "error", "credentials"]),
    (
        "client",
        &["model", "store", "workflow", "worker", "error", "clock"],
    ),
    (
        "monitor",
        &["model", "store", "workflow", "client", "error"],
    ),
    (
        "worker",
        &[
            "model",
            "store",
            "workflow",
            "error",
            "clock",
            "credentials",
        ],
    ),
];

/// Files that every store has.
const STORE_FILES: &[&str] = &[
    "fleet.rs",
    "admission.rs",
    "outside.rs",
    "journal.rs",
    "mod.rs",
    "query.rs",
    "queue.rs",
    "schedules.rs",
    "schema.rs",
];

/// The longest file; beyond it there is a second idea to look for.
const LINES_MAX: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

fn rust_files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("target") {
                found.extend(rust_files(&path));
            }
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// The code of a file, without comments and without its tests.
fn code(text: &str) -> String {
    let text = text
        .split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default();
    let lines = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// What stands after `crate::` in a code.
fn named(code: &str) -> Vec<&str> {
    let names = code.split("crate::").skip(1);
    names
        .map(|rest| {
            rest.split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
                .unwrap_or_default()
        })
        .collect()
}

#[test]
fn layers_know_only_those_below_them() {
    let source = root().join("sagewai/src");
    let layers: Vec<&str> = LAYERS.iter().map(|(layer, _)| *layer).collect();
    for (layer, allowed) in LAYERS {
        let mut files = rust_files(&source.join(layer));
        let beside = source.join(layer).with_extension("rs");
        if beside.exists() {
            let text = fs::read_to_string(&beside).unwrap();
            files.push((beside, text));
        }
        for (path, text) in files {
            for name in named(&code(&text)) {
                let is_layer = layers.contains(&name) || name == "clock";
                assert!(
                    !is_layer || name == *layer || allowed.contains(&name),
                    "{} names `crate::{name}`, which `{layer}` must not know",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn stores_do_not_know_each_other_and_have_the_same_files() {
    let store = root().join("sagewai/src/store");
    let stores = ["memory", "postgres", "sqlite"];
    for name in stores {
        for file in STORE_FILES {
            assert!(
                store.join(name).join(file).exists(),
                "store/{name} has no {file}"
            );
        }
        for (path, text) in rust_files(&store.join(name)) {
            for other in stores.iter().filter(|other| **other != name) {
                let known = format!("store::{other}");
                assert!(
                    !code(&text).contains(&known),
                    "{} names {known}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn migrations_of_both_databases_have_the_same_names() {
    let names = |folder: &str| {
        let mut names: Vec<String> = fs::read_dir(root().join("migrations").join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("postgres"), names("sqlite"));
    assert!(
        names("sqlite")
            .iter()
            .enumerate()
            .all(|(i, n)| n.starts_with(&format!("{:04}_", i + 1)))
    );
}

#[test]
fn library_reads_no_environment_and_prints_nothing() {
    let command_line = root().join("sagewai/src/cli");
    for (path, text) in rust_files(&root().join("sagewai/src")) {
        let code = code(&text);
        if path.starts_with(&command_line) {
            continue;
        }
        for never in [
            "env::var",
            "println!(",
            "eprintln!(",
            "dbg!(",
            "todo!(",
            "unimplemented!(",
        ] {
            assert!(!code.contains(never), "{} has {never}", path.display());
        }
    }
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    for folder in ["sagewai/src", "sagewai-macros/src", "examples", "tests"] {
        for (path, text) in rust_files(&root().join(folder)) {
            let lines = text.lines().count();
            assert!(lines <= LINES_MAX, "{} has {lines} lines", path.display());
            assert!(
                text.starts_with("//! "),
                "{} does not begin with what it is for",
                path.display()
            );
        }
    }
}

#[test]
fn map_names_only_what_exists() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    // Code spans that are paths of this tree.
    let spans = map.split('`').skip(1).step_by(2);
    let paths =
        spans.filter(|s| s.contains('/') && Path::new(s).extension().is_some_and(|e| e == "rs"));
    let mut seen = 0;
    for path in paths {
        let known = ["", "sagewai/src"]
            .iter()
            .any(|at| root().join(at).join(path).exists());
        assert!(known, "ARCHITECTURE.md names `{path}`, which is not there");
        seen += 1;
    }
    assert!(seen > 5, "the map names files");
}
