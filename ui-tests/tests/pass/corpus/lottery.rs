//! Draws once, and the draw stays drawn.

use sagewai::prelude::*;

/// A small generator of its own: the same numbers from the same seed.
struct Generator(u64);

impl Generator {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below.max(1)
    }
}

#[step]
async fn entrants(lottery: &str) -> Result<Vec<String>> {
    Ok(lottery.split(',').map(str::to_owned).collect())
}

#[step]
async fn congratulate(winner: &str, ticket: &str) -> Result<()> {
    let _ = (winner, ticket);
    Ok(())
}

fn a_random_number() -> u64 {
    std::time::SystemTime::now().elapsed().map_or(4, |time| u64::from(time.subsec_nanos()))
}

#[workflow]
async fn lottery(name: String, winners: usize) -> Result<Vec<String>> {
    let mut left = entrants(&name).await?;
    // Stored, so every replay draws the same.
    let seed = record("seed", a_random_number).await;
    let host = record("host", || std::env::var("HOSTNAME").unwrap_or_default()).await;
    let mut rng = Generator(seed ^ host.len() as u64);
    let mut drawn = Vec::with_capacity(winners);
    while drawn.len() < winners && !left.is_empty() {
        let index = rng.next(left.len() as u64) as usize;
        let winner = left.swap_remove(index);
        let ticket = uuid().await;
        congratulate(&winner, &ticket).await?;
        drawn.push(winner);
    }
    Ok(drawn)
}

fn main() {
    assert_eq!(sagewai::graph(lottery).nodes.len(), 5);
}
