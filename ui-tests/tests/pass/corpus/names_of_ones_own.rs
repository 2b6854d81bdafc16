//! Names that look like clocks, files and processes, and are the author's own.

use sagewai::prelude::*;
use serde::{Deserialize, Serialize};

/// A moment of a game, not of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Instant(u32);

impl Instant {
    fn now(round: u32) -> Instant {
        Instant(round)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Command {
    words: Vec<String>,
}

impl Command {
    fn new(text: &str) -> Command {
        Command { words: text.split(' ').map(str::to_owned).collect() }
    }

    fn spawn(&self) -> usize {
        self.words.len()
    }
}

pub struct Calendar {
    today: u32,
}

impl Calendar {
    fn now(&self) -> u32 {
        self.today
    }
}

mod fs {
    use sagewai::prelude::*;

    #[step]
    pub async fn read(path: &str) -> Result<String> {
        Ok(path.to_owned())
    }

    pub fn join(a: &str, b: &str) -> String {
        format!("{a}/{b}")
    }
}

mod env {
    pub fn var(name: &str) -> String {
        name.to_lowercase()
    }
}

mod process {
    use sagewai::prelude::*;

    #[step]
    pub async fn exit(code: u32) -> Result<u32> {
        Ok(code)
    }
}

mod thread {
    use sagewai::prelude::*;

    /// Begins a thread of letters.
    #[step(name = "begin-letters")]
    pub async fn spawn(subject: &str) -> Result<usize> {
        Ok(subject.len())
    }
}

/// Puts an egg into the water.
#[step]
async fn spawn(n: u32) -> Result<u32> {
    Ok(n + 1)
}

#[step]
async fn random(seed: u32) -> Result<u32> {
    Ok(seed.wrapping_mul(31))
}

#[workflow]
async fn own_names(round: u32) -> Result<u32> {
    let started = Instant::now(round);
    let env = env::var("HOME");
    let command = Command::new(&env);
    let file = fs::read(&fs::join("a", &env)).await?;
    let elapsed = started.0 + file.len() as u32;
    let clock = Calendar { today: elapsed };
    let spawned = spawn(clock.now()).await?;
    let drawn = random(spawned).await?;
    let rand = thread::spawn("letters").await? + command.spawn();
    let print = |text: &str| text.len();
    let time = print(&env) + rand;
    process::exit(drawn + time as u32).await
}

fn main() {
    assert_eq!(sagewai::graph(own_names).nodes.len(), 5);
}
