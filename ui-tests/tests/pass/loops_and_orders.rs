//! Loops that end, and orders that are the same each time: nothing of them is refused.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

#[step]
async fn title(text: Cow<'static, str>) -> Result<Cow<'static, str>> {
    Ok(text)
}

/// The step is called like a macro of the prelude, and like one of the standard library.
#[step]
async fn join(n: u32) -> Result<u32> {
    Ok(n)
}

#[step]
async fn vec(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
async fn counts(mut n: u32) -> Result<u32> {
    let found = loop {
        n += 1;
        if n > 3 {
            break n;
        }
    };
    loop {
        n = n.checked_sub(1).ok_or("counted down")?;
        if n == 2 {
            return join(vec(found).await?).await;
        }
    }
}

#[workflow]
async fn waits(n: u32) -> Result<u32> {
    'again: loop {
        match n {
            0 => continue 'again,
            1 => panic!("not one"),
            n if draft(n).await? > 3 => return Ok(n),
            _ => {}
        }
    }
}

#[workflow]
async fn orders(numbers: BTreeMap<String, u32>, set: HashSet<u32>) -> Result<Vec<u32>> {
    let first = try_map(&numbers, |(_, n)| draft(*n)).await?;
    let second = try_map([1, 2], draft).await?;
    let third = try_map(sagewai::unchecked(set), draft).await?;
    let all = first.into_iter().chain(second).chain(third);
    let title = title("a".into()).await?;
    let mut length = 0;
    length += u32::try_from(title.len())?;
    try_map(all.rev(), |n| draft(n + length)).concurrency(2).await
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = Client::new(&sagewai::store::open("memory:").await.unwrap());
        let counted = counts(0).run(&client).await.unwrap();
        assert_eq!(counted, sagewai::Settled::Completed(4));
        let waited = waits(4).run(&client).await.unwrap();
        assert_eq!(waited, sagewai::Settled::Completed(4));
        let numbers = BTreeMap::from([("a".to_owned(), 5)]);
        let ordered = orders(numbers, HashSet::from([7])).run(&client).await.unwrap();
        assert_eq!(ordered, sagewai::Settled::Completed(vec![8, 3, 2, 6]));
    });
}
