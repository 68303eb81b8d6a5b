//! What a page says is typed and printed, and whether a real terminal agrees.
//!
//! Two runs never print the same times, digests and process numbers, so these count as equal; so do widths of columns,
//! and the order of steps that run at the same time. In what a page shows, a line `…` stands for any lines, and `…` in a
//! line for any text.

use std::sync::LazyLock;

use regex::Regex;

use super::page::Block;

/// A command, and what the page shows it to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What is typed, one or more lines.
    pub command: String,
    /// What is printed; nothing where the page shows nothing.
    pub output: Vec<String>,
}

impl Said {
    /// The commands of a block. A block of `sh` is one command that prints what it likes.
    #[must_use]
    pub fn of(block: &Block) -> Vec<Self> {
        if block.language == "sh" {
            return vec![Self {
                command: format!("set -e\n{}set +e", block.text),
                output: Vec::new(),
            }];
        }
        console(&block.text)
    }

    /// Whether the page shows that the command fails.
    #[must_use]
    pub fn fails(&self) -> bool {
        self.output.iter().any(|line| line.starts_with("error: "))
    }

    /// Whether what was printed is what the page shows. `user` is who ran it; pages are written by root.
    #[must_use]
    pub fn agrees(&self, printed: &str, user: &str) -> bool {
        let shown = lines(self.output.iter().map(String::as_str), "root");
        shown.is_empty() || fit(&shown, &lines(printed.lines(), user))
    }
}

/// Prompts are `$ ` and, for root, `# `. A command goes on after a `\` and through a here-document.
fn console(text: &str) -> Vec<Said> {
    let mut all: Vec<Said> = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        if let Some(end) = &open {
            let said = all.last_mut().unwrap();
            said.command.push('\n');
            said.command.push_str(line);
            if line == end || (end.is_empty() && !line.ends_with('\\')) {
                open = None;
            }
        } else if let Some(command) = line.strip_prefix("$ ").or_else(|| line.strip_prefix("# ")) {
            open = until(command);
            all.push(Said {
                command: command.to_owned(),
                output: Vec::new(),
            });
        } else {
            let said = all.last_mut().expect("a block begins with a prompt");
            said.output.push(line.to_owned());
        }
    }
    all
}

/// The line that ends a command which goes on in the next line; empty for whichever does not end in a `\`.
fn until(command: &str) -> Option<String> {
    if let Some((_, word)) = command.split_once("<<") {
        let word = word.trim_start_matches(|c: char| !c.is_alphabetic());
        return word
            .split(|c: char| !c.is_alphabetic())
            .next()
            .map(ToOwned::to_owned);
    }
    command.ends_with('\\').then(String::new)
}

fn lines<'a>(text: impl Iterator<Item = &'a str>, user: &str) -> Vec<String> {
    let mut lines: Vec<String> = text
        .map(|line| usual(line, user))
        .filter(|line| !line.is_empty())
        .collect();
    lines
        .chunk_by_mut(|a, b| a.starts_with('✓') && b.starts_with('✓'))
        .for_each(<[String]>::sort_unstable);
    lines
}

/// A line with one word for everything that differs between two runs.
fn usual(line: &str, user: &str) -> String {
    static DIFFERENT: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        [
            (
                r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?( UTC)?",
                "TIME",
            ),
            (r"\b[0-9a-f]{12,128}\b", "HEX"),
            (
                r"\b(just now|less than a second|\d+(\.\d+)? ?(ms|s|min|h|d)( ago)?)(?:\b|$)",
                "SPAN",
            ),
            (r"\b\d+(\.\d+)? (B|KiB|MiB|GiB|TiB|bytes)\b", "SIZE"),
            (r"\bpid \d+", "pid N"),
            (r#""(pid|uid|size|bytes|duration_ms)": ?\d+"#, "\"$1\": N"),
        ]
        .map(|(pattern, word)| (Regex::new(pattern).unwrap(), word))
        .into()
    });
    let mut line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    for (pattern, word) in DIFFERENT.iter() {
        line = pattern.replace_all(&line, *word).into_owned();
    }
    let user = Regex::new(&format!(r"\b{}\b", regex::escape(user))).unwrap();
    user.replace_all(&line, "root").into_owned()
}

fn fit(shown: &[String], printed: &[String]) -> bool {
    let Some((line, rest)) = shown.split_first() else {
        return printed.is_empty();
    };
    if line == "…" {
        return (0..=printed.len()).any(|skipped| fit(rest, &printed[skipped..]));
    }
    printed
        .split_first()
        .is_some_and(|(first, others)| fits(line, first) && fit(rest, others))
}

fn fits(shown: &str, printed: &str) -> bool {
    let parts: Vec<String> = shown.split('…').map(regex::escape).collect();
    Regex::new(&format!("^{}$", parts.join(".*")))
        .unwrap()
        .is_match(printed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Said {
        console(text).remove(0)
    }

    #[test]
    fn commands_and_what_they_print_are_told_apart() {
        let text = "$ one \\\n  two\nprinted\n# cat <<'END' >x\n$ not a prompt\nEND\n$ three\n";
        let all: Vec<_> = console(text)
            .into_iter()
            .map(|said| (said.command, said.output.len()))
            .collect();
        let expected = [
            ("one \\\n  two".to_owned(), 1),
            ("cat <<'END' >x\n$ not a prompt\nEND".to_owned(), 0),
            ("three".to_owned(), 0),
        ];
        assert_eq!(all, expected);
    }

    #[test]
    fn what_differs_between_two_runs_is_no_difference() {
        let page = "$ x\n✓ fetch  0.01 s  611 B\n✓ unpack 0.02 s\nby root, 3 s ago\n";
        assert!(said(page).agrees(
            "✓ unpack    12.5 s\n✓ fetch  1 s 1.4 KiB\nby ada, just now\n",
            "ada"
        ));
        assert!(!said(page).agrees("✓ fetch  0.01 s  611 B\nby root, 3 s ago\n", "root"));
        assert!(!said("$ x\nhello 1.0.0\n").agrees("hello 1.1.0\n", "root"));
    }

    #[test]
    fn an_ellipsis_stands_for_what_is_left_out() {
        let page = "$ x\nfirst\n…\nlast … word\n";
        assert!(said(page).agrees("first\nlast one word", "root"));
        assert!(said(page).agrees("first\nmore\nand more\nlast one word", "root"));
        assert!(!said(page).agrees("first\nlast", "root"));
    }

    #[test]
    fn a_failure_is_one_that_the_page_shows() {
        assert!(said("$ x\nerror: no\n").fails());
        assert!(!said("$ x\nno error: none\n").fails());
    }
}
