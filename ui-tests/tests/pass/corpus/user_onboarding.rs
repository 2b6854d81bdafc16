//! Letters over a week, which stop when the user has begun.

use std::time::Duration;

use sagewai::prelude::*;

mod mail {
    use sagewai::prelude::*;

    #[step(name = "send-mail", retries = 5)]
    pub async fn send(to: &str, subject: &str) -> Result<()> {
        let _ = (to, subject);
        Ok(())
    }
}

mod users {
    use sagewai::prelude::*;

    #[step]
    pub async fn has_begun(id: u64) -> Result<bool> {
        Ok(id % 2 == 0)
    }

    #[step]
    pub async fn address(id: u64) -> Result<Option<String>> {
        Ok((id > 0).then(|| format!("{id}@example.org")))
    }
}

#[workflow]
async fn onboarding(user: u64) -> Result<String> {
    use users::has_begun as began;

    let Some(address) = users::address(user).await? else {
        return Ok("no address".into());
    };
    mail::send(&address, "Welcome").await?;
    let letters = [(1, "First steps"), (3, "Need a hand?"), (7, "We are here")];
    for (days, subject) in letters {
        sleep(Duration::from_secs(days * 86_400)).await?;
        if began(user).await? {
            return Ok("began".into());
        }
        mail::send(&address, subject).named("follow-up").await?;
    }
    Ok("silent".into())
}

fn main() {
    assert_eq!(sagewai::graph(onboarding).nodes.len(), 5);
}
