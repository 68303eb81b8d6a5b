//! How one value is read and shown: a type that can be the value of a key implements [`Setting`].

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::node::{Node, Value};
use super::{ByteSize, HostPatterns, Origin, RefPatterns, SandboxLevel, Secret, Trust, units};

/// A type that can be the value of a key.
pub(super) trait Setting: Sized {
    /// What a value looks like, completing "must be …".
    const SHAPE: &'static str;

    /// Reads a value.
    fn read(node: &Node) -> Result<Self, Vec<Wrong>>;

    /// Shows a value so that reading it gives the same again; secrets are masked.
    fn show(&self) -> Shown;
}

/// What is wrong with a value, or with a part of it.
#[derive(Debug)]
pub(super) struct Wrong {
    /// Where the part is written.
    pub(super) origin: Origin,
    /// The part's key below the value's own; empty for the value itself.
    pub(super) below: String,
    /// What is wrong, completing "`key` …".
    pub(super) message: String,
}

impl Wrong {
    pub(super) fn at(node: &Node, message: impl Into<String>) -> Vec<Self> {
        vec![Self {
            origin: node.origin.clone(),
            below: String::new(),
            message: message.into(),
        }]
    }

    fn shape<T: Setting>(node: &Node) -> Vec<Self> {
        Self::at(
            node,
            format!("must be {}, not {}", T::SHAPE, node.describe()),
        )
    }
}

/// A value as it is written in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    /// A scalar that needs no quotes.
    Plain(String),
    /// A text; quoted where it must be.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
    /// Names with texts.
    Table(Vec<(String, String)>),
    /// What has parts of its own, as YAML on one line.
    Flow(String),
}

/// The text of a scalar.
pub(super) fn text<T: Setting>(node: &Node) -> Result<&str, Vec<Wrong>> {
    match &node.value {
        Value::Text { text, .. } => Ok(text),
        _ => Err(Wrong::shape::<T>(node)),
    }
}

/// One of a few words.
pub(super) fn word<T: Setting + Copy>(node: &Node, words: &[(&str, T)]) -> Result<T, Vec<Wrong>> {
    let text = text::<T>(node)?;
    let found = words.iter().find(|(word, _)| *word == text);
    found
        .map(|(_, value)| *value)
        .ok_or_else(|| Wrong::shape::<T>(node))
}

impl Setting for bool {
    const SHAPE: &'static str = "`true` or `false`";

    fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
        match &node.value {
            Value::Text { text, plain: true } if text == "true" => Ok(true),
            Value::Text { text, plain: true } if text == "false" => Ok(false),
            _ => Err(Wrong::shape::<Self>(node)),
        }
    }

    fn show(&self) -> Shown {
        Shown::Plain(self.to_string())
    }
}

macro_rules! whole_number {
    ($($type:ty)*) => { $(
        impl Setting for $type {
            const SHAPE: &'static str = "a whole number";

            fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
                let text = text::<Self>(node)?;
                let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                let number = text.parse().ok().filter(|_| digits);
                number.ok_or_else(|| Wrong::shape::<Self>(node))
            }

            fn show(&self) -> Shown {
                Shown::Plain(self.to_string())
            }
        }
    )* };
}
whole_number!(u32 u64 usize);

impl Setting for Duration {
    const SHAPE: &'static str = "a span of time such as `30s`, `5m`, `1h` or `14d`";

    fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
        units::parse_duration(text::<Self>(node)?).map_err(|error| {
            let message = format!("must be {}; {} {error}", Self::SHAPE, node.describe());
            Wrong::at(node, message)
        })
    }

    fn show(&self) -> Shown {
        Shown::Plain(units::write_duration(*self))
    }
}

impl Setting for ByteSize {
    const SHAPE: &'static str = "an amount of bytes such as `512MiB` or `1GiB`";

    fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
        Self::parse(text::<Self>(node)?).map_err(|error| {
            let message = format!("must be {}; {} {error}", Self::SHAPE, node.describe());
            Wrong::at(node, message)
        })
    }

    fn show(&self) -> Shown {
        Shown::Plain(self.to_string())
    }
}

impl Setting for String {
    const SHAPE: &'static str = "a text";

    fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
        text::<Self>(node).map(ToOwned::to_owned)
    }

    fn show(&self) -> Shown {
        Shown::Text(self.clone())
    }
}

impl Setting for PathBuf {
    const SHAPE: &'static str = "an absolute path";

    fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
        let path = PathBuf::from(text::<Self>(node)?);
        if path.is_absolute() {
            Ok(path)
        } else {
            Err(Wrong::shape::<Self>(node))
        }
    }

    fn show(&self) -> Shown {
        Shown::Text(self.display().to_string())
    }
}

macro_rules! or_null {
    ($($type:ty: $shape:literal),+) => {
        $(impl Setting for Option<$type> {
            const SHAPE: &'static str = $shape;

            fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
                match node.value {
                    Value::Null => Ok(None),
                    _ => <$type>::read(node)
                        .map(Some)
                        .map_err(|_| Wrong::shape::<Self>(node)),
                }
            }

            fn show(&self) -> Shown {
                self.as_ref()
                    .map_or_else(|| Shown::Plain("null".to_owned()), Setting::show)
            }
        })+
    };
}

