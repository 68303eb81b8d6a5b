//! The pages of the documentation, as far as they can be run.
//!
//! A block that a test runs is marked by a comment before it, `<!-- run: NAME -->`, which no reader sees.

use std::collections::BTreeMap;

use super::programs;

/// A fenced block of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The word behind the fence: `sh`, `yaml`, ….
    pub language: String,
    /// What stands between the fences.
    pub text: String,
}

/// The blocks of one page.
#[derive(Debug)]
pub struct Page {
    /// Those that are marked, by name.
    pub marked: BTreeMap<String, Block>,
    /// The others.
    pub unmarked: Vec<Block>,
}

impl Page {
    /// Reads a page of `docs/`.
    #[must_use]
    pub fn read(name: &str) -> Self {
        Self::parse(&fs_err::read_to_string(programs::source().join("docs").join(name)).unwrap())
    }

    fn parse(text: &str) -> Self {
        let mut page = Self {
            marked: BTreeMap::new(),
            unmarked: Vec::new(),
        };
        let mut mark = None;
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(language) = line.strip_prefix("```") {
                let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
                let block = Block {
                    language: language.to_owned(),
                    text: text.join("\n") + "\n",
                };
                match mark.take() {
                    Some(name) => {
                        let before = page.marked.insert(name, block);
                        assert_eq!(before, None, "each mark comes once");
                    }
                    None => page.unmarked.push(block),
                }
            } else if let Some(rest) = line.strip_prefix("<!-- run: ") {
                mark = rest.strip_suffix(" -->").map(ToOwned::to_owned);
            }
        }
        page
    }

    /// A marked block.
    #[must_use]
    pub fn block(&self, name: &str) -> &Block {
        self.marked
            .get(name)
            .unwrap_or_else(|| panic!("the page has no block `{name}`"))
    }
}
