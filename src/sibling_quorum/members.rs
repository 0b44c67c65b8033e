//! The main's side of members that come and go: `registerSibling`, removal, and the copy that a sibling is forced to take.
//!
//! A change of the list is asked of the controllers only when a quorum of the old list and one of the new have all that
//! was ever accepted, and meanwhile both must confirm what is new: whichever list a controller finds in the register,
//! every accepted update is at enough of its siblings.

use std::collections::BTreeMap;

use super::SiblingQuorum;
use super::charter::CopyId;
use super::log::{Entries, Position, Seq};
use super::message::{Timer, Word};
use super::note::Note;
use super::options::Options;
use super::progress::{Progress, Stage};
use super::quorum::{MAX_SIBLINGS, accept_quorum};
use super::replica::{Replica, Standing};
use crate::{NodeId, Now, Outbox, Span};

/// A change of the list of siblings that is under way.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Change {
    /// The list to come: with or without `node`, or the same if a sibling is to count again.
    pub siblings: Vec<NodeId>,
    /// Who comes or goes.
    pub node: NodeId,
    /// Everything that was ever accepted stands up to here: it must be at a quorum of the list to come; and if that is
    /// the same, at the sibling itself, which may have been one of those who held it.
    since: Seq,
    /// Whether the controllers were ever asked: from then on it may be recorded, and cannot be taken back.
    is_out: bool,
    /// Whether they were asked since the last heartbeat.
    asked: bool,
}

impl Change {
    /// Asks again with the next occasion.
    pub(super) fn ask_again(&mut self) {
        self.asked = false;
    }
}

impl Replica {
    /// What siblings, newcomers and controllers say to a main.
    pub(super) fn on_word_to_main(
        &mut self,
        now: Now,
        from: NodeId,
        word: Word,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let Some(mine) = self.reigns() else {
            return;
        };
        match word {
            Word::Confirmed {
                epoch,
                matched,
                executed,
                hash,
                copy,
            } if epoch == mine => {
                self.on_confirmed(now, from, (matched, executed, hash), copy, out);
            }
            Word::Lacking { epoch, prev, hint } if epoch == mine => {
                self.on_lacking(from, prev, hint, out);
            }
            Word::Copied { copy, part } => self.on_copied(from, copy, part, out),
            Word::Replayed { copy, upto } => self.on_replayed(from, copy, upto, out),
            Word::Live { copy, at } => self.on_live(now, from, copy, at, out),
            Word::Leased { epoch, renewal } => self.on_leased(now, epoch, renewal, out),
            Word::AddSibling { node, anew } => self.on_add_sibling(node, anew, out),
            Word::RemoveSibling(node) => self.on_remove_sibling(node, out),
            Word::Admitted {
                epoch,
                list,
                siblings,
                copies,
            } if epoch == mine => {
                self.on_admitted(now, list, (siblings, copies), out);
            }
            // Of another epoch, or meant for controllers and users.
            _ => {}
        }
    }

    fn on_add_sibling(&mut self, node: NodeId, anew: bool, out: &mut Outbox<SiblingQuorum>) {
        let (me, patience) = (self.me, self.config.options.again);
        let next = self.durable.log.last().seq.next();
        let Standing::Main(office) = &mut self.standing else {
            return;
        };
        let known = office.followers.iter().any(|one| one.id == node);
        // All controllers pass on what a node says: the copy has just begun.
        let begun =
            |one: &Progress| one.id == node && matches!(one.stage, Stage::Copying { part: 0, .. });
        if office.followers.iter().any(begun) {
            return;
        }
        match known {
            // It is under way, or done.
            true if !anew => return,
            true => {}
            false if node == me || office.followers.len() >= MAX_SIBLINGS => return,
            false => {
                let stage = Stage::Live;
                let newcomer = Progress::new(node, stage, next, patience);
                office.followers.push(newcomer);
            }
        }
        self.copy_anew(node, out);
    }

