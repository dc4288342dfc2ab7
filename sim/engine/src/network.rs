//! The network between nodes: delays by place, and what disturbs them.
//!
//! A message is lost only where a link is cut. Random packet loss becomes delay, because the
//! calls of this audience run over TCP: each loss of a segment costs a retransmission timeout,
//! doubled each time (RFC 6298; Linux: 200 ms at least, and 15 retries before it gives up).
//! Messages of different calls may overtake one another; bandwidth is not modelled here.

use crate::chance::{Chance, Coin, Dist, Sampler, StreamId};
use crate::group::ComponentId;
use crate::time::Span;

/// Where a node stands. Zone 0 is "nowhere in particular": scenarios without zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ZoneId(pub u16);

impl ZoneId {
    /// Outside of all zones: where users are.
    pub const INTERNET: ZoneId = ZoneId(u16::MAX);
}

/// How long a message travels, by where its ends are.
#[derive(Clone, Copy, Debug)]
pub struct Delays {
    /// Both ends in one zone.
    pub same_zone: Dist,
    /// Ends in different zones.
    pub cross_zone: Dist,
    /// One end is a user.
    pub internet: Dist,
}

impl Delays {
    /// No delay anywhere.
    pub const NONE: Delays = Delays {
        same_zone: Dist::Fixed(Span::ZERO),
        cross_zone: Dist::Fixed(Span::ZERO),
        internet: Dist::Fixed(Span::ZERO),
    };

    /// The delay from one zone to another, one way.
    #[inline]
    pub fn between(&self, from: ZoneId, to: ZoneId) -> Dist {
        match (from, to) {
            (ZoneId::INTERNET, _) | (_, ZoneId::INTERNET) => self.internet,
            (a, b) if a == b => self.same_zone,
            _ => self.cross_zone,
        }
    }
}

/// What may be wrong with a link.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trouble {
    /// Nothing gets through, silently.
    Cut,
    /// Each segment is lost with this probability, and sent again.
    Loss(f64),
    /// Everything takes this much longer.
    Delay(Dist),
}

/// One disturbance: some trouble on every link from one set of components to another.
#[derive(Clone, Debug)]
pub struct Disturbance {
    /// The action that causes it.
    pub action: u32,
    /// What is wrong.
    pub trouble: Trouble,
    /// Messages from any of these …
    pub from: Vec<ComponentId>,
    /// … to any of these. Sorted, as `from` is.
    pub to: Vec<ComponentId>,
}

/// The disturbances in force. Overlapping ones compose: cuts dominate, delays add up, losses
/// combine as 1 − ∏(1 − p); each action takes only its own away.
#[derive(Clone, Debug, Default)]
pub struct Troubles {
    active: Vec<Disturbance>,
}

const FIRST_TIMEOUT: Span = Span::millis(200);
const MAX_RETRIES: u32 = 15;

impl Troubles {
    /// Whether all links are well, which is the fast path.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.active.is_empty()
    }

    /// Adds a disturbance.
    pub fn add(&mut self, disturbance: Disturbance) {
        self.active.push(disturbance);
    }

    /// Removes what `action` had caused, and nothing else.
    pub fn remove(&mut self, action: u32) {
        self.active.retain(|disturbance| disturbance.action != action);
    }

    /// The extra delay of a message, or `None` if it never arrives.
    pub fn meet(
        &self,
        from: ComponentId,
        to: ComponentId,
        chance: &mut Chance,
        stream: StreamId,
    ) -> Option<Span> {
        let (mut extra, mut passes) = (Span::ZERO, 1.0);
        for disturbance in &self.active {
            let hit = disturbance.from.binary_search(&from).is_ok()
                && disturbance.to.binary_search(&to).is_ok();
            match disturbance.trouble {
                _ if !hit => {}
                Trouble::Cut => return None,
                Trouble::Loss(loss) => passes *= 1.0 - loss,
                Trouble::Delay(dist) => extra += chance.sample(Sampler { dist, stream }),
            }
        }
        let mut timeout = FIRST_TIMEOUT;
        let coin = Coin { probability: 1.0 - passes, stream };
        for _ in 0..=MAX_RETRIES {
            if passes == 1.0 || !chance.toss(coin) {
                return Some(extra);
            }
            extra += timeout;
            timeout = timeout * 2;
        }
        None
    }
}
