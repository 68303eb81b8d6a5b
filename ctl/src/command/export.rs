//! `export`: the packs of this host, with everything that it takes to have the same ones elsewhere.

use std::path::PathBuf;

use packd_wire::{
    Desired, DesiredHold, DesiredPack, Exit, HoldRequest, HoldView, PackState, PackView,
    RegistryView, SourceType,
};

use super::packs_file::{DesiredRegistry, Headers, PacksFile};
use crate::Ending;
use crate::args::Format;
use crate::client::Client;
use crate::file::{FileError, Locked};
use crate::output::{Failure, Output};

/// Write what this host has as a file that `apply -f` reads
///
/// The packs with their exact versions, digests and sources, holds, and the registries without what their headers say.
/// The same packs give the same bytes. A pack that came as an archive which a client sent has no source: the file says so.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  packctl export -o packs.yaml                   on one host
  packctl apply -f packs.yaml --check --diff     on another: what would change
  packctl apply -f packs.yaml --prune            the same packs there, to the byte, and no others")]
pub(crate) struct Export {
    /// Where to write; --output FILE is the same, unless it is the name of a format [default: standard output]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Export {
    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let packs = client.packs().await?.packs;
        let registries = client.registries().await?.registries;
        for pack in &packs {
            if pack.source.source_type == SourceType::Upload {
                out.warn(&format!(
                    "`{}` {} came from a client, and can be brought from nowhere: another host needs the archive",
                    pack.pack_ref, pack.version
                ));
            }
            if !matches!(pack.state, PackState::Ok) {
                out.warn(&format!(
                    "`{}` {} is not as it was installed; what is written is what it was then",
                    pack.pack_ref, pack.version
                ));
            }
        }
        let file = PacksFile {
            registries: registries.iter().map(registry).collect(),
            packs: packs.iter().map(pack).collect(),
        };
        let text = text(&file)?;
        match self.file {
            None if matches!(out.format(), Format::Human | Format::Yaml) => out.data(&text),
            None => out.show(&file, String::new),
            Some(path) => {
                let locked = Locked::new(&path)?;
                locked.replace(|to| {
                    to.write_all(text.as_bytes())
                        .map_err(FileError::io("write", &path))
                })?;
                out.done(&format!("`{}` has {} packs", path.display(), packs.len()));
            }
        }
        Ok(Ending::Exit(Exit::Done))
    }
}

/// The document, with what a reader should know above it.
fn text(file: &PacksFile) -> Result<String, Failure> {
    let yaml = serde_yaml::to_string(file)
        .map_err(|error| Failure::of(Exit::Failed, "cannot write the packs as YAML", &error))?;
    let secret = file.registries.iter();
    let secret = secret.filter(|(_, registry)| registry.headers.is_some());
    let sent = file.packs.iter().filter(|(_, pack)| pack.pack().uploaded);
    let above = [
        Some(
            "The packs of a host. `packctl apply -f FILE` makes another one have them.".to_owned(),
        ),
        note(
            "What the headers of these registries say is not in it",
            secret.map(|(name, _)| name),
        ),
        note(
            "These came from a client, and cannot be brought from anywhere",
            sent.map(|(name, _)| name),
        ),
    ];
    let lines = above.iter().flatten().map(|line| format!("# {line}\n"));
    Ok(lines.collect::<String>() + &yaml)
}

/// `words: a, b.`; nothing without names.
fn note<'a>(words: &str, names: impl Iterator<Item = &'a String>) -> Option<String> {
    let names: Vec<&str> = names.map(String::as_str).collect();
    (!names.is_empty()).then(|| format!("{words}: {}.", names.join(", ")))
}

fn registry(view: &RegistryView) -> (String, DesiredRegistry) {
    let settings = &view.settings;
    let names = settings.headers.clone();
    let desired = DesiredRegistry {
        url: view.url.clone(),
        priority: (view.priority != 100).then_some(view.priority),
        enabled: (!view.enabled).then_some(false),
        refs: (!view.refs.is_empty()).then(|| view.refs.clone()),
        exclusive: view.exclusive.then_some(true),
        headers: (!names.is_empty()).then_some(Headers::Named(names)),
        trust: Some(view.trust),
        root: settings.root.clone(),
        root_fingerprint: settings.root_fingerprint.clone(),
        max_stale: settings.max_stale.clone(),
        refresh: settings.refresh.clone(),
        allow_http: settings.allow_http.then_some(true),
        sandbox: settings.sandbox.clone(),
        updates: settings.updates,
    };
    (view.name.clone(), desired)
}

fn pack(view: &PackView) -> (String, Desired) {
    let source = &view.source;
    let is_upload = source.source_type == SourceType::Upload;
    let desired = DesiredPack {
        version: Some(view.version.clone()),
        registry: view.registry.clone(),
        source: source.url.clone().filter(|_| view.registry.is_none()),
        git_ref: source.commit.clone(),
        path: source.path.clone(),
        checksum: view.digest.archive.clone(),
        tree: Some(view.digest.tree.clone()),
        uploaded: is_upload,
        hold: view.hold.as_ref().map(hold),
    };
    (view.pack_ref.clone(), desired.into())
}

fn hold(view: &HoldView) -> DesiredHold {
    let HoldView { until, reason, .. } = view;
    if until.is_none() && reason.is_none() {
        return DesiredHold::Is(true);
    }
    DesiredHold::Until(HoldRequest {
        until: until.clone(),
        reason: reason.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::show::tests::pack as view;

    #[test]
    fn the_document_names_what_it_cannot_have() {
        let mut sent = view("slack", "2.1.0");
        sent.registry = None;
        sent.source.source_type = SourceType::Upload;
        let file = PacksFile {
            packs: [pack(&sent)].into(),
            ..PacksFile::default()
        };
        let text = text(&file).expect("written");
        assert!(text.contains("uploaded: true"), "{text}");
        assert!(text.contains("cannot be brought"), "{text}");
    }
}