    /// Begins to copy everything to a node, which does not count until that is done. The recording begins first.
    pub(super) fn copy_anew(&mut self, node: NodeId, out: &mut Outbox<SiblingQuorum>) {
        let (accepted, patience) = (self.accepted, self.config.options.again);
        let Standing::Main(office) = &mut self.standing else {
            return;
        };
        office.runs += 1;
        let (epoch, run) = (office.epoch, office.runs);
        office
            .change
            .take_if(|change| change.node == node && !change.is_out);
        let Some(newcomer) = office.follower(node) else {
            return;
        };
        out.note(Note::Copies(node));
        newcomer.matched = Seq(0);
        newcomer.patience = patience;
        newcomer.copy = CopyId { epoch, run };
        newcomer.stage = Stage::Copying {
            from: accepted,
            part: 0,
            behind: None,
            sent: None,
        };
        self.send_part(node, out);
    }

    /// Sends the part that a newcomer has not confirmed.
    fn send_part(&mut self, node: NodeId, out: &mut Outbox<SiblingQuorum>) {
        let (limit, upto) = (self.config.options.copy_batch, self.accepted);
        let Standing::Main(office) = &mut self.standing else {
            return;
        };
        let oath = office.oath.is_some();
        let Some(newcomer) = office.follower(node) else {
            return;
        };
        let copy = newcomer.copy;
        let Stage::Copying {
            part, behind, sent, ..
        } = &mut newcomer.stage
        else {
            return;
        };
        if !oath {
            // Where a part ends is decided once: what is sent again may be newer, but it covers the same keys.
            let end = *sent.get_or_insert_with(|| self.machine.end_of_part(*behind, limit));
            let (copies, last) = (self.machine.copies(*behind, end), end.is_none());
            let word = Word::Copy {
                copy,
                part: *part,
                copies,
                upto,
                last,
            };
            self.say(node, word, out);
        }
        self.expect(node, out);
    }

    fn on_copied(
        &mut self,
        from: NodeId,
        copy: CopyId,
        part: u64,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let first = self.rules().record_first;
        let accepted = self.accepted;
        let Standing::Main(office) = &mut self.standing else {
            return;
        };
        let Some(newcomer) = office.follower(from) else {
            return;
        };
        let this = newcomer.copy;
        let Stage::Copying {
            from: recorded,
            part: awaited,
            behind,
            sent,
        } = &mut newcomer.stage
        else {
            return;
        };
        if (this, *awaited) != (copy, part) {
            return;
        }
        newcomer.moved = true;
        if let Some(key) = sent.take().flatten() {
            (*behind, *awaited) = (Some(key), part + 1);
            return self.send_part(from, out);
        }
        let upto = if first { *recorded } else { accepted };
        newcomer.stage = Stage::Reviving { upto };
        out.note(Note::Revives(from));
        self.send_replay(from, out);
    }

    /// Sends what was recorded behind that which a newcomer has executed; if that is the last of it, it may go live.
    fn send_replay(&mut self, node: NodeId, out: &mut Outbox<SiblingQuorum>) {
        let (accepted, drains) = (self.accepted, self.rules().drain_first);
        let Standing::Main(office) = &mut self.standing else {
            return;
        };
        let newcomer = office.follower(node).map(|one| (one.copy, one.stage));
        let Some((copy, Stage::Reviving { upto })) = newcomer else {
            return;
        };
        let limit = self
            .config
            .options
            .batch
            .min((accepted.0 - upto.0) as usize);
        let entries = Entries::from(self.durable.log.slice(upto.next(), limit));
        let drained = upto.0 + entries.len() as u64 == accepted.0 || !drains;
        let prev = upto;
        let word = Word::Replay {
            copy,
            prev,
            entries,
        };
        if drains {
            self.say(node, word, out);
        }
        if let Some(at) = self.durable.log.position(accepted).filter(|_| drained) {
            self.say(node, Word::GoLive { copy, at }, out);
        }
        self.expect(node, out);
    }

    fn on_replayed(
        &mut self,
        from: NodeId,
        copy: CopyId,
        upto: Seq,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let accepted = self.accepted;
        let Standing::Main(office) = &mut self.standing else {
            return;
        };
        let Some(newcomer) = office.follower(from) else {
            return;
        };
        if let Stage::Reviving { upto: known } = &mut newcomer.stage
            && newcomer.copy == copy
            && *known < upto
            && upto <= accepted
        {
            *known = upto;
            newcomer.moved = true;
            if upto < accepted {
                self.send_replay(from, out);
            }
        }
    }

