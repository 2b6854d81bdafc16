//! That names are unique in a workflow, checked while it is compiled: where a step's result is stored is decided by
//! its name.

use super::GraphNode;

/// Does not compile where something of the same name stands before a node. Generated code asks while compiling, at the
/// call.
///
/// # Panics
/// There.
#[track_caller]
pub const fn unique(nodes: &'static [GraphNode], site: usize) {
    if let Some(text) = name_clash(nodes, site) {
        panic!("{}", text.as_str());
    }
}

/// What to say of a node.
const fn name_clash(nodes: &'static [GraphNode], site: usize) -> Option<Text> {
    let new = &nodes[site].info;
    if !new.is_named() {
        return None;
    }
    let mut earlier = 0;
    while earlier < site {
        let old = &nodes[earlier].info;
        if old.is_named() && old.name_hash == new.name_hash && old.hash != new.hash {
            let text = Text::new()
                .add("two calls of this workflow go by the name `")
                .add(new.name)
                .add("`: `")
                .add(old.module)
                .add("::")
                .add(old.function)
                .add("` and `")
                .add(new.module)
                .add("::")
                .add(new.function)
                .add("`; rename one, as in `#[step(name = \"..\")]`");
            return Some(text);
        }
        earlier += 1;
    }
    None
}

/// Text put together while compiling.
struct Text {
    bytes: [u8; 512],
    len: usize,
}

impl Text {
    const fn new() -> Text {
        Text {
            bytes: [0; 512],
            len: 0,
        }
    }

    const fn add(mut self, text: &str) -> Text {
        let text = text.as_bytes();
        let mut i = 0;
        while i < text.len() && self.len < self.bytes.len() {
            self.bytes[self.len] = text[i];
            self.len += 1;
            i += 1;
        }
        self
    }

    /// The text.
    const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            // Cut in the middle of a letter.
            Err(_) => "two calls of this workflow go by one name",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::node::tests::{DRAFT, PUBLISH, node, step};
    use super::*;

    #[test]
    fn two_steps_of_one_name_clash() {
        const NODES: &[GraphNode] = &[node(step("send", "mail")), node(step("send", "text"))];
        let text = name_clash(NODES, 1).unwrap();
        assert_eq!(
            text.as_str(),
            "two calls of this workflow go by the name `send`: `blog::mail` and `blog::text`; \
             rename one, as in `#[step(name = \"..\")]`"
        );
    }

    #[test]
    fn same_step_may_be_called_twice() {
        assert!(name_clash(&[DRAFT, PUBLISH, DRAFT], 2).is_none());
    }
}
