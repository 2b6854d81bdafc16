//! Opens the store that a URL names.

use super::{AnyStore, InMemoryStore, StoreError, StoreResult};

/// Opens the store that `url` names, and creates or updates its tables:
///
/// - `memory:` lives in this process and dies with it;
/// - `sqlite://articles.db` is a file beside you, `sqlite:///var/lib/articles.db` one with a full path;
/// - `postgres://user:password@host/database` is a server, for several machines.
///
/// # Errors
/// [`StoreError::Url`] for anything else, [`StoreError::Unavailable`] where it cannot be reached, and
/// [`StoreError::Schema`] where its tables were made by a newer version.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), sagewai::store::StoreError> {
/// let store = sagewai::store::open("memory:").await?;
/// # let _ = store; Ok(()) }
/// ```
pub async fn open(url: &str) -> StoreResult<AnyStore> {
    let store = open_as_is(url).await?;
    store.initialize().await?;
    Ok(store)
}

/// Opens the store that `url` names, and leaves its tables as they are.
pub(crate) async fn open_as_is(url: &str) -> StoreResult<AnyStore> {
    let scheme = url.split(':').next().unwrap_or_default();
    let store = match scheme {
        "memory" => AnyStore::new(InMemoryStore::new()),
        #[cfg(feature = "sqlite")]
        "sqlite" => AnyStore::new(super::SqliteStore::open(url).await?),
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => AnyStore::new(super::PostgresStore::connect(url).await?),
        _ => {
            return Err(StoreError::Url {
                url: without_password(url),
                reason: "write `sqlite://file.db`, `postgres://user@host/database` or `memory:`, \
                         with the feature of that store on"
                    .to_owned(),
            });
        }
    };
    Ok(store)
}

/// The URL as it may be shown.
pub(crate) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let authority_end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(authority_end);
    // A password may also stand among the parameters.
    let tail = match tail.split_once('?') {
        Some((path, _)) => path,
        None => tail,
    };
    match authority.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{host}{tail}")
        }
        None => format!("{scheme}://{authority}{tail}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn unknown_scheme_is_refused_with_the_known_ones_and_without_the_password() {
        let refusal = open("mysql://root:hunter2@db/app").await.unwrap_err();
        let text = refusal.to_string();
        assert!(text.contains("sqlite://") && text.contains("mysql://root@db/app"));
        assert!(!text.contains("hunter2"));
    }

    #[test]
    fn passwords_are_not_shown() {
        for (url, shown) in [
            ("postgres://u:p@h:5/d?password=x", "postgres://u@h:5/d"),
            ("postgres://u:p@w@h/d", "postgres://u@h/d"),
            ("postgres://h/d", "postgres://h/d"),
            ("memory:", "memory:"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
