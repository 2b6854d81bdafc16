//! What the rules of a workflow body are told to leave alone, and what the compiler is asked where they cannot tell.

use std::marker::PhantomData;

/// Gives `value` back. In a `#[workflow]` body, the rules that go by names do not look at the argument: you vouch for
/// it that every replay asks for the same steps with the same arguments, whatever this expression gives.
///
/// Most of the time the value should rather be stored: [`now`](crate::now), [`uuid`](crate::uuid) and
/// [`record`](crate::record) do that, and a step does.
///
/// ```
/// use std::collections::HashMap;
///
/// use sagewai::prelude::*;
///
/// #[workflow]
/// async fn count(words: Vec<String>) -> Result<usize> {
///     // Only looked up, so its order has no effect.
///     let mut seen = sagewai::unchecked(HashMap::new());
///     for word in words {
///         *seen.entry(word).or_insert(0) += 1;
///     }
///     Ok(seen["tide"])
/// }
/// ```
pub fn unchecked<T>(value: T) -> T {
    value
}

/// Asks a type whether it is one that a workflow body must not use. `<Own<T>>::IS_STANDARD` is true for those: an
/// associated constant of the type comes before one of a trait.
#[derive(Debug)]
pub struct Own<T>(PhantomData<T>);

impl<T: Standard> Own<T> {
    /// It is one of those.
    pub const IS_STANDARD: bool = true;
}

/// What [`Own`] answers for any other type.
pub trait OwnFallback {
    /// It is the author's own.
    const IS_STANDARD: bool = false;
}

impl<T> OwnFallback for Own<T> {}

/// A type of the standard library or of tokio that looks at the world outside, or one by which a module that does is
/// known.
pub trait Standard {}

macro_rules! standard {
    ($($ty:ty)*) => { $(impl Standard for $ty {})* };
}
standard! {
    std::collections::hash_map::RandomState
    std::env::JoinPathsError
    std::fs::DirBuilder
    std::fs::File
    std::fs::OpenOptions
    std::io::Sink
    std::net::TcpListener
    std::net::TcpStream
    std::net::UdpSocket
    std::process::ChildStdin
    std::process::Command
    std::sync::mpsc::RecvError
    std::thread::AccessError
    std::time::Instant
    std::time::SystemTime
    tokio::runtime::Handle
    tokio::runtime::Runtime
    tokio::task::JoinError
    tokio::time::Instant
}

#[cfg(test)]
mod tests {
    use super::*;

    enum Instant {}

    const IS_STANDARD: [bool; 3] = [
        <Own<std::time::Instant>>::IS_STANDARD,
        <Own<Instant>>::IS_STANDARD,
        <Own<std::time::Duration>>::IS_STANDARD,
    ];

    #[test]
    fn types_that_look_outside_are_told_from_others() {
        assert_eq!(IS_STANDARD, [true, false, false]);
    }
}
