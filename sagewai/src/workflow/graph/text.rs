//! The graph as text for a terminal: a tree, in the order of the source.

use super::{Flow, Graph, words};

impl Graph {
    /// The graph for a terminal, as an indented tree.
    ///
    /// ```
    /// use sagewai::prelude::*;
    ///
    /// #[step(retries = 2)]
    /// async fn draft(topic: &str) -> Result<String> {
    ///     Ok(topic.to_uppercase())
    /// }
    ///
    /// #[workflow]
    /// async fn article(topic: String) -> Result<String> {
    ///     let mut text = draft(&topic).await?;
    ///     if text.len() < 6 {
    ///         text = draft("something longer").await?;
    ///     }
    ///     Ok(text)
    /// }
    ///
    /// assert_eq!(
    ///     sagewai::graph(article).to_text(),
    ///     "\
    /// article
    /// ├─ draft  (step, 2 retries)
    /// └─ text.len() < 6?
    ///    ├─ yes
    ///    │  └─ draft  (step, 2 retries)
    ///    └─ no
    /// "
    /// );
    /// ```
    pub fn to_text(&self) -> String {
        let mut tree = Tree {
            graph: self,
            text: format!("{}\n", self.name),
            indent: String::new(),
        };
        tree.all(self.flow);
        tree.text
    }
}

struct Tree<'a> {
    graph: &'a Graph,
    text: String,
    /// What stands before every line: the trunks that pass it by.
    indent: String,
}

impl Tree<'_> {
    fn all(&mut self, flow: &[Flow]) {
        let mut parts = flow.iter().peekable();
        while let Some(part) = parts.next() {
            self.one(part, parts.peek().is_none());
        }
    }

    fn one(&mut self, part: &Flow, last: bool) {
        match part {
            Flow::Node(site) => {
                let node = &self.graph.nodes[usize::from(*site)];
                let line = format!("{}  ({})", words::title(node), words::details(node));
                self.line(last, &line);
            }
            Flow::Branch { label, arms } => {
                self.line(last, &format!("{label}?"));
                self.below(last, |tree| {
                    let mut arms = arms.iter().peekable();
                    while let Some((answer, flow)) = arms.next() {
                        let last = arms.peek().is_none();
                        tree.line(last, answer);
                        tree.below(last, |tree| tree.all(flow));
                    }
                });
            }
            Flow::Loop { label, name, body } => {
                let label = if label.is_empty() { "loop" } else { label };
                self.line(last, &named(name, label));
                self.below(last, |tree| tree.all(body));
            }
            Flow::Block { name, body } => {
                self.line(last, &named(name, "block"));
                self.below(last, |tree| tree.all(body));
            }
            Flow::Parallel {
                kind,
                label,
                branches,
            } => {
                let mut line = words::fork(*kind, label);
                if kind.is_dynamic() {
                    line.push_str("  (branches known at run time)");
                }
                self.line(last, &line);
                self.below(last, |tree| tree.branches(branches));
            }
            Flow::Return => self.line(last, "return"),
            Flow::Break(name) => self.line(last, &exit("break", name)),
            Flow::Continue(name) => self.line(last, &exit("continue", name)),
        }
    }

    /// What goes on at once. A branch of one part is written as it is, a longer one under its number.
    fn branches(&mut self, branches: &[&[Flow]]) {
        if let [every_item] = branches {
            return self.all(every_item);
        }
        for (i, branch) in branches.iter().enumerate() {
            let last = i + 1 == branches.len();
            match branch {
                [part] => self.one(part, last),
                branch => {
                    self.line(last, &format!("branch {}", i + 1));
                    self.below(last, |tree| tree.all(branch));
                }
            }
        }
    }

    fn line(&mut self, last: bool, text: &str) {
        self.text.push_str(&self.indent);
        self.text.push_str(if last { "└─ " } else { "├─ " });
        // A condition over several lines would cut through the tree.
        let words: Vec<&str> = text.lines().map(str::trim).collect();
        self.text.push_str(&words.join(" "));
        self.text.push('\n');
    }

    /// Writes what stands below the line that was written last.
    fn below(&mut self, last: bool, write: impl FnOnce(&mut Self)) {
        let before = self.indent.len();
        self.indent.push_str(if last { "   " } else { "│  " });
        write(self);
        self.indent.truncate(before);
    }
}

fn named(name: &str, what: &str) -> String {
    match name {
        "" => what.to_owned(),
        name => format!("'{name}: {what}"),
    }
}

fn exit(word: &str, name: &str) -> String {
    match name {
        "" => word.to_owned(),
        name => format!("{word} '{name}"),
    }
}
