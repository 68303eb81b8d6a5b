//! One registry: where its index is, what may come from it, and what makes its bytes believable.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use packd_format::error::without_path;
use packd_format::sign::{self, Root};
use url::Url;

use super::section::{Reader, Section, section, within};
use super::{RefPatterns, RegistryUpdates, SandboxLevel, Secret, Trust};

section! {
    /// A place with an index of packs.
    keyed struct Registry {
        /// What the registry is called in messages, requests and drop-ins: lower-case letters, digits,
        /// `_` and `-`, beginning with a letter.
        name: String, check name;
        /// Where its index is: `https://…`, `file:///…`, or `http://…` with `allow_http: true`.
        url: Url, check url;
        /// Registries are asked in this order, lower numbers first.
        priority: u32 = 100, check within!(0, 1_000_000);
        /// Whether it is asked at all.
        enabled: bool = true;
        /// The only packs that may come from here; `*` stands for any characters. Empty: any pack.
        refs: RefPatterns = RefPatterns::default();
        /// Headers of each request to the registry's server. A value may refer to a secret:
        /// `${cred:NAME}` to a credential of the service (`LoadCredential=` of systemd), `${file:/path}`
        /// to a file, `${env:NAME}` to a variable. `$${` is a plain `${`.
        headers: BTreeMap<String, Secret> = BTreeMap::new();
        /// What makes its bytes believable. `signed`: keys that `root` names have signed the index and
        /// the digest of everything in it. `checksum`: the index names one for each archive, and the
        /// archive agrees with it. `unverified`: nothing is demanded.
        trust: Trust = Trust::Checksum;
        /// The root of a signed registry: a file in `keys/` beside the configuration, or a path.
        root: Option<String> = None;
        /// How long after its end what was signed may still be believed, for mirrors without a network.
        max_stale: Duration = Duration::ZERO, check within!(Duration::ZERO, 365 * 24 * 60 * MINUTE);
        /// How old its index may become before it is fetched again.
        refresh: Duration = Duration::from_hours(1), check within!(MINUTE, 365 * 24 * 60 * MINUTE);
        /// Whether the index, and the sources it names, may be plain `http://`.
        allow_http: bool = false;
        /// What the tests of its packs are kept in by, in place of `tests.sandbox`.
        sandbox: Option<SandboxLevel> = None;
        /// `mode` and `allow` for the packs from here, in place of those of `updates`.
        updates: RegistryUpdates = RegistryUpdates::default();
    }
}

const MINUTE: Duration = Duration::from_mins(1);

impl Registry {
    /// A registry with defaults for everything but its name and index.
    #[must_use]
    pub fn new(name: &str, url: Url) -> Self {
        Self {
            name: name.to_owned(),
            url,
            priority: 100,
            enabled: true,
            refs: RefPatterns::default(),
            headers: BTreeMap::new(),
            trust: Trust::Checksum,
            root: None,
            max_stale: Duration::ZERO,
            refresh: Duration::from_hours(1),
            allow_http: false,
            sandbox: None,
            updates: RegistryUpdates::default(),
        }
    }

    /// Reads a registry and what its keys must keep to between them. Roots are looked for in `keys`.
    pub(super) fn read_whole(reader: &mut Reader<'_>, keys: &Path) -> Option<Self> {
        let registry = Self::read(reader);
        let plain = reader
            .text("url")
            .is_some_and(|url| url.starts_with("http:"));
        if plain && reader.text("allow_http") != Some("true") {
            reader.problem(
                "url",
                "is plain http, which needs `allow_http: true` beside it",
            );
            return None;
        }
        if reader.text("trust") == Some("signed") && reader.text("root").is_none() {
            reader.problem("trust", "is `signed`, which needs the `root` beside it");
            return None;
        }
        let mut registry = registry?;
        if let Some(file) = registry.root.take() {
            if registry.trust != Trust::Signed {
                reader.problem("root", "has a meaning with `trust: signed` only");
                return None;
            }
            let path = keys.join(file);
            if let Err(why) = judge_root(&path) {
                reader.problem("root", &why);
                return None;
            }
            registry.root = Some(path.display().to_string());
        }
        Some(registry)
    }
}

/// Whether a file is a root that can be started from.
fn judge_root(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let bytes = read_root(path).map_err(|error| {
        format!(
            "names `{shown}`, which cannot be read: {}",
            without_path(&error)
        )
    })?;
    match Root::parse(&shown.to_string(), &bytes) {
        Ok(_) => Ok(()),
        Err(refused) => Err(format!("names no root: {refused}")),
    }
}

/// The bytes of a root that is pinned, no more of them than a root may have. Blocks.
///
/// # Errors
/// What the system says.
pub(crate) fn read_root(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = super::open_regular(path)?;
    file.take(sign::MAX_ROOT + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn name(name: &String) -> Result<(), String> {
    if is_name(name) {
        Ok(())
    } else {
        Err(format!("must be {NAME_SHAPE}, not `{name}`"))
    }
}

/// What the name of a registry looks like.
pub(super) const NAME_SHAPE: &str =
    "lower-case letters, digits, `_` and `-`, a letter first, at most 64";

/// Whether a text can be the name of a registry.
pub(super) fn is_name(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= 64
        && name.chars().all(legal)
}

fn url(url: &Url) -> Result<(), String> {
    let secret = !url.username().is_empty() || url.password().is_some();
    let message = match url.scheme() {
        "https" | "http" if secret => {
            "must not hold a user or password; put them into `headers`, as `Authorization: \"Basic \
             ${cred:NAME}\"`"
        }
        "file" if url.host().is_some() => "must name a file of this host, as `file:///path`",
        "https" | "http" | "file" => return Ok(()),
        "dir" => "cannot be a `dir:` URL, which is not supported by this version of packd",
        other => {
            return Err(format!(
                "must be an `https`, `http` or `file` URL, not `{other}`"
            ));
        }
    };
    Err(message.to_owned())
}
