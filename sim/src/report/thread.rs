//! The play of one key among all that happens.
//!
//! Most lines of it name the key. The others are told by what came before them: a client that asked about the key waits
//! for its answer, and a node that wrote something of it waits for a flush.

use std::collections::BTreeSet;

/// What has been seen of a key so far.
#[derive(Debug)]
pub(super) struct Thread {
    key: String,
    /// Clients that have asked about it, and were not answered yet. A client asks one thing at a time.
    asking: BTreeSet<String>,
    /// Nodes that have written something of it since all they had written was flushed.
    unflushed: BTreeSet<String>,
}

impl Thread {
    /// The thread of a key, before anything has happened.
    pub(super) fn of(key: &str) -> Thread {
        Thread {
            key: key.to_owned(),
            asking: BTreeSet::new(),
            unflushed: BTreeSet::new(),
        }
    }

    /// Whether a line belongs to the play. Lines are shown in the order of their events, and none is left out.
    pub(super) fn takes(&mut self, node: &str, line: &str) -> bool {
        let is_named = words(line).any(|word| word == self.key);
        if line.starts_with("asks ") {
            self.asking.remove(node);
            if is_named {
                self.asking.insert(node.to_owned());
            }
        }
        if is_named && line.starts_with("writes ") {
            self.unflushed.insert(node.to_owned());
        }
        let flush = line.starts_with("flushed") || line.starts_with("a flush ");
        // Whom a message is for or from stands before its text, which may name others.
        let head = line.split(':').next().unwrap_or_default();
        let takes = is_named
            || self.asking.contains(node)
            || words(head).any(|word| self.asking.contains(word))
            || flush && self.unflushed.contains(node);
        let goes_down = line.starts_with("goes down");
        if goes_down || line.starts_with("answers #") {
            self.asking.remove(node);
        }
        if goes_down || line == "flushed, 0 writes wait" {
            self.unflushed.remove(node);
        }
        takes
    }
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of these lines of nodes, those that belong to the play of k7.
    fn play<'a>(lines: &[&'a str]) -> Vec<&'a str> {
        let mut thread = Thread::of("k7");
        let takes = |line: &&str| {
            let (node, line) = line.split_once(' ').unwrap();
            thread.takes(node, line)
        };
        lines.iter().copied().filter(takes).collect()
    }

    #[test]
    fn what_a_client_asks_is_followed_until_it_is_answered() {
        let followed = [
            "c1 asks #4: put k7=v1",
            "c1 -> n1: ask 3: put k7=v1",
            "n1 redirects c1",
            "n1 -> c1: redirect 3, no leader known",
            "c1 fires Retry",
            "n2 -> c1, lost: answer 3: written @9",
            "c1 answers #4: written @9",
        ];
        assert_eq!(play(&followed), followed);
        assert_eq!(
            play(&["c1 asks #4: get k7", "c1 answers #4: found", "c1 starts"]).len(),
            2
        );
        assert_eq!(
            play(&["c1 asks #4: get k7", "c1 goes down", "c1 starts"]).len(),
            2
        );
        assert_eq!(
            play(&["c1 asks #4: get k70", "n1 -> c1: answer 3: found"]),
            [""; 0]
        );
    }

    #[test]
    fn what_was_written_is_followed_until_nothing_waits_for_a_flush() {
        let lines = [
            "n1 flushed, 0 writes wait",
            "n1 writes entries from 3: c1/1 put k7=v1 of term 1",
            "n2 flushed, 1 writes wait",
            "n1 flushed, 1 writes wait",
            "n1 a flush fails",
            "n1 flushed, 0 writes wait",
            "n1 flushed, 0 writes wait",
        ];
        assert_eq!(play(&lines), [lines[1], lines[3], lines[4], lines[5]]);
        assert_eq!(
            play(&[lines[1], "n1 goes down, 1 writes not flushed", lines[5]]),
            [lines[1]]
        );
    }

    #[test]
    fn what_a_message_carries_for_others_is_not_of_the_key() {
        let lines = [
            "c1 asks #4: get k7",
            "n1 -> n2: append term 1, after 3@1: c1/2 put k8=v1, commit 3, round 1",
            "n1 -> n2: append term 1, after 3@1: c2/2 put k8=v1; c3/2 put k7=v2, commit 3, round 1",
        ];
        assert_eq!(play(&lines), [lines[0], lines[2]]);
    }
}
