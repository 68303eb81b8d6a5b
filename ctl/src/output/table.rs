//! Tables and lists of named values, for people.

use std::borrow::Cow;
use std::fmt::Write as _;

use comfy_table::{ContentArrangement, Row, presets};

use super::text::clean;
use super::{BOLD, DIM, Width, styled};

/// Rows under a header. Cells come from anywhere: they are made harmless here.
#[derive(Debug)]
pub(crate) struct Table {
    table: comfy_table::Table,
}

impl Table {
    /// An empty table with these columns.
    pub(crate) fn new<const N: usize>(columns: [&str; N]) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(columns);
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        Self { table }
    }

    /// Adds a row, with as many cells as there are columns.
    pub(crate) fn row<const N: usize>(&mut self, cells: [Cow<'_, str>; N]) {
        self.table.add_row(Row::from(
            cells.into_iter().map(|cell| clean(&cell).into_owned()),
        ));
    }

    /// Leaves a column out unless `wanted`.
    pub(crate) fn keep(&mut self, column: usize, wanted: bool) {
        if !wanted && let Some(column) = self.table.column_mut(column) {
            column.set_constraint(comfy_table::ColumnConstraint::Hidden);
        }
    }

    /// The whole table, each line ended.
    pub(crate) fn render(&mut self, width: Width) -> String {
        match width {
            Width::Unlimited => {
                self.table
                    .force_no_tty()
                    .set_content_arrangement(ContentArrangement::Disabled);
            }
            Width::Terminal => {
                self.table
                    .set_content_arrangement(ContentArrangement::Dynamic);
            }
        }
        let mut text = String::new();
        for (number, line) in self.table.lines().enumerate() {
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
