//! Mistakes of those who start again, and of those who should.

use std::sync::Arc;

use super::super::charter::CopyId;
use super::super::log::{Epoch, Position};
use super::super::message::GroupId;
use super::super::server::Server;
use super::super::state::Record;
use super::{In, Out};
use crate::mistake::{Found, Mistake};
use crate::{Input, NodeId, Now, Process};

pub(super) struct ForgetsItsFence;

impl Mistake<Server> for ForgetsItsFence {
    fn boot(&mut self, disk: &mut Found<Server>) {
        let logged = disk.iter().flatten().filter_map(|record| match record {
            Record::Entries { entries, .. } => entries.last().map(|entry| entry.epoch),
            _ => None,
        });
        let logged = logged.max().unwrap_or(Epoch(1));
        for record in disk.iter_mut().flatten() {
            if let Record::Promise { promised, .. } = record {
                *promised = logged.min(*promised);
            }
        }
    }
}

pub(super) struct ForgetsItsLog;

impl Mistake<Server> for ForgetsItsLog {
    fn boot(&mut self, disk: &mut Found<Server>) {
        if let Some(Ok(Record::Entries { .. })) = disk.last() {
            disk.pop();
        }
    }
}

pub(super) struct TakesOfficeTwice;

impl Mistake<Server> for TakesOfficeTwice {
    fn boot(&mut self, disk: &mut Found<Server>) {
        for record in disk.iter_mut().flatten() {
            if let Record::Promise { reigned, .. } = record {
                *reigned = Epoch(0);
            }
        }
    }
}

pub(super) struct ForgetsThatItWasWiped;

impl Mistake<Server> for ForgetsThatItWasWiped {
    fn boot(&mut self, disk: &mut Found<Server>) {
        if !matches!(disk.first(), Some(Ok(Record::Identity(_)))) {
            let group = GroupId(0);
            let founded = [
                Record::Identity(NodeId::new('m', 1)),
                Record::Base {
                    group,
                    at: Position::default(),
                    copies: Arc::new([]),
                },
                Record::Promise {
                    group,
                    promised: Epoch(1),
                    reigned: Epoch(0),
                    copy: Some(CopyId::default()),
                },
            ];
            disk.splice(..0, founded.map(Ok));
        }
    }
}

pub(super) struct ForgetsWhatWasDecided;

impl Mistake<Server> for ForgetsWhatWasDecided {
    fn boot(&mut self, disk: &mut Found<Server>) {
        disk.retain(|record| !matches!(record, Ok(Record::Register(..))));
    }
}

pub(super) fn ignores_failed_flushes(server: &mut Server, now: Now, input: In, out: &mut Out) {
    if !matches!(input, Input::Failed(_)) {
        server.step(now, input, out);
    }
}
