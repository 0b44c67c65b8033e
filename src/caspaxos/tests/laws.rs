//! What holds for any sequence of inputs.

use proptest::prelude::*;

use super::super::{CasPaxos, Timer};
use super::*;
use crate::outbox::Effect;
use crate::process::Input;
use crate::register::Register;

proptest! {
    #[test]
    fn a_server_finds_what_it_wrote_and_says_only_what_it_flushes(
        told in prop::collection::vec((0..7_u8, 1..9_u64, 2..=3_u32, 0..4_u64), 0..40),
    ) {
        let mut disk = Vec::new();
        let mut server = server(3);
        for (kind, count, node, seq) in told {
            let deeds = server.takes(tell(&server.process, kind, count, node, seq));
            let mut cached = false;
            for effect in deeds.effects() {
                match effect {
                    Effect::Write(record) => {
                        cached = true;
                        disk.push(Ok(record.clone()));
                    }
                    Effect::Flush(_) => cached = false,
                    Effect::Send { pass: false, .. } => prop_assert!(!cached, "{deeds}"),
                    Effect::Send { message: Message::Register(_, message), pass: true, .. } => {
                        let promises = matches!(message, register::Message::Promise { .. } | register::Message::Accept { .. } | register::Message::Accepted { .. });
                        prop_assert!(!promises, "{deeds}");
                    }
                    _ => {}
                }
            }
            prop_assert!(!cached, "{deeds}");
            let found = server_with(3, &disk);
            let found = found.process.registers.get(&K).map(|register| &register.acceptor);
            let now = server.process.registers.get(&K).map(|register| &register.acceptor);
            // Before it wrote anything it may have been spoken to in vain.
            prop_assert!(found == now || found.is_none());
        }
    }
}

/// Something that `n1` could be told, as it stands now.
fn tell(server: &Server, kind: u8, count: u64, node: u32, seq: u64) -> Input<CasPaxos> {
    let promised = server
        .registers
        .get(&K)
        .map_or(Ballot::ZERO, Register::promised);
    let theirs = ballot(count, node);
    let word = match kind {
        0 => ask(seq, put(seq)),
        1 => prepare(theirs),
        // One ballot is one value.
        2 => accept(theirs, &held(count, 10 * count + u64::from(node))),
        3 => promise(promised, Ballot::ZERO, &empty()),
        4 => accepted(promised),
        5 => refused(promised, theirs),
        _ => return Input::Fired(Timer::Register(K)),
    };
    let from = if kind == 0 { c(1) } else { n(node) };
    Input::Delivered(from, word)
}
