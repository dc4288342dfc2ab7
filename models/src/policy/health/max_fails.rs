//! Passive health as nginx keeps it: `max_fails` and `fail_timeout`. After so many failures a
//! member is skipped for a while; then one request at a time tries it.
//!
//! Follows `ngx_http_upstream_round_robin.c`: its clock counts whole seconds.

use engine::{Span, Time};

/// What is known of all members.
#[derive(Clone, Debug)]
pub struct MaxFails {
    most: u32,
    /// In whole seconds.
    timeout: u64,
    members: Vec<Member>,
    /// How many have failed so often that they may be skipped: none is the fast path.
    failing: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Member {
    fails: u32,
    /// When it failed last.
    accessed: u64,
    /// When it failed last, or was tried again after the timeout.
    checked: u64,
}

fn seconds(now: Time) -> u64 {
    now.since(Time::ZERO).0 / Span::secs(1).0
}

impl MaxFails {
    /// Members without failures. `most` failures take one out for `timeout`.
    pub fn new(members: u16, most: u32, timeout: Span) -> MaxFails {
        let timeout = timeout.0 / Span::secs(1).0;
        MaxFails { most, timeout, members: vec![Member::default(); members as usize], failing: 0 }
    }

    /// How many failures take a member out.
    pub fn most(&self) -> u32 {
        self.most
    }

    /// Whether anybody may have to be skipped.
    pub fn skips(&self) -> bool {
        self.failing > 0
    }

    /// Whether a member can be asked now. The only member there is always can.
    pub fn serves(&self, member: u16, now: Time) -> bool {
        let it = &self.members[member as usize];
        self.members.len() == 1
            || it.fails < self.most
            || seconds(now).saturating_sub(it.checked) > self.timeout
    }

    /// It is asked. If its timeout is over, this request is the one that tries it.
    pub fn picked(&mut self, member: u16, now: Time) {
        let (timeout, now) = (self.timeout, seconds(now));
        let it = &mut self.members[member as usize];
        if now.saturating_sub(it.checked) > timeout {
            it.checked = now;
        }
    }

    /// A request to it has ended.
    pub fn heard(&mut self, member: u16, failed: bool, now: Time) {
        let it = &mut self.members[member as usize];
        let before = it.fails >= self.most;
        if failed {
            it.fails += 1;
            (it.accessed, it.checked) = (seconds(now), seconds(now));
        } else if it.accessed < it.checked {
            it.fails = 0;
        }
        let after = it.fails >= self.most;
        self.failing = self.failing + u32::from(after) - u32::from(before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::ZERO + Span::secs(seconds)
    }

    /// One failure, ten seconds: out from 3 s on, not asked at 13 s (10 is not more than 10), tried
    /// at 14 s by one request; the next is not let through. The trial fails at 15 s: out to 25 s.
    /// Tried at 26 s, it serves (3 < 26): clean again.
    #[test]
    fn one_request_tries_it_after_the_timeout() {
        let mut it = MaxFails::new(2, 1, Span::secs(10));
        it.picked(0, at(3));
        it.heard(0, true, at(3));
        assert!(it.skips() && it.serves(1, at(3)));
        assert_eq!(
            [it.serves(0, at(3)), it.serves(0, at(13)), it.serves(0, at(14))],
            [false, false, true]
        );
        it.picked(0, at(14));
        assert!(!it.serves(0, at(14)) && !it.serves(0, at(24)));
        it.heard(0, true, at(15));
        assert_eq!([it.serves(0, at(25)), it.serves(0, at(26))], [false, true]);
        it.picked(0, at(26));
        it.heard(0, false, at(26));
        assert!(it.serves(0, at(26)) && !it.skips());
    }

    /// Three failures count together as long as no request was let through more than ten seconds
    /// after the last one: that is the window. It fails at 2 s and 9 s; that it serves at 15 s
    /// changes nothing; at 20 s, 11 s after 9, it serves: clean. Two more do not take it out.
    #[test]
    fn failures_are_forgotten_by_a_success_after_the_window() {
        let mut it = MaxFails::new(2, 3, Span::secs(10));
        it.heard(0, true, at(2));
        it.heard(0, true, at(9));
        it.picked(0, at(15));
        it.heard(0, false, at(15));
        it.picked(0, at(20));
        it.heard(0, false, at(20));
        it.heard(0, true, at(21));
        it.heard(0, true, at(22));
        assert!(it.serves(0, at(22)));
        it.heard(0, true, at(23));
        assert!(!it.serves(0, at(23)));
    }

    /// Seconds are whole: 3.9 s and 14.0 s are 11 apart.
    #[test]
    fn its_clock_counts_seconds() {
        let mut it = MaxFails::new(2, 1, Span::secs(10));
        it.heard(0, true, Time::ZERO + Span::millis(3_900));
        assert!(!it.serves(0, Time::ZERO + Span::millis(13_999)));
        assert!(it.serves(0, at(14)));
    }

    #[test]
    fn the_only_member_is_never_out() {
        let mut it = MaxFails::new(1, 1, Span::secs(10));
        it.heard(0, true, at(1));
        assert!(it.serves(0, at(1)));
    }
}
