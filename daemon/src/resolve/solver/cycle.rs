//! Who needs whom: what comes first, and what goes in a circle.
//!
//! Without recursion: a chain of packs may be longer than the stack is deep.

use std::collections::{HashMap, HashSet, VecDeque};

/// For each node the nodes that it needs.
pub(super) type Graph = [Vec<usize>];

/// The nodes in groups, each after the groups that it needs; those of one group all need each other.
pub(super) fn groups(graph: &Graph) -> Vec<Vec<usize>> {
    const UNSEEN: usize = usize::MAX;
    let mut index = vec![UNSEEN; graph.len()];
    let mut low = vec![0; graph.len()];
    let mut is_open = vec![false; graph.len()];
    let mut open = Vec::new();
    let mut groups = Vec::new();
    let mut next = 0;
    for start in 0..graph.len() {
        if index[start] != UNSEEN {
            continue;
        }
        // each node that is being looked at, and which of its needs is next
        let mut path = vec![(start, 0)];
        while let Some((node, edge)) = path.pop() {
            if edge == 0 {
                index[node] = next;
                low[node] = next;
                next += 1;
                open.push(node);
                is_open[node] = true;
            }
            if let Some(&needed) = graph[node].get(edge) {
                path.push((node, edge + 1));
                if index[needed] == UNSEEN {
                    path.push((needed, 0));
                } else if is_open[needed] {
                    low[node] = low[node].min(index[needed]);
                }
                continue;
            }
            if low[node] == index[node] {
                let at = open
                    .iter()
                    .rposition(|open| *open == node)
                    .unwrap_or_default();
                let group = open.split_off(at);
                for member in &group {
                    is_open[*member] = false;
                }
                groups.push(group);
            }
            if let Some((parent, _)) = path.last() {
                low[*parent] = low[*parent].min(low[node]);
            }
        }
    }
    groups
}

/// A shortest way from a node of a group back to it, the node at both ends; none where the group is no circle.
pub(super) fn circle(graph: &Graph, group: &[usize]) -> Option<Vec<usize>> {
    let start = *group.iter().min()?;
    let members: HashSet<usize> = group.iter().copied().collect();
    let mut from: HashMap<usize, usize> = HashMap::new();
    let mut look_at = VecDeque::from([start]);
    while let Some(node) = look_at.pop_front() {
        for needed in &graph[node] {
            if *needed == start {
                let mut way = vec![start, node];
                let mut at = node;
                while at != start {
                    at = from[&at];
                    way.push(at);
                }
                way.reverse();
                return Some(way);
            }
            if members.contains(needed) && !from.contains_key(needed) {
                from.insert(*needed, node);
                look_at.push_back(*needed);
            }
        }
    }
    None
}
