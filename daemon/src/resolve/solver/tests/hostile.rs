//! Graphs that were made to keep a solver busy, or to make its stack overflow.

use std::cell::Cell;

use packd_format::{PackRef, Requirement};

use super::super::*;
use super::shelf::{Shelf, release};

/// A registry with these packs, each with its releases.
fn registry(packs: impl IntoIterator<Item = (String, Vec<Candidate>)>) -> Shelf {
    let packs = packs
        .into_iter()
        .map(|(name, releases)| (name.parse().unwrap(), releases));
    Shelf {
        registries: vec![("acme".into(), packs.collect())],
        ..Shelf::default()
    }
}

fn install(name: &str) -> Question {
    Question {
        wants: vec![Want::new(name.parse().unwrap(), Requirement::any())],
        ..Question::default()
    }
}

/// `p0` needs `p1`, that needs `p2`, and so on; the last one needs this.
fn chain(length: usize, end: &[&str]) -> Shelf {
    registry((0..length).map(|number| {
        let next = format!("p{}@^1", number + 1);
        let needs = if number + 1 == length {
            end.to_vec()
        } else {
            vec![next.as_str()]
        };
        (format!("p{number}"), vec![release("1.0.0", &needs)])
    }))
}

/// One more pigeon than there are holes, each in a hole of its own: impossible, and to see it takes time beyond all
/// measure.
fn pigeons(holes: usize) -> Shelf {
    let hole = |hole: usize| {
        let releases = (0..=holes).map(|pigeon| release(&format!("{pigeon}.0.0"), &[]));
        (format!("hole{hole}"), releases.collect())
    };
    let pigeon = |pigeon: usize| {
        let releases = (0..holes).map(|hole| {
            let need = format!("hole{hole}@{pigeon}.0.0");
            release(&format!("{hole}.0.0"), &[need.as_str()])
        });
        (format!("pigeon{pigeon}"), releases.collect())
    };
    let names: Vec<String> = (0..=holes)
        .map(|pigeon| format!("pigeon{pigeon}"))
        .collect();
    let needs: Vec<&str> = names.iter().map(String::as_str).collect();
    let loft = ("loft".to_owned(), vec![release("1.0.0", &needs)]);
    registry(
        (0..holes)
            .map(hole)
            .chain((0..=holes).map(pigeon))
            .chain([loft]),
    )
}

/// Runs on a stack that is smaller than that of any thread of the daemon.
fn on_a_small_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(512 << 10);
    thread.spawn(work).unwrap().join().unwrap()
}

#[test]
fn a_chain_of_10_000_packs_is_solved_on_a_small_stack() {
    let (count, first) = on_a_small_stack(|| {
        let never = || false;
        let budget = Budget::of(u64::MAX, usize::MAX, &never);
        let solution = solve(&install("p0"), &chain(10_000, &[]), &budget).unwrap();
        (solution.picks.len(), solution.picks[0].pack_ref.to_string())
    });
    assert_eq!(count, 10_000);
    assert_eq!(first, "p9999", "what is needed comes first");
}

