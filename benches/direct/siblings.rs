//! A main with its siblings: the first managing node is promoted.

use netsplit::kv;
use netsplit::sibling_quorum::charter::Charter;
use netsplit::sibling_quorum::log::Seq;
use netsplit::sibling_quorum::replica::Replica;
use netsplit::sibling_quorum::{GroupId, Message, Request, Server, SiblingQuorum, Timer, Word};
use netsplit::{Input, Life, NodeId};

use super::{Core, Direct};

const GROUP: GroupId = GroupId(0);

/// Without controllers: their main tells them once a second that it is there, and here it would with every round.
impl Core for SiblingQuorum {
    fn servers(count: u32) -> Vec<NodeId> {
        (1..=count).map(|number| NodeId::new('m', number)).collect()
    }

    fn lead(direct: &mut Direct<SiblingQuorum>) {
        let controller = NodeId::new('l', 1);
        let charter = Charter::founding(&direct.config, GROUP);
        let epoch = charter.epoch;
        let renewal = 1;
        for word in [Word::Promote(charter), Word::Leased { epoch, renewal }] {
            let group = GROUP;
            direct.step(0, Input::Delivered(controller, Message { group, word }));
        }
        direct.settle();
        assert_eq!(group(direct.first()).reigns(), Some(epoch));
    }

    fn write(number: u64, request: kv::Request) -> Message {
        let group = GROUP;
        let word = Word::Ask {
            life: Life(0),
            number,
            request: Request::Store(request),
            seen: Seq(0),
            again: false,
        };
        Message { group, word }
    }

    fn is_answer(message: &Message) -> bool {
        matches!(message.word, Word::Answer { .. })
    }

    fn heartbeat() -> Timer {
        Timer::Heartbeat(GROUP)
    }

    fn reach(server: &Server) -> (u64, u64) {
        let replica = group(server);
        (replica.accepted.0, replica.durable.log.last().seq.0)
    }
}

fn group(server: &Server) -> &Replica {
    match server {
        Server::Node(node) => &node.replicas[0],
        Server::Controller(_) => panic!("there are none"),
    }
}
