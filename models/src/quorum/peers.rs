//! Whom a node believes alive: everybody it has heard of for a while.

use engine::{Span, Time};

/// When a node last heard from each other.
#[derive(Clone)]
pub struct Peers {
    heard: Vec<Time>,
    me: u16,
    down_after: Span,
}

impl Peers {
    /// Nobody was heard of before the start, and nobody is missed yet.
    pub fn new(me: u16, members: u16, down_after: Span) -> Peers {
        Peers { heard: vec![Time::ZERO; members.into()], me, down_after }
    }

    /// It begins, or begins again: everybody may be there.
    pub fn begin(&mut self, now: Time) {
        self.heard.fill(now);
    }

    /// A heartbeat.
    pub fn heard(&mut self, member: u16, now: Time) {
        self.heard[usize::from(member)] = now;
    }

    /// For how long nobody has heard of `member`.
    pub fn silent_for(&self, member: u16, now: Time) -> Span {
        match member == self.me {
            true => Span::ZERO,
            false => now.since(self.heard[usize::from(member)]),
        }
    }

    /// Whether it is believed alive.
    pub fn up(&self, member: u16, now: Time) -> bool {
        self.silent_for(member, now) <= self.down_after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_silent_for_too_long_is_down() {
        let at = |secs: u64| Time::ZERO + Span::secs(secs);
        let mut peers = Peers::new(0, 2, Span::secs(18));
        peers.heard(1, at(10));
        assert!(peers.up(1, at(28)) && !peers.up(1, at(29)));
        assert!(peers.up(0, at(1000)), "it knows that it is there itself");
        peers.heard(1, at(30));
        assert!(peers.up(1, at(30)));
    }
}
