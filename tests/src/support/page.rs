//! The pages of the documentation, as far as they can be run.
//!
//! A block of shell is run by `e2e/docs.rs` where it stands, unless a comment before it, which no reader sees, says
//! otherwise: `<!-- run: NAME -->` is run by the test that knows the name, `<!-- not run: REASON -->` by nobody.

use super::programs;

/// A fenced block of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The line of its first fence, counted from 1.
    pub line: usize,
    /// The word behind the fence: `sh`, `yaml`, ….
    pub language: String,
    /// What stands between the fences.
    pub text: String,
    /// What the comment before it says.
    pub mark: Mark,
}

/// Who runs a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// Nothing is said.
    Plain,
    /// A test that knows it by this name.
    Run(String),
    /// Nobody, for this reason.
    NotRun(String),
}

impl Block {
    /// Whether a reader types it.
    #[must_use]
    pub fn is_shell(&self) -> bool {
        matches!(self.language.as_str(), "sh" | "console")
    }
}

/// One page.
#[derive(Debug)]
pub struct Page {
    /// Its path, below `docs/`.
    pub name: String,
    /// Its blocks, from top to bottom.
    pub blocks: Vec<Block>,
    /// Marks that no block of shell follows: the lines they stand in.
    pub stale: Vec<usize>,
}

impl Page {
    /// Reads a page of `docs/`.
    #[must_use]
    pub fn read(name: &str) -> Self {
        let path = programs::source().join("docs").join(name);
        Self::parse(name, &fs_err::read_to_string(path).unwrap())
    }

    fn parse(name: &str, text: &str) -> Self {
        let mut page = Self {
            name: name.to_owned(),
            blocks: Vec::new(),
            stale: Vec::new(),
        };
        let mut pending: Option<(usize, Mark)> = None;
        let mut lines = text.lines().zip(1..);
        while let Some((line, number)) = lines.next() {
            if let Some(language) = line.strip_prefix("```") {
                let text: Vec<&str> = lines
                    .by_ref()
                    .map(|(line, _)| line)
                    .take_while(|line| *line != "```")
                    .collect();
                let (at, mark) = pending.take().unwrap_or((number, Mark::Plain));
                let block = Block {
                    line: number,
                    language: language.to_owned(),
                    text: text.join("\n") + "\n",
                    mark,
                };
                if matches!(block.mark, Mark::NotRun(_)) && !block.is_shell() {
                    page.stale.push(at);
                }
                page.blocks.push(block);
                continue;
            }
            page.stale.extend(pending.take().map(|(at, _)| at));
            pending = mark(line).map(|mark| (number, mark));
        }
        page.stale.extend(pending.map(|(at, _)| at));
        page
    }

    /// The names of the blocks that some test knows by name, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .blocks
            .iter()
            .filter_map(|block| match &block.mark {
                Mark::Run(name) => Some(name.as_str()),
                Mark::Plain | Mark::NotRun(_) => None,
            })
            .collect();
        names.sort_unstable();
        names
    }

    /// The block with a name.
    #[must_use]
    pub fn block(&self, name: &str) -> &Block {
        let wanted = Mark::Run(name.to_owned());
        let mut found = self.blocks.iter().filter(|block| block.mark == wanted);
        let block = found.next();
        assert!(found.next().is_none(), "the mark `{name}` comes once");
        block.unwrap_or_else(|| panic!("the page has no block `{name}`"))
    }
}

fn mark(line: &str) -> Option<Mark> {
    let comment = line.strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    if let Some(name) = comment.strip_prefix("run: ") {
        return Some(Mark::Run(name.to_owned()));
    }
    let reason = comment.strip_prefix("not run: ")?;
    Some(Mark::NotRun(reason.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_belongs_to_the_block_right_below_it() {
        let text = "\
<!-- not run: needs root -->
```console
# apt install packd
```
<!-- run: one -->
```yaml
a: b
```
<!-- not run: nothing is below -->

```sh
true
```
<!-- not run: no shell -->
```json
{}
```
<!-- run: lost -->
";
        let page = Page::parse("x.md", text);
        let marks: Vec<_> = page.blocks.iter().map(|block| &block.mark).collect();
        assert_eq!(*marks[0], Mark::NotRun("needs root".to_owned()));
        assert_eq!(page.names(), ["one"]);
        assert_eq!(page.block("one").text, "a: b\n");
        assert_eq!(*marks[2], Mark::Plain);
        assert_eq!(page.stale, [9, 14, 18]);
    }
}
