//! The effective configuration as YAML that could be loaded again, with the origin of each value.

use std::fmt::Write as _;

use super::load::Effective;
use super::section::Section;
use super::setting::Shown;

/// The widest line before a comment is no longer aligned.
const COLUMN: usize = 56;

impl Effective {
    /// Every value in force and where it came from. Secrets are masked, what refers to them is shown.
    #[must_use]
    pub fn render(&self) -> String {
        let mut lines = Vec::new();
        let layout = &self.layout;
        let [state_dir, socket, config_file] = &self.layout_origins;
        let mut path = |name: &str, path: &std::path::Path, origin: &dyn std::fmt::Display| {
            lines.push((
                format!("# {name}: {}", path.display()),
                Some(origin.to_string()),
            ));
        };
        path("config", &layout.config_file, config_file);
        path("state_dir", &layout.state_dir, state_dir);
        path("socket", &layout.socket, socket);
        for file in &self.files {
            lines.push((format!("# read: {}", file.display()), None));
        }
        for warning in &self.warnings {
            lines.push((format!("# warning: {warning}"), None));
        }
        lines.push((String::new(), None));

        let config = &self.config;
        if config.registries.is_empty() {
            lines.push(("registries: []".to_owned(), self.origin("registries")));
        } else {
            lines.push(("registries:".to_owned(), None));
        }
        for registry in &config.registries {
            let start = lines.len();
            self.section(
                &format!("registries.{}", registry.name),
                registry,
                "    ",
                &mut lines,
            );
            // the first key of a list's item stands behind its dash
            lines[start].0.replace_range(..4, "  - ");
        }
        self.headed("routing", &config.routing, &mut lines);
        self.headed("queue", &config.queue, &mut lines);
        self.headed("store", &config.store, &mut lines);
        self.headed("limits", &config.limits, &mut lines);
        self.headed("tests", &config.tests, &mut lines);
        if config.runtimes.is_empty() {
            lines.push(("runtimes: {}".to_owned(), self.origin("runtimes")));
        } else {
            lines.push(("runtimes:".to_owned(), None));
        }
        for (name, probe) in &config.runtimes {
            lines.push((format!("  {}:", scalar(name)), None));
            self.section(&format!("runtimes.{name}"), probe, "    ", &mut lines);
        }
        self.headed("updates", &config.updates, &mut lines);
        if config.hooks.is_empty() {
            lines.push(("hooks: []".to_owned(), self.origin("hooks")));
        } else {
            lines.push(("hooks:".to_owned(), None));
        }
        for (position, hook) in config.hooks.iter().enumerate() {
            let start = lines.len();
            self.section(&format!("hooks[{position}]"), hook, "    ", &mut lines);
            lines[start].0.replace_range(..4, "  - ");
        }
        self.headed("access", &config.access, &mut lines);
        if config.sockets.is_empty() {
            lines.push(("sockets: []".to_owned(), self.origin("sockets")));
        } else {
            lines.push(("sockets:".to_owned(), None));
        }
        for (position, socket) in config.sockets.iter().enumerate() {
            let start = lines.len();
            self.section(&format!("sockets[{position}]"), socket, "    ", &mut lines);
            lines[start].0.replace_range(..4, "  - ");
        }
        self.headed("net", &config.net, &mut lines);
        self.headed("git", &config.git, &mut lines);
        self.headed("service", &config.service, &mut lines);
        self.headed("log", &config.log, &mut lines);
        aligned(&lines)
    }

    fn origin(&self, path: &str) -> Option<String> {
        self.origins.get(path).map(ToString::to_string)
    }

    fn headed<T: Section>(
        &self,
        name: &str,
        section: &T,
        lines: &mut Vec<(String, Option<String>)>,
    ) {
        lines.push((format!("{name}:"), None));
        self.section(name, section, "  ", lines);
    }

    fn section<T: Section>(
        &self,
        path: &str,
        section: &T,
        indent: &str,
        lines: &mut Vec<(String, Option<String>)>,
    ) {
        for (key, shown) in T::KEYS.iter().zip(section.show()) {
            let path = format!("{path}.{}", key.name);
            match shown {
                Shown::Table(entries) if !entries.is_empty() => {
                    lines.push((format!("{indent}{}:", key.name), None));
                    for (name, value) in entries {
                        let origin = self.origin(&format!("{path}.{name}"));
                        lines.push((
                            format!("{indent}  {}: {}", scalar(&name), quoted(&value)),
                            origin,
                        ));
                    }
                }
                shown => {
                    let line = format!("{indent}{}: {}", key.name, shown.to_yaml());
                    lines.push((line, self.origin(&path)));
                }
            }
        }
    }
}

impl Shown {
    /// The value on one line.
    pub(super) fn to_yaml(&self) -> String {
        match self {
            Self::Plain(text) | Self::Flow(text) => text.clone(),
            Self::Text(text) => scalar(text),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(|item| scalar(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Table(entries) => {
                let entries = entries
                    .iter()
                    .map(|(name, value)| format!("{}: {}", scalar(name), quoted(value)));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// A text as a YAML scalar: bare where nothing else could be meant.
fn scalar(text: &str) -> String {
    let first = |c: char| c.is_ascii_alphabetic() || c == '/';
    let rest = |c: char| c.is_ascii_alphanumeric() || "/._-:%+=".contains(c);
    let word = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let bare = text.starts_with(first)
        && text.chars().all(rest)
        && !text.ends_with(':')
        && !word.contains(&text.to_ascii_lowercase().as_str());
    if bare { text.to_owned() } else { quoted(text) }
}

/// A text in double quotes. JSON's are YAML's too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The lines with their comments in one column.
fn aligned(lines: &[(String, Option<String>)]) -> String {
    let widths = lines
        .iter()
        .filter(|(_, comment)| comment.is_some())
        .map(|(line, _)| line.chars().count());
    let column = widths.filter(|width| *width <= COLUMN).max().unwrap_or(0);
    let mut text = String::new();
    for (line, comment) in lines {
        let written = match comment {
            Some(comment) => writeln!(text, "{line:column$}  # {comment}"),
            None => writeln!(text, "{line}"),
        };
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }
    text
}