or_null!(
    String: "a text or `null`",
    Duration: "a span of time such as `30s`, `5m`, `1h` or `14d`, or `null`",
    PathBuf: "an absolute path or `null`",
    ByteSize: "an amount such as `512MiB` or `null`",
    SandboxLevel: "`strict`, `standard`, `basic`, `none` or `null`"
);

impl Setting for Vec<String> {
    const SHAPE: &'static str = "a list of texts";

    fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
        let Value::List(items) = &node.value else {
            return Err(Wrong::shape::<Self>(node));
        };
        let mut texts = Vec::new();
        let mut wrongs = Vec::new();
        for (position, item) in items.iter().enumerate() {
            match &item.value {
                Value::Text { text, .. } if !text.is_empty() => texts.push(text.clone()),
                _ => wrongs.push(Wrong {
                    origin: item.origin.clone(),
                    below: format!("[{position}]"),
                    message: format!("must be a text, not {}", item.describe()),
                }),
            }
        }
        if wrongs.is_empty() {
            Ok(texts)
        } else {
            Err(wrongs)
        }
    }

    fn show(&self) -> Shown {
        Shown::List(self.clone())
    }
}

impl Setting for RefPatterns {
    const SHAPE: &'static str = "a list of refs, in which `*` stands for any characters";

    fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
        Self::new(Vec::read(node)?).map_err(|pattern| {
            Wrong::at(
                node,
                format!("must be {}; `{pattern}` can match no ref", Self::SHAPE),
            )
        })
    }

    fn show(&self) -> Shown {
        Shown::List(self.as_slice().to_vec())
    }
}

impl Setting for HostPatterns {
    const SHAPE: &'static str = "a list of host names, each perhaps with `*.` before it";

    fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
        Self::new(&Vec::read(node)?).map_err(|pattern| {
            Wrong::at(
                node,
                format!("must be {}; `{pattern}` is no host name", Self::SHAPE),
            )
        })
    }

    fn show(&self) -> Shown {
        Shown::List(self.as_slice().to_vec())
    }
}

impl Setting for Url {
    const SHAPE: &'static str = "a URL";

    fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
        // the text is not repeated: it can hold a password or token
        let url = Url::parse(text::<Self>(node)?);
        url.map_err(|error| Wrong::at(node, format!("must be a URL: {error}")))
    }

    fn show(&self) -> Shown {
        let mut url = self.clone();
        // what stands there is often a token
        if url.query().is_some() {
            url.set_query(Some("****"));
        }
        Shown::Text(url.to_string())
    }
}

impl Setting for Trust {
    const SHAPE: &'static str = "`signed`, `checksum` or `unverified`";

    fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
        word(
            node,
            &[
                ("signed", Self::Signed),
                ("checksum", Self::Checksum),
                ("unverified", Self::Unverified),
            ],
        )
    }

    fn show(&self) -> Shown {
        Shown::Plain(self.as_str().to_owned())
    }
}

impl Setting for BTreeMap<String, Secret> {
    const SHAPE: &'static str = "names of headers with their values";

    fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
        let mut known: Vec<String> = Vec::new();
        secrets(node, Self::SHAPE, |name, value| {
            if !is_token(name) {
                return Err("is no name of a header".to_owned());
            }
            if known.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                return Err("is written twice; case does not matter in a header's name".to_owned());
            }
            let secret = secret(value)?;
            known.push(name.to_owned());
            Ok((name.to_owned(), secret))
        })
    }

    fn show(&self) -> Shown {
        Shown::Table(
            self.iter()
                .map(|(name, value)| (name.clone(), value.masked()))
                .collect(),
        )
    }
}

/// Secrets by name. `entry` makes one of a key and its value, or says what is wrong with it; what `shape` says
/// stands in the error for what is no table at all.
pub(super) fn secrets(
    node: &Node,
    shape: &str,
    mut entry: impl FnMut(&str, &Value) -> Result<(String, Secret), String>,
) -> Result<BTreeMap<String, Secret>, Vec<Wrong>> {
    let table = match &node.value {
        Value::Null => return Ok(BTreeMap::new()),
        Value::Table(table) => table,
        // never the value itself: it may be the secret
        _ => return Err(Wrong::at(node, format!("must be {shape}"))),
    };
    let mut secrets = BTreeMap::new();
    let mut wrongs = Vec::new();
    for written in &table.0 {
        match entry(&written.key, &written.value.value) {
            Ok((name, secret)) => {
                secrets.insert(name, secret);
            }
            Err(message) => wrongs.push(Wrong {
                origin: written.value.origin.clone(),
                below: format!(".{}", written.key),
                message,
            }),
        }
    }
    if wrongs.is_empty() {
        Ok(secrets)
    } else {
        Err(wrongs)
    }
}

/// A secret from the text that stands for it.
pub(super) fn secret(value: &Value) -> Result<Secret, String> {
    match value {
        Value::Text { text, .. } => Secret::parse(text).map_err(|error| error.to_string()),
        _ => Err("must be a text".to_owned()),
    }
}

/// Whether a text can be the name of a header (RFC 9110, 5.6.2).
fn is_token(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(legal)
}