    /// A newcomer's copy is on disk: from there it is sent what comes, as any sibling; it counts when the controllers
    /// have recorded that.
    fn on_live(
        &mut self,
        now: Now,
        from: NodeId,
        copy: CopyId,
        at: Position,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let known = self.durable.log.contains(at);
        let Standing::Main(office) = &mut self.standing else {
            return;
        };
        let Some(newcomer) = office.follower(from) else {
            return;
        };
        let revives = matches!(newcomer.stage, Stage::Reviving { .. });
        if !revives || newcomer.copy != copy || !known {
            return;
        }
        newcomer.stage = Stage::Live;
        newcomer.confirm(at.seq);
        newcomer.next = at.seq.next();
        self.send_to(from, out);
        self.advance(now, out);
    }

    fn on_remove_sibling(&mut self, node: NodeId, out: &mut Outbox<SiblingQuorum>) {
        let group = self.group;
        let Standing::Main(office) = &mut self.standing else {
            return;
        };
        let listed = |change: &Change| change.is_out && change.siblings.contains(&node);
        if !office.siblings.contains(&node) && !office.change.as_ref().is_some_and(listed) {
            // It was on its way in.
            office.followers.retain(|one| one.id != node);
            office.change.take_if(|change| change.node == node);
            out.disarm(Timer::Again(group, node));
        } else if !office.removals.contains(&node) {
            office.removals.push(node);
        }
        self.ask_for_change(out);
    }

    /// Begins the next change, if one is due, and asks for it to be recorded when both quorums have everything.
    pub(super) fn ask_for_change(&mut self, out: &mut Outbox<SiblingQuorum>) {
        let accepted = self.accepted;
        let Options {
            again,
            again_at_most,
            ..
        } = self.config.options;
        let patience = again.max(again_at_most / 2);
        let Standing::Main(office) = &mut self.standing else {
            return;
        };
        // Nothing new is accepted without the siblings to come: who does not answer would be in everybody's way.
        if office
            .change
            .as_ref()
            .is_some_and(|change| !change.is_out && !office.answers(change, patience))
        {
            office.change = None;
        }
        if office.change.is_none() {
            // What was accepted in earlier epochs stands before the opening.
            office.change = office.next_change(accepted.max(office.opening), patience);
        }
        // What may be recorded already is asked for until it is known to be.
        let ready = |change: &&Change| !change.asked && (change.is_out || office.holds_all(change));
        let ready = office.change.as_ref().filter(ready);
        let roll = ready.map(|one| (one.siblings.clone(), office.copies_with(one)));
        let Some((siblings, copies)) = roll else {
            return;
        };
        if let Some(change) = &mut office.change {
            (change.is_out, change.asked) = (true, true);
        }
        let (epoch, list, asked) = (office.epoch, office.list + 1, office.lease.controller);
        let word = Word::Admit {
            epoch,
            list,
            siblings,
            copies,
        };
        let controllers: Vec<NodeId> = self.controllers_here().collect();
        self.say(controllers[asked % controllers.len()], word, out);
    }

    /// The controllers have recorded a list: it counts from now on.
    fn on_admitted(
        &mut self,
        now: Now,
        list: u64,
        (siblings, copies): (Vec<NodeId>, BTreeMap<NodeId, CopyId>),
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let (group, joint) = (self.group, self.rules().joint);
        let Standing::Main(office) = &mut self.standing else {
            return;
        };
        let epoch = office.epoch;
        let expected = office.change.as_ref().map(|change| &change.siblings) == Some(&siblings);
        if list <= office.list || (joint && !(expected && list == office.list + 1)) {
            return;
        }
        office.list = list;
        let change = office.change.take_if(|_| expected);
        let gone_from = change.as_ref().map(|change| change.node);
        if let Some(change) = change
            && let Some(sibling) = office.follower(change.node)
            && sibling.stage == Stage::Live
            && copies.get(&change.node).copied().unwrap_or_default() == sibling.copy
        {
            sibling.stage = Stage::Counted;
        }
        (office.siblings, office.copies) = (siblings, copies);
        office
            .removals
            .retain(|node| office.siblings.contains(node));
        out.note(Note::Counts(office.siblings.len() as u32));
        let (siblings, followers) = (&office.siblings, &mut office.followers);
        let leaves = |one: &Progress| gone_from == Some(one.id) && !siblings.contains(&one.id);
        let gone: Vec<NodeId> = followers
            .iter()
            .filter(|one| leaves(one))
            .map(|one| one.id)
            .collect();
        followers.retain(|one| !gone.contains(&one.id));
        for node in gone {
            out.note(Note::Dismisses(node));
            out.disarm(Timer::Again(group, node));
            self.say(node, Word::Dismissed(epoch), out);
        }
        self.advance(now, out);
    }

