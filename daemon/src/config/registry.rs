//! One registry: where its index is, what may come from it, and what makes its bytes believable.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use packd_format::error::without_path;
use packd_format::sign::{self, Root};
use packd_format::{Algorithm, Digest};
use packd_wire::RegistrySettings;
use url::Url;

use super::section::{Reader, Section, section, within};
use super::units::write_duration;
use super::{RefPatterns, RegistryUpdates, SandboxLevel, Secret, Trust};

section! {
    /// A place with an index of packs.
    keyed struct Registry {
        /// What the registry is called in messages, requests and drop-ins: lower-case letters, digits,
        /// `_` and `-`, beginning with a letter.
        name: String, check name;
        /// Where its index is: `https://…`, `file:///…`, or `http://…` with `allow_http: true`. Or
        /// `dir:/path`: a folder of packs, as folders or archives, whose index packd makes itself.
        url: Url, check url;
        /// Registries are asked in this order, lower numbers first.
        priority: u32 = 100, check within!(0, 1_000_000);
        /// Whether it is asked at all.
        enabled: bool = true;
        /// The only packs that may come from here; `*` stands for any characters. Empty: any pack.
        refs: RefPatterns = RefPatterns::default();
        /// Whether the packs that `refs` names come from here or from nowhere: no other registry answers for
        /// them, also while this one cannot be asked, is disabled, or has no such pack.
        exclusive: bool = false;
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
        /// In place of `root`: the fingerprint of the root, as `packctl root fingerprint` prints it. The root
        /// itself is fetched from the registry, and believed if it has this fingerprint.
        root_fingerprint: Option<String> = None, check fingerprint;
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
            exclusive: false,
            headers: BTreeMap::new(),
            trust: Trust::Checksum,
            root: None,
            root_fingerprint: None,
            max_stale: Duration::ZERO,
            refresh: Duration::from_hours(1),
            allow_http: false,
            sandbox: None,
            updates: RegistryUpdates::default(),
        }
    }

    /// How it is asked, where that is not as usual: for people, without what its headers say.
    #[must_use]
    pub fn settings(&self) -> RegistrySettings {
        let usual = Self::new(&self.name, self.url.clone());
        let unless =
            |span: Duration, usual: Duration| (span != usual).then(|| write_duration(span));
        RegistrySettings {
            headers: self.headers.keys().cloned().collect(),
            root: self.root.clone(),
            root_fingerprint: self.root_fingerprint.clone(),
            max_stale: unless(self.max_stale, usual.max_stale),
            refresh: unless(self.refresh, usual.refresh),
            allow_http: self.allow_http,
            sandbox: self.sandbox.map(|level| level.as_str().to_owned()),
            updates: (self.updates != usual.updates).then_some(self.updates),
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
        let has_root = reader.text("root").is_some();
        let has_fingerprint = reader.text("root_fingerprint").is_some();
        if reader.text("trust") == Some("signed") && !has_root && !has_fingerprint {
            let message = "is `signed`, which needs the `root` or the `root_fingerprint` beside it";
            reader.problem("trust", message);
            return None;
        }
        if has_root && has_fingerprint {
            reader.problem("root_fingerprint", "has no meaning beside a `root`");
            return None;
        }
        let mut registry = registry?;
        if registry.root_fingerprint.is_some() && registry.trust != Trust::Signed {
            reader.problem(
                "root_fingerprint",
                "has a meaning with `trust: signed` only",
            );
            return None;
        }
        if registry.exclusive && registry.refs.as_slice().is_empty() {
            let message = "is `true`, which needs the `refs` beside it that come from nowhere else";
            reader.problem("exclusive", message);
            return None;
        }
        if registry.url.scheme() == "dir" && registry.trust == Trust::Signed {
            reader.problem(
                "trust",
                "cannot be `signed`: a folder of packs has no index that somebody could sign",
            );
            return None;
        }
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

#[expect(clippy::ref_option, reason = "a check is given its value so")]
fn fingerprint(text: &Option<String>) -> Result<(), String> {
    let Some(text) = text else {
        return Ok(());
    };
    match text.parse::<Digest>() {
        Ok(digest) if digest.algorithm() == Algorithm::Sha256 && digest.to_string() == *text => {
            Ok(())
        }
        _ => Err("must be `sha256:` and 64 hexadecimal digits in small letters".to_owned()),
    }
}

fn url(url: &Url) -> Result<(), String> {
    let secret = !url.username().is_empty() || url.password().is_some();
    let message = match url.scheme() {
        "https" | "http" if secret => {
            "must not hold a user or password; put them into `headers`, as `Authorization: \"Basic \
             ${cred:NAME}\"`"
        }
        "file" if url.host().is_some() => "must name a file of this host, as `file:///path`",
        "dir" if url.to_file_path().is_err() => {
            "must name a folder of this host by its whole path, as `dir:/srv/packs`"
        }
        "https" | "http" | "file" | "dir" => return Ok(()),
        other => {
            return Err(format!(
                "must be an `https`, `http`, `file` or `dir` URL, not `{other}`"
            ));
        }
    };
    Err(message.to_owned())
}
