//! A program before and after a deploy that changes a workflow.

/// As it was.
pub mod v1 {
    use sagewai::prelude::*;

    use crate::{one, two};

    /// Asks before it goes on.
    #[workflow(name = "invoice")]
    pub async fn invoice(value: u32) -> Result<u32> {
        let value = one(value).await?;
        approval("go").await?;
        two(value).await
    }
}

/// As it is: one more step, and another order.
pub mod v2 {
    use sagewai::prelude::*;

    use crate::{one, three, two};

    /// Does it all before it asks.
    #[workflow(name = "invoice", version = 2)]
    pub async fn invoice(value: u32) -> Result<u32> {
        let value = two(value).await?;
        let value = three(value).await?;
        approval("go").await?;
        one(value).await
    }
}
