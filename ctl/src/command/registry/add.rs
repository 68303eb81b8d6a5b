//! `registry add`: another place that packs come from.

use std::collections::BTreeMap;

use packd_wire::{
    Exit, RefreshRequest, RegistryRequest, RegistryUpdates, Trust, UpdateAllow, UpdateMode,
};

use crate::Ending;
use crate::client::Client;
use crate::output::{Failure, Output};

/// Add a registry, and read its index
///
/// It stays until `packctl registry remove`, also over restarts. What packd.yaml says of a registry of the same name
/// counts instead.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  packctl registry add acme https://packs.acme.example/index.json
  packctl registry add acme https://packs.acme.example/index.json \\
    --ref 'acme_*' --header 'Authorization: Bearer ${cred:acme}'
  packctl registry add acme https://packs.acme.example/index.json --root-fingerprint sha256:…
  packctl registry add local dir:/srv/packs
  packctl registry add acme https://new.acme.example/index.json --replace")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub(crate) struct Add {
    /// What it is called: lower-case letters, digits, `_` and `-`
    #[arg(value_name = "NAME")]
    name: String,

    /// Where its index is: https, file, or http with --allow-http; or `dir:/path`, a folder of packs
    #[arg(value_name = "URL")]
    url: String,

    /// Lower is asked first [default: 100]
    #[arg(long, value_name = "NUMBER")]
    priority: Option<u32>,

    /// The only packs that may come from it; `*` stands for any characters. Can be repeated
    #[arg(long = "ref", value_name = "PATTERN")]
    refs: Vec<String>,

    /// The packs of --ref come from it or from nowhere
    #[arg(long, requires = "refs")]
    exclusive: bool,

    /// A header of each request; the value may be `${cred:NAME}`, `${file:/path}` or `${env:NAME}`. Can be repeated
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(String, String)>,

    /// What makes its bytes believable [default: checksum]
    #[arg(long, value_name = "TRUST", value_parser = trust)]
    trust: Option<Trust>,

    /// With --trust signed: the file of its root, in keys/ beside packd.yaml
    #[arg(long, value_name = "FILE")]
    root: Option<String>,

    /// The fingerprint of its root, by way of which it is signed; the root itself is fetched from it
    #[arg(long, value_name = "SHA256", conflicts_with = "root")]
    root_fingerprint: Option<String>,

    /// How old its index may become, such as 30m or 1d [default: 1h]
    #[arg(long, value_name = "TIME")]
    refresh: Option<String>,

    /// What packd does about newer versions of its packs by itself: auto, notify or off [default: as of all]
    #[arg(long, value_name = "MODE", value_parser = mode)]
    updates: Option<UpdateMode>,

    /// How far from the installed version they may be: patch, compatible or any [default: as of all]
    #[arg(long, value_name = "LEVEL", value_parser = allow)]
    allow: Option<UpdateAllow>,

    /// Allow plain http
    #[arg(long)]
    allow_http: bool,

    /// Do not ask it yet
    #[arg(long)]
    disabled: bool,

    /// Change one of this name that was added before
    #[arg(long)]
    replace: bool,
}

impl Add {
    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let headers: BTreeMap<_, _> = self.headers.into_iter().collect();
        // who names a fingerprint wants it looked at
        let signed = self.root_fingerprint.is_some().then_some(Trust::Signed);
        let updates = RegistryUpdates {
            mode: self.updates,
            allow: self.allow,
        };
        let request = RegistryRequest {
            name: Some(self.name.clone()),
            url: Some(self.url),
            priority: self.priority,
            enabled: self.disabled.then_some(false),
            refs: (!self.refs.is_empty()).then_some(self.refs),
            exclusive: self.exclusive.then_some(true),
            headers: (!headers.is_empty()).then_some(headers),
            trust: self.trust.or(signed),
            root: self.root,
            root_fingerprint: self.root_fingerprint,
            max_stale: None,
            refresh: self.refresh,
            allow_http: self.allow_http.then_some(true),
            sandbox: None,
            updates: (updates != RegistryUpdates::default()).then_some(updates),
        };
        let change = if self.replace {
            client.change_registry(&self.name, &request).await?
        } else {
            client.add_registry(&request).await?
        };
        for warning in &change.warnings {
            out.warn(warning);
        }
        let name = &self.name;
        out.say(&if change.changed {
            format!("registry `{name}` is there")
        } else {
            format!("registry `{name}` is already like this")
        });
        if self.disabled {
            out.show(&change, String::new);
            return Ok(Ending::Exit(Exit::Done));
        }
        // it is there whatever comes of this; whoever adds it wants to know whether it answers
        let request = RefreshRequest {
            registries: vec![name.clone()],
        };
        let mut list = client.refresh(&request).await?;
        list.registries.retain(|registry| registry.name == *name);
        super::show(out, &list);
        Ok(Ending::Exit(super::exit(list.registries.iter())))
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write it as `Name: value`")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn mode(text: &str) -> Result<UpdateMode, String> {
    UpdateMode::ALL
        .into_iter()
        .find(|mode| mode.as_str() == text)
        .ok_or_else(|| "it is `auto`, `notify` or `off`".to_owned())
}

fn allow(text: &str) -> Result<UpdateAllow, String> {
    UpdateAllow::ALL
        .into_iter()
        .find(|allow| allow.as_str() == text)
        .ok_or_else(|| "it is `patch`, `compatible` or `any`".to_owned())
}

fn trust(text: &str) -> Result<Trust, String> {
    [Trust::Checksum, Trust::Unverified, Trust::Signed]
        .into_iter()
        .find(|trust| trust.as_str() == text)
        .ok_or_else(|| "it is `signed`, `checksum` or `unverified`".to_owned())
}
