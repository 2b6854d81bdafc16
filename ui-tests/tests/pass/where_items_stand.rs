#![deny(warnings)]
use sagewai::prelude::*;

mod steps {
    use sagewai::prelude::*;

    #[derive(serde::Serialize, serde::Deserialize)]
    pub(crate) struct Notes(pub(super) u32);

    #[step]
    pub(crate) async fn research(n: u32) -> Result<Notes> {
        Ok(Notes(helper(n)))
    }

    #[step]
    pub(super) async fn publish(n: u32) -> Result<u32> {
        Ok(super::private(n).await?)
    }

    fn helper(n: u32) -> u32 {
        n
    }
}

mod globbed {
    mod summarize {
        use sagewai::prelude::*;
        #[step]
        pub async fn summarize(n: u32) -> Result<u32> {
            Ok(n)
        }
    }
    pub use summarize::*;
}

use globbed::summarize;
use steps::{publish as put, research};

#[step]
async fn private(n: u32) -> Result<u32> {
    Ok(n)
}

/// A function that returns a call is as good as the step.
fn shorthand(n: u32) -> sagewai::StepCall<private> {
    private(n).retries(2)
}

#[workflow]
pub async fn from_everywhere(n: u32) -> Result<u32> {
    use steps::research as look_up;
    let notes = research(n).await?;
    let more = steps::research(notes.0).await?;
    let most = look_up(more.0).await?;
    let short = shorthand(most.0).await? + self::private(1).await? + crate::private(1).await?;
    put(summarize(short).await?).await
}

#[workflow]
async fn by_glob_in_the_body(n: u32) -> Result<u32> {
    use globbed::*;
    summarize(n).await
}

#[tokio::main]
async fn main() -> Result<()> {
    #[step]
    async fn local(n: u32) -> Result<u32> {
        Ok(n + 1)
    }

    #[workflow]
    async fn local_workflow(n: u32) -> Result<u32> {
        local(n).await
    }

    #[workflow]
    async fn with_items(n: u32) -> Result<u32> {
        #[step]
        async fn inner(n: u32) -> Result<u32> {
            Ok(n)
        }
        mod nested {
            use sagewai::prelude::*;
            #[step]
            pub async fn deep(n: u32) -> Result<u32> {
                Ok(n)
            }
        }
        async fn not_part_of_it() {
            async {}.await;
        }
        let _ = not_part_of_it;
        Ok(inner(n).await? + nested::deep(n).await?)
    }

    assert_eq!(local(1).await?, 2);
    let _ = (local_workflow(1), with_items(2), from_everywhere(3), by_glob_in_the_body(4));
    Ok(())
}
