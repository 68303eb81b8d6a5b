//! Secret keys: where they come from, and the passwords that they are encrypted with.
//!
//! A password never comes from an argument, which every user of the machine could read.

use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minisign::{KeyPair, PublicKey, SecretKey, SecretKeyBox};
use packd_format::error::without_path;
use packd_format::sign::{Key, KeyId};
use packd_wire::Exit;

use super::{must_read, write};
use crate::file::{self, FileError};
use crate::output::Failure;

/// The variable that systemd names the folder of a service's credentials in.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// The longest password, in bytes.
const LONGEST: u64 = 4096;

/// Where the password of secret keys comes from; without any of these, it is asked for on the terminal.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct PasswordArgs {
    /// Read the password from this file; its first line counts
    #[arg(
        id = "password-file",
        long = "password-file",
        value_name = "FILE",
        group = "password"
    )]
    file: Option<PathBuf>,

    /// Read the password from this file descriptor
    #[arg(
        id = "password-fd",
        long = "password-fd",
        value_name = "NUMBER",
        group = "password"
    )]
    fd: Option<u32>,

    /// Read the password from this credential of the service (systemd's `LoadCredential=`)
    #[arg(
        id = "password-credential",
        long = "password-credential",
        value_name = "NAME",
        group = "password"
    )]
    credential: Option<String>,
}

impl PasswordArgs {
    /// The password, asked for once where nothing says where it is.
    fn get(&self, prompt: &str) -> Result<String, Failure> {
        let path = if let Some(path) = &self.file {
            path.clone()
        } else if let Some(number) = self.fd {
            PathBuf::from(format!("/proc/self/fd/{number}"))
        } else if let Some(name) = &self.credential {
            credential(name)?
        } else {
            return ask(prompt);
        };
        let doing = || format!("cannot read the password from `{}`", path.display());
        let mut text = String::new();
        fs_err::File::open(&path)
            .and_then(|file| file.take(LONGEST).read_to_string(&mut text))
            .map_err(|error| Failure::of(Exit::Failed, doing(), &without_path(&error)))?;
        let line = text.lines().next().unwrap_or_default();
        if line.is_empty() {
            return Err(Failure::new(Exit::Failed, doing()).with_hint("there is nothing in it"));
        }
        Ok(line.to_owned())
    }

    /// A password for a new key, which is typed twice.
    pub(super) fn choose(&self) -> Result<String, Failure> {
        let is_typed = self.file.is_none() && self.fd.is_none() && self.credential.is_none();
        let password = self.get("Password for the new keys: ")?;
        if is_typed && ask("The same again: ")? != password {
            return Err(Failure::new(Exit::Usage, "the two passwords differ"));
        }
        Ok(password)
    }
}

fn credential(name: &str) -> Result<PathBuf, Failure> {
    if name.is_empty() || name.contains('/') || name.starts_with('.') {
        let message = format!("`{name}` is no name of a credential");
        return Err(Failure::new(Exit::Usage, message));
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "systemd says by this variable alone where credentials are"
    )]
    let folder = std::env::var_os(CREDENTIALS);
    let folder = folder.ok_or_else(|| {
        Failure::new(Exit::Failed, "this process was given no credentials")
            .with_hint("`LoadCredential=` of a systemd unit gives them to it")
    })?;
    Ok(PathBuf::from(folder).join(name))
}

fn ask(prompt: &str) -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new(
            Exit::Usage,
            "the key has a password, and there is no terminal to ask for it",
        )
        .with_hint("say where it is: --password-file, --password-fd or --password-credential"));
    }
    rpassword::prompt_password(prompt)
        .map_err(|error| Failure::of(Exit::Failed, "cannot read the password", &error))
}

/// The secret keys to sign with.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct KeyArgs {
    /// Secret key to sign with, again for each; - for standard input
    #[arg(long = "key", short, value_name = "FILE", required = true)]
    keys: Vec<PathBuf>,

    #[command(flatten)]
    password: PasswordArgs,
}

impl KeyArgs {
    /// Reads the keys, and asks for the password of those that have one, once.
    pub(super) fn open(&self) -> Result<Vec<Secret>, Failure> {
        let mut password = None;
        let mut secrets: Vec<Secret> = Vec::new();
        for path in &self.keys {
            let secret = Secret::read(path, &self.password, &mut password)?;
            if secrets.iter().any(|other| other.id() == secret.id()) {
                let message = format!("`{}` is the same key as another one", secret.shown());
                return Err(Failure::new(Exit::Usage, message));
            }
            secrets.push(secret);
        }
        Ok(secrets)
    }
}

/// A secret key that can sign.
pub(super) struct Secret {
    key: SecretKey,
    public: Key,
    shown: String,
}

impl Secret {
    fn read(
        path: &Path,
        args: &PasswordArgs,
        password: &mut Option<String>,
    ) -> Result<Self, Failure> {
        let (bytes, shown) = if path == Path::new("-") {
            (file::standard_input()?, "standard input".to_owned())
        } else {
            (must_read(path)?, path.display().to_string())
        };
        let no_key = |error: &dyn std::error::Error| {
            let doing = format!("`{shown}` is no minisign secret key that can be used");
            Failure::of(Exit::Failed, doing, error)
        };
        let text = String::from_utf8(bytes).map_err(|error| no_key(&error))?;
        if let Some(secret) = unencrypted(&text) {
            return Self::of(secret, shown);
        }
        if password.is_none() {
            *password = Some(args.get(&format!("Password of `{shown}`: "))?);
        }
        let secret = SecretKeyBox::from(text)
            .into_secret_key(password.clone())
            .map_err(|error| no_key(&error))?;
        Self::of(secret, shown)
    }

