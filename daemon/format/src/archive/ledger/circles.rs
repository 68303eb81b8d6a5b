//! Links between folders that lead whoever follows them round without end: `a/x -> ../b` and `b/y -> ../a`.
//!
//! No single one of them need lead upwards, so they are seen only together. A way through the tree is a step down into
//! a folder or over a link to one; if the steps make a circle, `cp -rL` and every other walk that follows links
//! never ends.

use std::collections::HashMap;

use super::{FolderLink, Item, Kind};
use crate::tree::path;

/// A step from one folder to another: down, or over the link of this number.
#[derive(Debug, Clone, Copy)]
struct Step {
    to: usize,
    link: Option<usize>,
}

/// How far a folder has been looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Not,
    /// The way that is being looked at leads through it.
    OnTheWay,
    Done,
}

/// The links without which there would be no circle: for each circle that is found, its last link.
pub(super) fn closing<'l, 'a>(
    items: &[Item],
    index: &HashMap<String, usize>,
    links: &'l [FolderLink<'a>],
) -> Vec<&'l FolderLink<'a>> {
    if links.len() < 2 {
        // one link alone would lead to a folder that it lies in, which is refused by itself
        return Vec::new();
    }
    let root = items.len();
    let steps = steps(items, index, links);
    let mut seen = vec![Seen::Not; root + 1];
    let mut closing = vec![false; links.len()];
    // the folders on the way, each with the link that led there and how many of its steps were taken
    let mut way: Vec<(Step, usize)> = vec![(
        Step {
            to: root,
            link: None,
        },
        0,
    )];
    seen[root] = Seen::OnTheWay;
    while let Some((here, taken)) = way.last_mut() {
        let Some(step) = steps[here.to].get(*taken).copied() else {
            seen[here.to] = Seen::Done;
            way.pop();
            continue;
        };
        *taken += 1;
        match seen[step.to] {
            Seen::Done => {}
            Seen::Not => {
                seen[step.to] = Seen::OnTheWay;
                way.push((step, 0));
            }
            Seen::OnTheWay => {
                let mut back = way.iter().rev().take_while(|(on, _)| on.to != step.to);
                let last = step.link.or_else(|| back.find_map(|(on, _)| on.link));
                closing[last.expect("steps down alone make no circle")] = true;
            }
        }
    }
    let found = links.iter().zip(closing);
    found
        .filter_map(|(link, closes)| closes.then_some(link))
        .collect()
}

/// The steps from each folder, by its place in `items`; those from the root come last.
fn steps(
    items: &[Item],
    index: &HashMap<String, usize>,
    links: &[FolderLink<'_>],
) -> Vec<Vec<Step>> {
    let above = |place: &str| {
        place
            .rsplit_once('/')
            .map_or(items.len(), |(folder, _)| index[&path::folded(folder)])
    };
    let mut steps = vec![Vec::new(); items.len() + 1];
    for (to, item) in items.iter().enumerate() {
        if item.kind == Kind::Dir {
            steps[above(&item.path)].push(Step { to, link: None });
        }
    }
    for (number, link) in links.iter().enumerate() {
        steps[above(link.path)].push(Step {
            to: link.folder,
            link: Some(number),
        });
    }
    steps
}
