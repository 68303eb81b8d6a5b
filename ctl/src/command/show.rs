//! `show`: everything about one active pack.

use jiff::Timestamp;
use packd_wire::{ContentsView, Exit, HoldView, PackView, TestStatus};

use crate::Ending;
use crate::client::Client;
use crate::output::table::Fields;
use crate::output::text::{clean, count, moment, quality};
use crate::output::{BOLD, Failure, Output, styled};

/// Show everything about an installed pack
#[derive(Debug, clap::Args)]
#[command(visible_alias = "info")]
pub(crate) struct Show {
    /// The pack
    #[arg(value_name = "REF", add = crate::complete::packs())]
    pack_ref: String,
}

impl Show {
    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let pack = client.pack(&self.pack_ref).await?;
        out.show(&pack, || page(&pack, Timestamp::now()));
        Ok(Ending::Exit(Exit::Done))
    }
}

fn page(pack: &PackView, now: Timestamp) -> String {
    let mut head = styled(BOLD, &clean(&format!("{} {}", pack.pack_ref, pack.version)));
    if let Some(label) = &pack.label {
        head = format!("{head}  {}", clean(label));
    }
    let description = pack
        .description
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    let mut fields = Fields::default();
    fields
        .add("state", pack.state.as_str())
        .add_some("held", pack.hold.as_ref().map(|hold| held(hold, now)))
        .add_some("rolled back", Some(rolled_back(pack, now)))
        .add_some("available", pack.available.as_deref())
        .add(
            "installed",
            format!(
                "{} by {}",
                moment(&pack.installed_at, now),
                pack.installed_by
            ),
        )
        .add(
            "job",
            format!("{}, generation {}", pack.job, pack.generation),
        )
        .add("path", &pack.path)
        .add_some("registry", pack.registry.as_deref())
        .add("source", source(pack))
        .add("verified", verified(pack))
        .add_some("archive", pack.digest.archive.as_deref())
        .add("tree", &pack.digest.tree)
        .add_some("author", pack.author.as_deref())
        .add_some("license", pack.license.as_deref())
        .add_some("keywords", Some(pack.keywords.join(", ")))
        .add_some("contents", Some(contents(pack.contents)))
        .add_some("depends on", Some(pack.dependencies.join(", ")))
        .add_some("required by", Some(pack.required_by.join(", ")))
        .add("tests", tests(pack))
        .add("here", quality(pack.quality))
        .add_some(
            "system",
            pack.system.then_some("yes, removed only with --force"),
        );
    match description {
        Some(text) => format!("{head}\n{}\n\n{}", clean(text), fields.render()),
        None => format!("{head}\n\n{}", fields.render()),
    }
}

/// `passed, 9 of 10, install`: what came of its tests, and when they were run.
fn tests(pack: &PackView) -> String {
    let tests = &pack.tests;
    let Some(trigger) = tests.trigger else {
        return match tests.status {
            TestStatus::Skipped => "skipped when it was installed".to_owned(),
            _ => tests.status.as_str().to_owned(),
        };
    };
    let of = format!("{} of {}", tests.passed, tests.total);
    format!("{}, {of}, {}", tests.status.as_str(), trigger.as_str())
}

/// `until lifted, since 2 days ago by ada: a release is going on`.
fn held(hold: &HoldView, now: Timestamp) -> String {
    let until = match &hold.until {
        Some(until) => format!("until {}", moment(until, now)),
        None => "until it is lifted".to_owned(),
    };
    let text = format!("{until}; since {} by {}", moment(&hold.at, now), hold.by);
    match &hold.reason {
        Some(reason) => format!("{text}: {}", clean(reason)),
        None => text,
    }
}

/// `2.0.0, 3 hours ago by job 17; updates pass it over`: the versions that were gone back from.
fn rolled_back(pack: &PackView, now: Timestamp) -> String {
    let versions = pack.blocked.iter().map(|blocked| {
        let since = moment(&blocked.since, now);
        format!("from {}, {since} by job {}", blocked.version, blocked.job)
    });
    let versions: Vec<String> = versions.collect();
    if versions.is_empty() {
        return String::new();
    }
    format!("{}; updates pass it over", versions.join("; "))
}

fn source(pack: &PackView) -> String {
    let mut text = pack.source.source_type.as_str().to_owned();
    if let Some(url) = &pack.source.url {
        text = format!("{text} {url}");
    }
    if let Some(name) = &pack.source.git_ref {
        text = format!("{text}, {name}");
    }
    if let Some(commit) = &pack.source.commit {
        text = format!("{text}, commit {commit}");
    }
    match &pack.source.path {
        Some(path) => format!("{text}, folder `{path}`"),
        None => text,
    }
}

fn verified(pack: &PackView) -> String {
    use packd_wire::Verification;
    match pack.verified.by {
        Verification::RegistrySignature => "by the registry's signature".to_owned(),
        Verification::RegistryChecksum => "by the registry's checksum".to_owned(),
        Verification::RequestChecksum => "by the checksum in the request".to_owned(),
        Verification::RegistryCommit => "by the commit in the registry's entry".to_owned(),
        Verification::RequestCommit => "by the commit in the request".to_owned(),
        Verification::None => "not at all: nothing said what the bytes must be".to_owned(),
    }
}

fn contents(contents: ContentsView) -> String {
    let ContentsView {
        actions,
        sensors,
        triggers,
        rules,
        workflows,
    } = contents;
    [
        (actions, "action", "actions"),
        (sensors, "sensor", "sensors"),
        (triggers, "trigger", "triggers"),
        (rules, "rule", "rules"),
        (workflows, "workflow", "workflows"),
    ]
    .into_iter()
    .filter(|(number, _, _)| *number > 0)
    .map(|(number, one, many)| count(number.into(), one, many))
    .collect::<Vec<_>>()
    .join(", ")
}

#[cfg(test)]
pub(crate) mod tests;
