//! `generations`: what changed and when, and which generations are kept for ever.

use jiff::Timestamp;
use packd_wire::{
    ChangeAction, DiffQuery, Exit, GenerationChange, GenerationDetail, GenerationDiff,
    GenerationList, GenerationView, GenerationsQuery, PinRequest,
};

use super::told::Told;
use crate::Ending;
use crate::client::Client;
use crate::output::table::{Fields, Table, or_dash};
use crate::output::text::{ago, clean, count, moment};
use crate::output::{BOLD, Failure, Output, Width, styled};

/// How many changes of a generation are named in its line.
const NAMED: usize = 4;

/// Show what changed and when, and keep the ways back
///
/// Each change of the packs of this host makes a generation: the whole set of active packs. Without a command they are
/// listed, the newest first. `packctl rollback` goes back to one.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  packctl generations
  packctl generations diff 40 42
  packctl generations pin 40 --reason 'before the move'"
)]
pub(crate) struct Generations {
    #[command(subcommand)]
    what: Option<What>,

    #[command(flatten)]
    list: List,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List generations, the newest first
    #[command(visible_alias = "ls")]
    List(List),
    /// Show a generation with its packs
    Show(Show),
    /// Show what is different from one generation to another
    Diff(Diff),
    /// Keep generations for ever
    Pin(Pin),
    /// Keep generations only as long as others
    Unpin(Unpin),
}

#[derive(Debug, clap::Args)]
struct List {
    /// Show at most this many
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,

    /// Only generations older than this one
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    before: Option<i64>,
}

#[derive(Debug, clap::Args)]
struct Show {
    /// The generation
    #[arg(value_name = "NUMBER", value_parser = number)]
    number: i64,
}

#[derive(Debug, clap::Args)]
struct Diff {
    /// The generation that is compared
    #[arg(value_name = "FROM", value_parser = number)]
    from: i64,

    /// The generation to compare with; the current one unless said
    #[arg(value_name = "TO", value_parser = number)]
    to: Option<i64>,
}

#[derive(Debug, clap::Args)]
struct Pin {
    /// The generations
    #[arg(required = true, value_name = "NUMBER", value_parser = number)]
    numbers: Vec<i64>,

    /// What for, for whoever wonders
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Unpin {
    /// The generations
    #[arg(required = true, value_name = "NUMBER", value_parser = number)]
    numbers: Vec<i64>,
}

/// The number of a generation, as it is typed.
///
/// # Errors
/// What a number is, and where to find one.
pub(crate) fn number(text: &str) -> Result<i64, &'static str> {
    text.parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or("a generation is named by its number, which `packctl generations` shows")
}

impl Generations {
    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        match self.what {
            None => self.list.run(client, out).await,
            Some(What::List(verb)) => verb.run(client, out).await,
            Some(What::Show(verb)) => {
                let detail = client.generation(verb.number).await?;
                let width = out.width();
                out.show(&detail, || page(&detail, Timestamp::now(), width));
                Ok(Ending::Exit(Exit::Done))
            }
            Some(What::Diff(verb)) => verb.run(client, out).await,
            Some(What::Pin(verb)) => verb.run(client, out).await,
            Some(What::Unpin(verb)) => verb.run(client, out).await,
        }
    }
}

impl List {
    async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let query = GenerationsQuery {
            before: self.before,
            limit: Some(self.limit),
        };
        let list = client.generations(&query).await?;
        if list.generations.is_empty() {
            out.say("there is no such generation");
        }
        let width = out.width();
        out.show_list(&list, &list.generations, || {
            table(&list, Timestamp::now(), width)
        });
        if let Some(next) = list.next {
            out.hint(&format!(
                "there are older ones: packctl generations --before {next}"
            ));
        }
        Ok(Ending::Exit(Exit::Done))
    }
}

impl Diff {
    async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let query = DiffQuery { to: self.to };
        let diff = client.generation_diff(self.from, &query).await?;
        if diff.changes.is_empty() {
            let GenerationDiff { from, to, .. } = diff;
            out.say(&format!("generations {from} and {to} have the same packs"));
        }
        let width = out.width();
        out.show_list(&diff, &diff.changes, || changes(&diff.changes, width));
        Ok(Ending::Exit(Exit::Done))
    }
}

impl Pin {
    async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let request = PinRequest {
            reason: self.reason,
        };
        let mut told = Told::new();
        for number in self.numbers {
            told.take(out, client.pin(number, &request).await, |one| {
                format!("generation {} is kept for ever", one.number)
            });
        }
        Ok(end(told, out))
    }
}

