//! That names are unique in a workflow, checked while it is compiled: where a step's result is stored is decided by
//! its name.

use super::GraphNode;

/// Checks that what stands at a node shares its name with nothing else before it.
///
/// # Panics
/// Where it does. Generated code asks while compiling, so the panic is a compile error.
pub const fn unique(nodes: &'static [GraphNode], site: usize) {
    let new = &nodes[site].info;
    if !new.is_named() {
        return;
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
            panic!("{}", text.as_str());
        }
        earlier += 1;
    }
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
    #[should_panic(expected = "`send`: `blog::mail` and `blog::text`; rename one")]
    fn two_steps_of_one_name_do_not_compile() {
        const NODES: &[GraphNode] = &[node(step("send", "mail")), node(step("send", "text"))];
        unique(NODES, 1);
    }

    #[test]
    fn same_step_may_be_called_twice() {
        unique(&[DRAFT, PUBLISH, DRAFT], 2);
    }
}
