use std::collections::BTreeMap;

use sagewai::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Draft {
    title: String,
    score: Option<u32>,
}

#[step]
async fn write(title: &str) -> Result<Draft> {
    Ok(Draft { title: title.into(), score: None })
}

#[step]
async fn score(draft: &Draft) -> Result<u32> {
    Ok(draft.title.len() as u32)
}

#[step]
async fn next(after: u32) -> Result<Option<u32>> {
    Ok(after.checked_sub(1))
}

#[workflow]
async fn everything(titles: Vec<String>) -> Result<u32> {
    let Some(first) = titles.first() else {
        return Err("no titles".into());
    };
    let Ok(draft) = write(first).await else {
        return Ok(0);
    };
    let mut total = score(&draft).await?;
    total += score(&draft).await?;
    for title in &titles {
        let draft = write(title).await?;
        if score(&draft).await? > 3 && draft.score.is_none() {
            continue;
        } else if let Some(score) = draft.score {
            total += score;
        } else {
            break;
        }
    }
    let mut n = 3;
    while let Some(less) = next(n).await? {
        n = less;
    }
    'outer: loop {
        loop {
            match next(total).await? {
                Some(0) => break 'outer,
                Some(n) if n % 2 == 0 => total = n,
                Some(_) | None => return Ok(total),
            }
        }
    }
    // Awaits wherever an expression may stand.
    let pair = (next(1).await?, [next(2).await?, None]);
    let kept = Draft { score: next(3).await?, ..draft };
    let held = &write("held").await?;
    let by_name: BTreeMap<_, _> = [(held.title.clone(), score(held).await?)].into();
    let call = score(&kept);
    let later = (call.retries(2)).await?;
    let label = { let inner = next(later).await?; inner.unwrap_or_default() };
    let closure = |n: u32| next(n);
    total += closure(label).await?.unwrap_or(0);
    total += by_name.values().sum::<u32>() + pair.1.len() as u32;
    return Ok(total + score(&kept).await?);
}

fn main() {
    let _ = everything(vec![]);
}
