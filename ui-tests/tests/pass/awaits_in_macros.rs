use sagewai::prelude::*;

#[step]
async fn double(n: u32) -> Result<u32> {
    Ok(n * 2)
}

macro_rules! three {
    () => {
        3
    };
}

/// Macros of the standard library take awaits; of unknown ones only the arguments are bound first.
#[workflow]
async fn in_macros(n: u32) -> Result<String> {
    let list = vec![double(n).await?, double(three!()).await?];
    assert_eq!(double(1).await?, 2, "twice {}", double(n).await?);
    assert!(matches!(list.as_slice(), [_, 6]));
    if list.is_empty() {
        panic!("{}", double(n).await?);
    }
    Ok(format!("{} {last} {n:?}", double(4).await?, last = double(list[0]).await?))
}

fn main() {
    let _ = in_macros(1);
}
