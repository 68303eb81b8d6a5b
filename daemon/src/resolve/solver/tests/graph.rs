//! Groups and circles of graphs.

use proptest::prelude::*;

use super::super::cycle::{circle, groups};

/// Whether there is a way of at least one step from one node to another.
fn leads(graph: &[Vec<usize>], from: usize, to: usize) -> bool {
    let mut seen = vec![false; graph.len()];
    let mut look_at = graph[from].clone();
    while let Some(node) = look_at.pop() {
        if node == to {
            return true;
        }
        if !std::mem::replace(&mut seen[node], true) {
            look_at.extend(&graph[node]);
        }
    }
    false
}

#[test]
fn what_is_needed_comes_first() {
    // 0 needs 1 and 2, both need 3
    let graph = [vec![1, 2], vec![3], vec![3], vec![]];
    assert_eq!(groups(&graph), [[3], [1], [2], [0]]);
}

#[test]
fn a_circle_is_shown_as_the_way_back() {
    let graph = [vec![1], vec![2, 3], vec![0], vec![0, 1]];
    let [group] = groups(&graph).try_into().unwrap();
    assert_eq!(circle(&graph, &group).unwrap(), [0, 1, 2, 0]);
}

#[test]
fn a_long_chain_and_a_long_circle_need_no_deep_stack() {
    let chain: Vec<Vec<usize>> = (1..=100_000).map(|next| vec![next % 100_000]).collect();
    let small = std::thread::Builder::new().stack_size(256 << 10);
    let count = small
        .spawn(move || groups(&chain).len())
        .unwrap()
        .join()
        .unwrap();
    assert_eq!(count, 1, "the last needs the first");
}

proptest! {
    #[test]
    fn groups_are_those_who_need_each_other(
        graph in prop::collection::vec(prop::collection::vec(0_usize..8, 0..4), 8)
    ) {
        let groups = groups(&graph);
        let place = |node: usize| groups.iter().position(|group| group.contains(&node)).unwrap();
        prop_assert_eq!(groups.iter().map(Vec::len).sum::<usize>(), graph.len());
        for a in 0..graph.len() {
            for b in (0..graph.len()).filter(|b| *b != a) {
                let together = leads(&graph, a, b) && leads(&graph, b, a);
                prop_assert_eq!(place(a) == place(b), together);
                if leads(&graph, a, b) {
                    prop_assert!(place(b) <= place(a), "{} needs {}", a, b);
                }
            }
        }
        for group in groups.iter().filter(|group| group.len() > 1) {
            let way = circle(&graph, group).unwrap();
            prop_assert_eq!(way.first(), way.last());
            prop_assert!(way.windows(2).all(|step| graph[step[0]].contains(&step[1])));
        }
    }
}