    fn of(secret: SecretKey, shown: String) -> Result<Self, Failure> {
        let unusable = |error: &dyn std::error::Error| {
            Failure::of(Exit::Failed, format!("cannot use the key `{shown}`"), error)
        };
        let public = PublicKey::from_secret_key(&secret).map_err(|error| unusable(&error))?;
        let public = public.to_box().map_err(|error| unusable(&error))?;
        let public = public.to_string().parse();
        let public = public.map_err(|error: packd_format::sign::KeyError| unusable(&error))?;
        Ok(Self {
            key: secret,
            public,
            shown,
        })
    }

    /// Makes a new pair of keys: the secret one at `path`, readable by nobody else, the public one beside it as
    /// `.pub`. Without a password it is not encrypted. Nothing that is there is overwritten.
    pub(super) fn generate(path: &Path, password: Option<&str>) -> Result<Self, Failure> {
        let shown = path.display().to_string();
        let failed = |error: &dyn std::error::Error| {
            Failure::of(
                Exit::Failed,
                format!("cannot make the key `{shown}`"),
                error,
            )
        };
        let open = KeyPair::generate_unencrypted_keypair().map_err(|error| failed(&error))?;
        let public = open
            .pk
            .to_box()
            .map_err(|error| failed(&error))?
            .to_string();
        let comment = format!("minisign secret key of {}", name(path));
        let boxed = match password {
            None => open.sk.to_box(Some(&comment)),
            Some(_) => return Self::generate_encrypted(path, password, &comment),
        };
        let boxed = boxed.map_err(|error| failed(&error))?.to_string();
        Self::keep(path, &boxed, &public)?;
        Self::of(open.sk, shown)
    }

    fn generate_encrypted(
        path: &Path,
        password: Option<&str>,
        comment: &str,
    ) -> Result<Self, Failure> {
        let shown = path.display().to_string();
        let failed = |error: &dyn std::error::Error| {
            Failure::of(
                Exit::Failed,
                format!("cannot make the key `{shown}`"),
                error,
            )
        };
        let password = password.map(ToOwned::to_owned);
        let pair = KeyPair::generate_encrypted_keypair(password.clone());
        let pair = pair.map_err(|error| failed(&error))?;
        let boxed = pair
            .sk
            .to_box(Some(comment))
            .map_err(|error| failed(&error))?;
        let public = pair
            .pk
            .to_box()
            .map_err(|error| failed(&error))?
            .to_string();
        Self::keep(path, &boxed.to_string(), &public)?;
        let secret = boxed.into_secret_key(password);
        Self::of(secret.map_err(|error| failed(&error))?, shown)
    }

    fn keep(path: &Path, secret: &str, public: &str) -> Result<(), Failure> {
        let mut file = fs_err::OpenOptions::new();
        file.write(true).create_new(true);
        fs_err::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
        let mut file = file.open(path).map_err(|error| {
            let exists = error.kind() == io::ErrorKind::AlreadyExists;
            let failure = Failure::from(FileError::io("create", path)(error));
            failure.with_hint_of(exists.then_some("a secret key is never overwritten"))
        })?;
        file.write_all(secret.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(FileError::io("write", path))?;
        write(&public_path(path), public.as_bytes())
    }

    /// The public key.
    pub(super) fn public(&self) -> &Key {
        &self.public
    }

    /// What the key is called.
    pub(super) fn id(&self) -> KeyId {
        self.public.id()
    }

    /// Where it came from.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// A signature of these bytes. `says` is what people read in it.
    pub(super) fn sign(&self, bytes: &[u8], says: &str) -> Result<String, Failure> {
        let comment = format!("signature by packd key {}", self.id().short());
        // with its public half, so that a damaged key signs nothing
        let public = PublicKey::from_base64(self.public.as_str()).ok();
        minisign::sign(
            public.as_ref(),
            &self.key,
            io::Cursor::new(bytes),
            Some(says),
            Some(&comment),
        )
        .map(|signature| signature.to_string())
        .map_err(|error| {
            Failure::of(
                Exit::Failed,
                format!("cannot sign with `{}`", self.shown),
                &error,
            )
        })
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Secret").field(&self.id()).finish()
    }
}

/// Where the public key of a secret one lies: `index.pub` beside `index.key`.
pub(super) fn public_path(secret: &Path) -> PathBuf {
    secret.with_extension("pub")
}

/// The key in a file that is not encrypted. The program of minisign leaves the checksum of such a key empty, which the
/// library takes for damage.
fn unencrypted(text: &str) -> Option<SecretKey> {
    const LENGTH: usize = 158;
    const CHECKSUM: std::ops::Range<usize> = 126..LENGTH;

    let bytes = STANDARD.decode(text.lines().nth(1)?.trim()).ok()?;
    if bytes.len() != LENGTH || bytes[2..4] != [0, 0] {
        return None;
    }
    if bytes[CHECKSUM].iter().all(|byte| *byte == 0) {
        return SecretKey::from_bytes(&bytes).ok();
    }
    SecretKeyBox::from(text.to_owned())
        .into_unencrypted_secret_key()
        .ok()
}

fn name(path: &Path) -> String {
    let name = path.file_stem().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
