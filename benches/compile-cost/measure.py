#!/usr/bin/env python3
"""What the attributes cost when a program is compiled.

Writes two crates that hold the same functions, 100 steps and 20 workflows with 15 awaits each: `plain`, where they are
async functions and no more, and `attributed`, where they carry `#[step]` and `#[workflow]`. Compiles both after an edit,
in turn, and prints the processor seconds of the compiler: the best of several.

    benches/compile-cost/measure.py [--steps 100] [--workflows 20] [--awaits 15] [--rounds 5]
"""

import argparse
import os
import pathlib
import resource
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def crate(options, attributed):
    step = '#[sagewai::step(retries = 3, timeout = "30s")]\n' if attributed else ""
    workflow = "#[sagewai::workflow]\n" if attributed else ""
    lines = ["#![allow(dead_code)]\n\nuse sagewai::Result;\nuse serde::{Deserialize, Serialize};\n"]
    types = max(1, options.steps // 5)
    for n in range(types):
        lines.append(
            "#[derive(Debug, Clone, Serialize, Deserialize)]\n"
            f"pub struct Note{n} {{\n    pub topic: String,\n    pub words: Vec<u32>,\n}}\n"
        )
    for n in range(options.steps):
        lines.append(
            f"{step}pub async fn step_{n}(note: &Note{n % types}, weight: u32) -> Result<Note{n % types}> {{\n"
            "    let words = note.words.iter().map(|word| word + weight).collect();\n"
            f"    Ok(Note{n % types} {{ topic: note.topic.clone(), words }})\n}}\n"
        )
    for n in range(options.workflows):
        lines.append(f"{workflow}pub async fn workflow_{n}(topic: String, rounds: u32) -> Result<usize> {{")
        lines.append("    let mut sum = 0;")
        for at in range(options.awaits):
            called = (n * options.awaits + at) % options.steps
            kind = called % types
            note = f"Note{kind} {{ topic: topic.clone(), words: vec![rounds] }}"
            if at % 5 == 3:
                lines.append(f"    if sum > {at} {{\n        sum += step_{called}(&{note}, {at}).await?.words.len();\n    }}")
            elif at % 5 == 4:
                lines.append(f"    for weight in 0..rounds {{\n        sum += step_{called}(&{note}, weight).await?.words.len();\n    }}")
            else:
                lines.append(f"    let note_{at} = step_{called}(&{note}, rounds).await?;\n    sum += note_{at}.words.len();")
        lines.append("    Ok(sum)\n}\n")
    return "\n".join(lines)


def write(folder, name, code):
    (folder / name / "src").mkdir(parents=True, exist_ok=True)
    (folder / name / "src" / "lib.rs").write_text(code)
    (folder / name / "Cargo.toml").write_text(
        f'[package]\nname = "{name}"\nversion = "0.0.0"\nedition = "2024"\n\n[dependencies]\n'
        f'sagewai = {{ path = "{ROOT / "sagewai"}", default-features = false, features = ["macros"] }}\n'
        'serde = { version = "1", features = ["derive"] }\n'
    )


def compile_once(folder, command, name):
    """Processor seconds of one compilation after an edit."""
    source = folder / name / "src" / "lib.rs"
    source.write_text(source.read_text() + "// edited\n")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        ["cargo", command, "--quiet", "--offline", "-p", name],
        cwd=folder,
        env={**os.environ, "CARGO_INCREMENTAL": "0"},
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--workflows", type=int, default=20)
    parser.add_argument("--awaits", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()

    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    folder = target / "compile-cost"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Cargo.toml").write_text('[workspace]\nresolver = "3"\nmembers = ["plain", "attributed"]\n')
    lock = folder / "Cargo.lock"
    if not lock.exists():
        lock.write_text((ROOT / "Cargo.lock").read_text())
    write(folder, "plain", crate(options, False))
    write(folder, "attributed", crate(options, True))

    print(f"{options.steps} steps, {options.workflows} workflows, {options.awaits} awaits in each")
    print(f"{'':8}{'plain':>8}{'attributed':>12}{'ratio':>8}   processor seconds, best of {options.rounds}")
    for command in ["check", "build"]:
        for name in ["plain", "attributed"]:
            compile_once(folder, command, name)  # dependencies
        best = {"plain": float("inf"), "attributed": float("inf")}
        for _ in range(options.rounds):
            for name in best:
                best[name] = min(best[name], compile_once(folder, command, name))
        plain, attributed = best["plain"], best["attributed"]
        print(f"{command:8}{plain:8.2f}{attributed:12.2f}{attributed / plain:8.2f}")


if __name__ == "__main__":
    main()
