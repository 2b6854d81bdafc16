//! Steps behind modules with short names, a helper that makes calls, attributes on statements.

use std::time::Duration;

use sagewai::prelude::*;
use sagewai::StepCall;

mod db {
    use sagewai::prelude::*;

    #[step(retries = 3)]
    pub async fn book(patient: &str, slot: u32) -> Result<bool> {
        Ok(slot > patient.len() as u32)
    }

    #[step]
    pub async fn release(slot: u32) -> Result<()> {
        let _ = slot;
        Ok(())
    }
}

mod sms {
    use sagewai::prelude::*;

    #[step]
    pub async fn send(to: &str, text: String) -> Result<()> {
        let _ = (to, text);
        Ok(())
    }
}

/// A call with the options that letters to patients have.
fn letter(to: &str, text: &str) -> StepCall<sms::send> {
    sms::send(to, text.to_owned()).retries(10).retry_delay(Duration::from_secs(60))
}

#[workflow]
async fn appointment(patient: String, slots: Vec<u32>) -> Result<Option<u32>> {
    let mut booked = None;
    for slot in slots {
        if db::book(&patient, slot).await? {
            booked = Some(slot);
            break;
        }
    }
    let Some(slot) = booked else {
        letter(&patient, "no slot is free").await?;
        return Ok(None);
    };
    letter(&patient, "see you soon").named("confirm").await?;
    #[allow(unused_parens)]
    let confirmed = (approval("confirmed").await.is_ok());
    if !confirmed {
        db::release(slot).await?;
        booked = None;
    }
    Ok(booked)
}

fn main() {
    assert_eq!(sagewai::graph(appointment).nodes.len(), 5);
}
