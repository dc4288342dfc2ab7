//! Names in the DNS: what resolvers keep for the time to live of a record, and how long some keep
//! it beyond.
//!
//! Two kinds of callers. A process resolves a name, keeps the answer, and resolves it again when
//! that has run out. A source of traffic is many users, each with a copy of some age: any age below
//! the time to live is equally likely, and drawn for each request.

use engine::{Span, Time};

/// How old answers are.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// How long an answer is kept.
    pub ttl: Span,
    /// How long the name servers themselves take to notice.
    pub notice: Span,
    /// This part of all callers …
    pub stubborn: f64,
    /// … keeps an answer for so long instead.
    pub keep: Span,
}

impl Names {
    /// How long a caller keeps an answer; `luck`, in [0, 1), decides whether it is stubborn.
    pub fn kept(&self, luck: f64) -> Span {
        if luck < self.stubborn { self.keep } else { self.ttl }
    }

    /// Nobody goes by anything older.
    pub fn oldest(&self) -> Span {
        let kept = if self.stubborn > 0.0 { self.ttl.max(self.keep) } else { self.ttl };
        kept + self.notice
    }

    /// As of when a user of a crowd knows the group at `now`; `age`, in [0, 1), is the age of the
    /// copy. Before the beginning nothing had changed.
    pub fn as_of(&self, now: Time, luck: f64, age: f64) -> Time {
        let age = Span::from_f64(self.kept(luck).0 as f64 * age);
        Time(now.0.saturating_sub((age + self.notice).0))
    }
}

/// When one process resolved a name last, and when it does so again.
#[derive(Clone, Copy, Debug)]
pub struct Copy {
    kept: Span,
    resolved: Time,
}

impl Copy {
    /// An answer that at `now` is `age` (a part of the time it is kept) old.
    pub fn new(kept: Span, now: Time, age: f64) -> Copy {
        let age = (kept.0 as f64 * age) as u64;
        // Before the beginning there are times too: they wrap around.
        Copy { kept, resolved: Time(now.0.wrapping_sub(age)) }
    }

    /// How old the knowledge is that it goes by: resolves anew if the answer has run out.
    pub fn age(&mut self, now: Time) -> Span {
        let age = now.0.wrapping_sub(self.resolved.0);
        let age = age % self.kept.0.max(1);
        self.resolved = Time(now.0.wrapping_sub(age));
        Span(age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::ZERO + Span::secs(seconds)
    }

    /// Records live 60 s, the servers notice after 30 s: at 100 s somebody with a copy of half its
    /// age knows what was so at 100 − 30 − 30 = 40 s. One in ten keeps it an hour: 1800 s old.
    #[test]
    fn a_crowd_knows_what_was() {
        let (ttl, notice) = (Span::secs(60), Span::secs(30));
        let it = Names { ttl, notice, stubborn: 0.1, keep: Span::secs(3600) };
        assert_eq!(it.as_of(at(100), 0.5, 0.5), at(40));
        assert_eq!((it.as_of(at(100), 0.5, 0.0), it.as_of(at(20), 0.5, 0.0)), (at(70), Time::ZERO));
        assert_eq!(it.as_of(at(2000), 0.05, 0.5), at(170));
    }

    /// Kept for 60 s, a quarter of which is over at the start: resolved at 45, 105, 165 s. At 100 s
    /// it is 55 s old; at 110 s 5 s.
    #[test]
    fn a_process_resolves_now_and_then() {
        let mut it = Copy::new(Span::secs(60), Time::ZERO, 0.25);
        let ages = [0, 44, 45, 100, 110, 164].map(|second| it.age(at(second)).0 / 1_000_000_000);
        assert_eq!(ages, [15, 59, 0, 55, 5, 59]);
    }
}
