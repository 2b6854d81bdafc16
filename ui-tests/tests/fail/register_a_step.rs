use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

fn worker(store: &sagewai::store::AnyStore) {
    let _ = WorkflowWorker::builder(store).workflow(draft);
}

fn main() {}