#[test]
fn a_chain_of_10_000_packs_that_leads_nowhere_is_explained_on_a_small_stack() {
    let explanation = on_a_small_stack(|| {
        let never = || false;
        let budget = Budget::of(u64::MAX, usize::MAX, &never);
        match solve(&install("p0"), &chain(10_000, &["lost"]), &budget) {
            Err(Unsolved::Conflict(explanation)) => explanation,
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(
        explanation.summary,
        "`lost` is needed, and no registry offers it"
    );
    assert_eq!(
        explanation.sentences.len(),
        12,
        "an explanation that nobody reads is none"
    );
}

#[test]
fn a_chain_that_is_longer_than_a_plan_may_be_ends_with_an_error() {
    let never = || false;
    let ended = solve(&install("p0"), &chain(10_000, &[]), &Budget::new(&never));
    assert!(
        matches!(ended, Err(Unsolved::Spent(Spent::Packs))),
        "{ended:?}"
    );
}

#[test]
fn a_hard_riddle_ends_when_its_steps_are_spent() {
    let never = || false;
    let budget = Budget::of(1_000, 1_000, &never);
    let ended = solve(&install("loft"), &pigeons(10), &budget);
    assert!(
        matches!(ended, Err(Unsolved::Spent(Spent::Steps))),
        "{ended:?}"
    );
}

#[test]
fn a_hard_riddle_ends_when_time_is_over() {
    let looks = Cell::new(0);
    let is_over = || {
        looks.set(looks.get() + 1);
        looks.get() > 500
    };
    let ended = solve(&install("loft"), &pigeons(10), &Budget::new(&is_over));
    assert!(
        matches!(ended, Err(Unsolved::Spent(Spent::Time))),
        "{ended:?}"
    );
}

#[test]
fn an_easy_riddle_is_seen_to_be_impossible() {
    let never = || false;
    let ended = solve(&install("loft"), &pigeons(3), &Budget::new(&never));
    let Err(Unsolved::Conflict(explanation)) = ended else {
        panic!("{ended:?}");
    };
    assert_eq!(explanation.summary, "what is needed does not go together");
}

#[test]
fn many_releases_that_all_need_something_else_are_no_riddle() {
    let releases = (0..2_000).map(|number| {
        let need = format!("core@{}.0.0", number + 1);
        release(&format!("{number}.0.0"), &[need.as_str()])
    });
    let shelf = registry([
        ("app".to_owned(), releases.collect()),
        ("core".to_owned(), vec![release("1.0.0", &[])]),
    ]);
    let never = || false;
    let solution = solve(&install("app"), &shelf, &Budget::new(&never)).unwrap();
    let picks: Vec<String> = solution
        .picks
        .iter()
        .map(|pick| format!("{} {}", pick.pack_ref, pick.version))
        .collect();
    assert_eq!(picks, ["core 1.0.0", "app 0.0.0"]);
}

#[test]
fn a_large_circle_is_planned() {
    let shelf = chain(2_000, &["p0"]);
    let never = || false;
    let solution = solve(&install("p0"), &shelf, &Budget::new(&never)).unwrap();
    assert_eq!(solution.picks.len(), 2_000);
    let [circle] = solution.circles.as_slice() else {
        panic!("{} circles", solution.circles.len());
    };
    assert_eq!(circle.len(), 2_001);
    assert_eq!(circle.first().map(PackRef::as_str), Some("p0"));
}

#[test]
fn upgrades_that_follow_from_each_other_are_found_in_few_runs() {
    const LENGTH: usize = 200;
    let needs = |number: usize, major: usize| {
        let need = format!("p{}@^{major}", number + 1);
        if number + 1 == LENGTH {
            Vec::new()
        } else {
            vec![need]
        }
    };
    let both = |number: usize| {
        let of = |major: usize| {
            let needs = needs(number, major);
            release(
                &format!("{major}.0.0"),
                &needs.iter().map(String::as_str).collect::<Vec<_>>(),
            )
        };
        (format!("p{number}"), vec![of(1), of(2)])
    };
    let shelf = registry((0..LENGTH).map(both));
    let mut question = install("p0");
    question.wants[0].requirement = Requirement::latest();
    for number in 0..LENGTH {
        let release = both(number).1.swap_remove(0);
        let present = Present {
            version: release.version,
            registry: Some("acme".into()),
            dependencies: release.dependencies,
        };
        question
            .installed
            .insert(format!("p{number}").parse().unwrap(), present);
    }
    let never = || false;
    let budget = Budget::of(20_000, 1_000, &never);
    let solution = solve(&question, &shelf, &budget).unwrap();
    assert_eq!(solution.picks.len(), LENGTH, "each is upgraded");
}
