//! Tables and lists of named values, for people.

use std::borrow::Cow;
use std::fmt::Write as _;

use comfy_table::{ColumnConstraint, ContentArrangement, Row, presets};

use super::text::clean;
use super::{BOLD, DIM, Width, styled};

/// Spaces behind each cell.
const PADDING: u16 = 2;

/// Rows under a header. Cells come from anywhere: they are made harmless here.
#[derive(Debug)]
pub(crate) struct Table {
    inner: comfy_table::Table,
    /// The longest word of each column: it is not broken.
    words: Vec<usize>,
    hidden: Vec<usize>,
}

impl Table {
    /// An empty table with these columns.
    pub(crate) fn new<const N: usize>(columns: [&str; N]) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(columns);
        for column in table.column_iter_mut() {
            column.set_padding((0, PADDING));
        }
        Self {
            inner: table,
            words: columns.map(str::len).to_vec(),
            hidden: Vec::new(),
        }
    }

    /// Adds a row, with as many cells as there are columns.
    pub(crate) fn row<const N: usize>(&mut self, cells: [Cow<'_, str>; N]) {
        let cells = cells.map(|cell| clean(&cell).into_owned());
        for (longest, cell) in self.words.iter_mut().zip(&cells) {
            let words = cell.split(' ').map(|word| word.chars().count());
            *longest = words.fold(*longest, usize::max);
        }
        self.inner.add_row(Row::from(cells));
    }

    /// Leaves a column out unless `wanted`.
    pub(crate) fn keep(&mut self, column: usize, wanted: bool) {
        if !wanted && let Some(column) = self.inner.column_mut(column) {
            column.set_constraint(ColumnConstraint::Hidden);
            self.hidden.push(column.index);
        }
    }

    /// Arranges the columns for a terminal of so many columns: the widest is wrapped between its words, and the others
    /// stay as they are. Where even that does not fit, or nobody knows how wide it is, the terminal breaks the lines.
    fn arrange(&mut self, terminal: u16) {
        let widths = self.inner.column_max_content_widths();
        let shown = || (0..widths.len()).filter(|column| !self.hidden.contains(column));
        let width = |column: usize| usize::from(widths[column]) + usize::from(PADDING);
        let Some(widest) = shown().max_by_key(|column| width(*column)) else {
            return;
        };
        let others: usize = shown().filter(|column| *column != widest).map(width).sum();
        let needed = others + self.words[widest] + usize::from(PADDING);
        if terminal == 0 || needed > usize::from(terminal) {
            self.inner
                .set_content_arrangement(ContentArrangement::Disabled);
            return;
        }
        let fixed: Vec<usize> = shown().filter(|column| *column != widest).collect();
        for column in fixed {
            if let Some(column) = self.inner.column_mut(column) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        self.inner
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(terminal);
    }

    /// The whole table, each line ended.
    pub(crate) fn render(&mut self, width: Width) -> String {
        match width {
            Width::Unlimited => {
                self.inner
                    .force_no_tty()
                    .set_content_arrangement(ContentArrangement::Disabled);
            }
            Width::Terminal => {
                let terminal = self.inner.width().unwrap_or(0);
                self.arrange(terminal);
            }
        }
        let mut text = String::new();
        for (number, line) in self.inner.lines().enumerate() {
            let line = line.trim_end();
            if number == 0 {
                text.push_str(&styled(BOLD, line));
            } else {
                text.push_str(line);
            }
            text.push('\n');
        }
        text
    }
}

/// Named values, one per line, their names in a column.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    fields: Vec<(&'static str, String)>,
}

impl Fields {
    /// Adds a value.
    pub(crate) fn add(&mut self, name: &'static str, value: impl AsRef<str>) -> &mut Self {
        self.fields.push((name, clean(value.as_ref()).into_owned()));
        self
    }

    /// Adds a value, when there is one that is not empty.
    pub(crate) fn add_some(
        &mut self,
        name: &'static str,
        value: Option<impl AsRef<str>>,
    ) -> &mut Self {
        match value {
            Some(value) if !value.as_ref().is_empty() => self.add(name, value),
            Some(_) | None => self,
        }
    }

    /// All lines, each ended.
    pub(crate) fn render(&self) -> String {
        let width = self
            .fields
            .iter()
            .map(|(name, _)| name.len())
            .max()
            .unwrap_or(0);
        let mut text = String::new();
        for (name, value) in &self.fields {
            let name = styled(DIM, &format!("{name:width$}"));
            let written = writeln!(text, "{name}  {value}");
            debug_assert!(written.is_ok(), "a String takes every write");
        }
        text
    }
}

/// A value for a cell; `-` when there is none.
pub(crate) fn or_dash(value: Option<&str>) -> Cow<'_, str> {
    match value {
        Some(value) if !value.is_empty() => value.into(),
        Some(_) | None => "-".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(terminal: u16) -> Vec<String> {
        let mut table = Table::new(["JOB", "WHAT", "HIDDEN", "STATUS"]);
        let what = "install slack and jira from registry demo";
        table.row([
            "17".into(),
            what.into(),
            "x".repeat(90).into(),
            "succeeded".into(),
        ]);
        table.keep(2, false);
        table.arrange(terminal);
        let lines = table.inner.lines();
        lines.map(|line| line.trim_end().to_owned()).collect()
    }

    #[test]
    fn only_the_widest_column_is_wrapped_and_only_between_words() {
        assert_eq!(
            lines(40),
            [
                "JOB  WHAT                    STATUS",
                "17   install slack and jira  succeeded",
                "     from registry demo",
            ]
        );
        assert_eq!(lines(200).len(), 2);
    }

    #[test]
    fn what_does_not_fit_is_left_to_the_terminal() {
        let whole = "17   install slack and jira from registry demo  succeeded";
        for terminal in [0, 1, 20] {
            assert_eq!(lines(terminal)[1], whole, "{terminal}");
        }
    }
}
