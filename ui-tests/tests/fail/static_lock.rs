use sagewai::prelude::*;

mod state {
    use std::sync::Mutex;
    pub static SEEN: Mutex<Vec<u32>> = Mutex::new(Vec::new());
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    state::SEEN.lock().map_err(|e| e.to_string())?.push(n);
    Ok(n)
}

fn main() {}
