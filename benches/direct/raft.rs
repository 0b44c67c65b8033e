//! A Raft group: the first server stands for election, and wins it.

use netsplit::kv::Request;
use netsplit::raft::{Message, Raft, Server, Standing, Timer};
use netsplit::{Input, Life, NodeId};

use super::{Core, Direct};

impl Core for Raft {
    fn servers(count: u32) -> Vec<NodeId> {
        (1..=count).map(NodeId::server).collect()
    }

    fn lead(direct: &mut Direct<Raft>) {
        direct.step(0, Input::Fired(Timer::Election));
        direct.settle();
        let standing = &direct.first().standing;
        assert!(matches!(standing, Standing::Leader(_)));
    }

    fn write(seq: u64, request: Request) -> Message {
        let life = Life(0);
        Message::Ask { life, seq, request }
    }

    fn is_answer(message: &Message) -> bool {
        matches!(message, Message::Answer { .. })
    }

    fn heartbeat() -> Timer {
        Timer::Heartbeat
    }

    fn reach(server: &Server) -> (u64, u64) {
        (server.commit.0, server.durable.log.last().index.0)
    }
}