    /// Something is on its way to that node: it is looked after when the answer stays away.
    fn expect(&mut self, node: NodeId, out: &mut Outbox<SiblingQuorum>) {
        let group = self.group;
        if let Standing::Main(office) = &mut self.standing
            && let Some(one) = office.follower(node)
            && !one.armed
        {
            (one.armed, one.moved) = (true, false);
            out.arm(Timer::Again(group, node), one.patience);
        }
    }

    /// Sends again what was not confirmed, for ever, with a patience that doubles. A copy or a replay that gets no answer
    /// at all begins anew: the newcomer may have started again.
    pub(super) fn on_again(&mut self, node: NodeId, out: &mut Outbox<SiblingQuorum>) {
        let (shortest, longest) = (self.config.options.again, self.config.options.again_at_most);
        let last = self.durable.log.last().seq;
        let Standing::Main(office) = &mut self.standing else {
            return;
        };
        let Some(one) = office.follower(node) else {
            return;
        };
        one.armed = false;
        let lost = one.patience == longest && !one.moved;
        one.patience = match one.moved {
            true => shortest,
            false => (one.patience * 2).min(longest),
        };
        match one.stage {
            Stage::Counted | Stage::Live => {
                if one.matched < last || one.is_probed() {
                    if !one.moved {
                        one.rewind();
                    }
                    self.send_to(node, out);
                    self.expect(node, out);
                }
            }
            Stage::Copying { .. } | Stage::Reviving { .. } if lost => self.copy_anew(node, out),
            Stage::Copying { .. } => self.send_part(node, out),
            Stage::Reviving { .. } => self.send_replay(node, out),
        }
    }
}

impl super::office::Office {
    /// Which copies are to be recorded with a change: nobody's but that of the one who comes or goes is another.
    fn copies_with(&self, change: &Change) -> BTreeMap<NodeId, CopyId> {
        let mut copies = self.copies.clone();
        copies.remove(&change.node);
        let comes = self.followers.iter().find(|one| one.id == change.node);
        if let Some(one) = comes.filter(|one| change.siblings.contains(&one.id)) {
            copies.insert(one.id, one.copy);
        }
        copies
    }

    /// Whether the list to come has all that was ever accepted.
    fn holds_all(&self, change: &Change) -> bool {
        if change.siblings != self.siblings {
            return self.reached_anew(change) >= change.since;
        }
        let back = self.followers.iter().find(|one| one.id == change.node);
        back.is_some_and(|one| one.matched >= change.since)
    }

    /// Whether enough of the siblings to come answer what they are sent, and who is to count again does.
    fn answers(&self, change: &Change, patience: Span) -> bool {
        let answers = |id: &NodeId| {
            let one = self.followers.iter().find(|one| one.id == *id);
            one.is_some_and(|one| one.patience <= patience || one.moved)
        };
        let to_come = change.siblings.iter().filter(|id| answers(id)).count();
        let stays = change.siblings != self.siblings;
        to_come >= accept_quorum(change.siblings.len()) && (stays || answers(&change.node))
    }

    /// The next change that is due and can be made: somebody has come level, or is to go.
    fn next_change(&self, since: Seq, patience: Span) -> Option<Change> {
        let change = |siblings, node| Change {
            siblings,
            node,
            since,
            is_out: false,
            asked: false,
        };
        let level = self.followers.iter().filter(|one| one.stage == Stage::Live);
        let comes = level.map(|one| {
            let mut siblings = self.siblings.clone();
            if !siblings.contains(&one.id) {
                siblings.push(one.id);
            }
            change(siblings, one.id)
        });
        // Without its last sibling a main would accept alone.
        let goes = |node: &&NodeId| self.siblings.contains(node) && self.siblings.len() > 1;
        let leaves = self.removals.iter().filter(goes).map(|node| {
            let stay = self.siblings.iter().filter(|sibling| *sibling != node);
            change(stay.copied().collect(), *node)
        });
        comes
            .chain(leaves)
            .find(|change| self.answers(change, patience))
    }
}
