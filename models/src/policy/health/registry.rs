//! A service registry with leases (Eureka, Consul, etcd): members renew theirs, callers read the
//! list now and then. Who dies without a word stays on the list until the lease has run out, and
//! in callers' copies until they read it again.

use engine::{Change, MemberState, Span, Time};

/// What one caller has read.
#[derive(Clone, Debug)]
pub struct Registry {
    renew: Span,
    expire: Span,
    poll: Span,
    /// When it reads the list next.
    next: Time,
    entries: Vec<Entry>,
    /// How far it has read in the group's history.
    read: usize,
}

/// A member's entry.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// It renews its lease.
    alive: bool,
    /// When it registered, in nanoseconds; those that are there at the start did so before it.
    since: i64,
    /// Once it has died: when the lease runs out.
    until: Time,
    listed: bool,
}

impl Registry {
    /// Everybody is on the list. Members renew at different times: each a golden part of a period
    /// after the one before.
    pub fn new(members: u16, renew: Span, expire: Span, poll: Span) -> Registry {
        let since = |member: u16| {
            let part = libm::fmod(f64::from(member) * 0.618_033_988_749_895, 1.0);
            -((1.0 - part) * renew.0 as f64) as i64
        };
        let entry =
            |member| Entry { alive: true, since: since(member), until: Time::ZERO, listed: true };
        let entries = (0..members).map(entry).collect();
        Registry { renew, expire, poll, next: Time::NEVER, entries, read: 0 }
    }

    /// It reads the list for the first time after `phase`, a part of the time between two
    /// readings.
    pub fn begin(&mut self, now: Time, phase: Span) {
        self.next = now + phase;
    }

    /// How often it reads.
    pub fn poll(&self) -> Span {
        self.poll
    }

    /// Whether the list is to be read again.
    pub fn due(&self, now: Time) -> bool {
        now >= self.next
    }

    /// Reads the list as it was when it was last due; whether that brought news.
    pub fn read(&mut self, history: &[Change], now: Time) -> bool {
        let missed = now.since(self.next).0 / self.poll.0;
        let at = self.next + self.poll * missed;
        self.next = at + self.poll;
        while let Some(change) = history.get(self.read)
            && change.at <= at
        {
            self.note(change);
            self.read += 1;
        }
        let mut news = false;
        for entry in &mut self.entries {
            let listed = entry.alive || at < entry.until;
            news |= listed != entry.listed;
            entry.listed = listed;
        }
        news
    }

    fn note(&mut self, change: &Change) {
        let entry = &mut self.entries[change.member as usize];
        match change.state {
            MemberState::Ready => (entry.alive, entry.since) = (true, change.at.0 as i64),
            MemberState::Down if entry.alive => {
                let (renew, lived) = (self.renew.0 as i64, change.at.0 as i64 - entry.since);
                let last = entry.since + lived / renew * renew;
                let until = last + self.expire.0 as i64;
                (entry.alive, entry.until) = (false, Time(until.max(0) as u64));
            }
            MemberState::Down | MemberState::Starting => {}
            // Who leaves in good order says so.
            MemberState::Draining | MemberState::Gone => {
                (entry.alive, entry.until) = (false, Time::ZERO);
            }
        }
    }

    /// Whether a member is on the list, as this caller has it.
    pub fn lists(&self, member: u16) -> bool {
        self.entries[member as usize].listed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::ZERO + Span::secs(seconds)
    }

    fn change(seconds: u64, state: MemberState) -> Change {
        Change { at: at(seconds), member: 0, state }
    }

    /// When the first member is off the caller's list and on again, reading at 7, 37, 67 … s.
    fn seen(history: &[Change]) -> Vec<(u64, bool)> {
        let secs = Span::secs;
        let mut it = Registry::new(2, secs(10), secs(30), secs(30));
        it.begin(Time::ZERO, secs(7));
        let mut seen = Vec::new();
        for second in 0..300 {
            let known: Vec<Change> =
                history.iter().copied().filter(|it| it.at <= at(second)).collect();
            if it.due(at(second)) && it.read(&known, at(second)) {
                seen.push((second, it.lists(0)));
            }
        }
        assert!(it.lists(1));
        seen
    }

    /// Member 0 renews at 0, 10, 20 … s. It dies at 25 s: its lease, renewed at 20, runs out at
    /// 50 s, and the caller reads that at 67 s: 42 s of calls to nobody. Dead at 31 s: renewed at
    /// 30, out at 60, read at 67 as well. At 38 s: renewed at 30, the same. At 45 s: at 40, 70, and
    /// 97 s.
    #[test]
    fn the_dead_stay_until_their_lease_has_run_out_and_the_list_is_read() {
        for (dies, off) in [(25, 67), (31, 67), (38, 67), (45, 97)] {
            assert_eq!(seen(&[change(dies, MemberState::Down)]), [(off, false)], "{dies}");
        }
    }

    /// Who leaves in good order is off at the next reading. Who comes back is on it at the next; a
    /// restart within the lease was never seen.
    #[test]
    fn leaving_and_coming_back() {
        assert_eq!(seen(&[change(25, MemberState::Gone)]), [(37, false)]);
        let restart = |back| [change(25, MemberState::Down), change(back, MemberState::Ready)];
        assert_eq!(seen(&restart(90)), [(67, false), (97, true)]);
        assert_eq!(seen(&restart(60)), []);
        // Back at 90 s, it renews from then on: dead at 112, renewed at 110, out at 140, read at
        // 157.
        let mut twice = restart(90).to_vec();
        twice.push(change(112, MemberState::Down));
        assert_eq!(seen(&twice), [(67, false), (97, true), (157, false)]);
    }

    /// A caller that asks for nothing for a while has read in between all the same.
    #[test]
    fn reading_does_not_wait_for_a_call() {
        let mut it = Registry::new(1, Span::secs(10), Span::secs(30), Span::secs(30));
        it.begin(Time::ZERO, Span::secs(7));
        let history = [change(25, MemberState::Down), change(128, MemberState::Ready)];
        // Read at 127 s, before it came back; read again at 157 s.
        assert!(it.read(&history, at(140)) && !it.lists(0));
        assert!(!it.due(at(156)) && it.due(at(157)));
        assert!(it.read(&history, at(157)) && it.lists(0));
    }
}
