//! A client of a Redis Cluster: its own copy of the map of slots, which grows old until somebody
//! redirects it or a node does not answer. Then it asks for the map (`CLUSTER SLOTS`).

use engine::ledger::LogId;
use engine::{Component, Cx, LinkId, OpId, Port, Request, Span, Time};

use super::cluster::map::{log_of, next_change};
use crate::policy::balance::Balance;
use crate::wiring::Wiring;

/// A client does not ask for the map more often than this.
const APART: Span = Span::millis(100);

/// How far a client has read the history of a map.
#[derive(Clone, Debug)]
pub struct Reader {
    log: LogId,
    read: u64,
    ask: OpId,
    asked: Option<Time>,
}

impl Reader {
    /// A client of the cluster of this name that knows how it began.
    pub fn new(cluster: &str, wiring: &mut Wiring<'_>) -> Reader {
        let ask = wiring.builder.op(&format!("{cluster}.slots"));
        Reader { log: log_of(cluster, wiring), read: 0, ask, asked: None }
    }

    /// Asks `member` for the map, unless it has just done so. The node is busy with that for a
    /// command; that the map comes a round trip later is not modelled.
    #[cold]
    pub fn refresh<C: Component>(
        &mut self,
        cx: &mut Cx<'_, C>,
        balance: &mut Balance,
        (link, member): (LinkId, u16),
    ) {
        let now = cx.now();
        if self.asked.is_some_and(|at| now.since(at) < APART) {
            return;
        }
        self.asked = Some(now);
        cx.tell(Port { link, member }, Request::internal(self.ask, now), 0);
        while let Some(change) = next_change(cx.ledger(), self.log, &mut self.read) {
            balance.learn(change);
        }
    }
}