impl Unpin {
    async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let mut told = Told::new();
        for number in self.numbers {
            told.take(out, client.unpin(number).await, |one| {
                format!("generation {} is kept as long as others", one.number)
            });
        }
        Ok(end(told, out))
    }
}

/// Says what came of generations that a verb names.
fn end(told: Told<GenerationView>, out: &mut Output) -> Ending {
    told.end(out, |generations| GenerationList {
        generations,
        next: None,
    })
}

/// A line per generation; no header without any.
fn table(list: &GenerationList, now: Timestamp, width: Width) -> String {
    if list.generations.is_empty() {
        return String::new();
    }
    let mut table = Table::new([
        "GENERATION",
        "WHEN",
        "BY",
        "JOB",
        "PACKS",
        "NOTE",
        "CHANGES",
    ]);
    for one in &list.generations {
        let when = one.activated_at.as_deref();
        table.row([
            one.number.to_string().into(),
            when.map_or_else(|| "-".into(), |at| ago(at, now).into()),
            or_dash(one.by.as_deref()),
            one.job.to_string().into(),
            one.packs.to_string().into(),
            or_dash(Some(&note(one))),
            in_words(&one.changes).into(),
        ]);
    }
    table.keep(5, list.generations.iter().any(|one| !note(one).is_empty()));
    table.render(width)
}

/// `current, pinned`
fn note(one: &GenerationView) -> String {
    let notes = [(one.current, "current"), (one.pin.is_some(), "pinned")];
    let notes = notes.iter().filter(|(holds, _)| *holds);
    notes.map(|(_, note)| *note).collect::<Vec<_>>().join(", ")
}

/// `slack 2.0.0 -> 1.0.0, teams 1.0.0 installed`
fn in_words(changes: &[GenerationChange]) -> String {
    let words = changes.iter().take(NAMED).map(|change| {
        let name = &change.pack_ref;
        let from = change.from.as_deref().unwrap_or("?");
        let to = change.to.as_deref().unwrap_or("?");
        match change.action {
            ChangeAction::Install => format!("{name} {to} installed"),
            ChangeAction::Remove => format!("{name} {from} removed"),
            ChangeAction::Upgrade | ChangeAction::Downgrade => format!("{name} {from} -> {to}"),
            ChangeAction::Reinstall | ChangeAction::Keep => format!("{name} {to} installed again"),
        }
    });
    let mut text = words.collect::<Vec<_>>().join(", ");
    let more = changes.len().saturating_sub(NAMED);
    if more > 0 {
        text = format!("{text} and {more} more");
    }
    if text.is_empty() {
        "nothing".to_owned()
    } else {
        text
    }
}

/// A line per pack that is not the same.
fn changes(changes: &[GenerationChange], width: Width) -> String {
    if changes.is_empty() {
        return String::new();
    }
    let mut table = Table::new(["REF", "CHANGE", "FROM", "TO"]);
    for change in changes {
        table.row([
            change.pack_ref.as_str().into(),
            change.action.as_str().into(),
            or_dash(change.from.as_deref()),
            or_dash(change.to.as_deref()),
        ]);
    }
    table.render(width)
}

fn page(detail: &GenerationDetail, now: Timestamp, width: Width) -> String {
    let one = &detail.generation;
    let mut head = styled(BOLD, &format!("generation {}", one.number));
    if one.current {
        head.push_str("  current");
    }
    let when = one.activated_at.as_deref().map(|at| moment(at, now));
    let job = match &one.summary {
        Some(summary) => format!("{}, {summary}", one.job),
        None => one.job.to_string(),
    };
    let pinned = one.pin.as_ref().map(|pin| {
        let text = format!("{} by {}", moment(&pin.at, now), pin.by);
        match &pin.reason {
            Some(reason) => format!("{text}: {reason}"),
            None => text,
        }
    });
    let mut fields = Fields::default();
    fields
        .add_some("activated", when)
        .add_some("by", one.by.as_deref())
        .add("job", job)
        .add_some("pinned", pinned)
        .add_some("after", one.base.map(|base| format!("generation {base}")))
        .add("changes", in_words(&one.changes))
        .add("packs", count(one.packs, "pack", "packs"));
    let mut text = format!("{head}\n\n{}", fields.render());
    if !detail.packs.is_empty() {
        let mut table = Table::new(["REF", "VERSION", "REGISTRY"]);
        for pack in &detail.packs {
            table.row([
                clean(&pack.pack_ref),
                clean(&pack.version),
                or_dash(pack.registry.as_deref()),
            ]);
        }
        text = format!("{text}\n{}", table.render(width));
    }
    text
}

#[cfg(test)]
mod tests;
