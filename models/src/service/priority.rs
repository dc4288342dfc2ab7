//! A waiting line in which who is more important stands in front: apart from the plain lines,
//! which pay nothing for it.

use std::collections::VecDeque;

use engine::{OpId, Request};

use crate::wiring::{Wiring, did_you_mean};

/// A line for each class, the most important first. Within a class, first come, first served.
///
/// Source: HAProxy's `http-request set-priority-class` for who begins; Linux's `skbprio` for who
/// gives way when the line is full. What it costs grows with the number of classes, not with the
/// number of those that wait.
#[derive(Clone, Debug)]
pub struct Classes<T> {
    lines: Vec<VecDeque<T>>,
    waiting: usize,
}

impl<T: PartialEq> Classes<T> {
    /// Empty lines for so many classes.
    pub fn new(classes: usize) -> Classes<T> {
        Classes { lines: (0..classes).map(|_| VecDeque::new()).collect(), waiting: 0 }
    }

    /// Somebody of a class (0 is the most important) wants to wait, where `bound` may. Returns who
    /// does not: the last of the least important if the line is full, or who came if all others
    /// are as important.
    pub fn join(&mut self, who: T, class: usize, bound: usize) -> Option<T> {
        if self.waiting < bound {
            self.lines[class].push_back(who);
            self.waiting += 1;
            return None;
        }
        let last = self.lines[class + 1..].iter_mut().rev().find_map(VecDeque::pop_back);
        let Some(last) = last else { return Some(who) };
        self.lines[class].push_back(who);
        Some(last)
    }

    /// The first of the most important.
    pub fn next(&mut self) -> Option<T> {
        let next = self.lines.iter_mut().find_map(VecDeque::pop_front);
        self.waiting -= usize::from(next.is_some());
        next
    }

    /// Takes somebody out; whether they waited.
    pub fn withdraw(&mut self, who: &T) -> bool {
        let found = self.lines.iter_mut().any(|line| {
            let place = line.iter().position(|waiting| waiting == who);
            place.and_then(|place| line.remove(place)).is_some()
        });
        self.waiting -= usize::from(found);
        found
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting
    }
}

/// Draws make no more classes than this; `skbprio` has as many.
const MOST: usize = 64;

/// What makes one request more important than another.
#[derive(Clone, Debug)]
pub enum Importance {
    /// What it asks for: these, the most important first; all others are one class behind them.
    Operation(Vec<OpId>),
    /// What it was born with: the draw at this place, the smallest first.
    Draw(usize),
}

impl Importance {
    /// The class of a request: 0 is the most important.
    pub fn class(&self, request: &Request) -> usize {
        match self {
            Importance::Operation(named) => {
                named.iter().position(|known| *known == request.op).unwrap_or(named.len())
            }
            Importance::Draw(place) => (request.draws[*place] as usize).min(MOST - 1),
        }
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        match self {
            Importance::Operation(named) => named.len() + 1,
            Importance::Draw(_) => MOST,
        }
    }
}

/// Reports what makes no sense in a list of operations that goes by importance.
pub fn check<'a>(
    named: &[String],
    offered: impl Iterator<Item = &'a String>,
    wiring: &mut Wiring<'_>,
) {
    let offered: Vec<&str> = offered.map(String::as_str).collect();
    if named.is_empty() {
        let help = Some("name operations, the most important first".to_string());
        wiring.problem_with("an order by importance that names nobody", help);
    }
    for (index, name) in named.iter().enumerate() {
        let problem = if !offered.contains(&name.as_str()) {
            Some((format!("there is no operation `{name}` here"), did_you_mean(name, &offered)))
        } else if named[..index].contains(name) {
            let help = Some("leave it where it is more important".to_string());
            Some((format!("`{name}` is named twice"), help))
        } else {
            None
        };
        if let Some((message, help)) = problem {
            wiring.at_index(index, |w| w.problem_with(message, help));
        }
    }
}

#[cfg(test)]
mod tests {
    use engine::{Outcome, Span};

    use super::*;
    use crate::testing::{Line, Stage, heard};

    /// What callers heard of a service with such fields, who ask for these operations at these
    /// milliseconds: in milliseconds, which of them, and how it ended.
    fn told(fields: &str, asks: &[(u64, &str)]) -> Vec<(u64, usize, Outcome)> {
        let asks: Vec<_> = asks.iter().map(|(at, name)| (*at, *name, 0)).collect();
        told_by(fields, &asks)
    }

    /// As [`told`], of requests with a draw `tier`.
    fn told_by(fields: &str, asks: &[(u64, &str, u32)]) -> Vec<(u64, usize, Outcome)> {
        let mut stage = Stage::wired(&["tier"], &format!("{{ \"it\": Service({fields}) }}"));
        let it = stage.builder.find("it").expect("it is there");
        let lines: Vec<Line> = asks
            .iter()
            .map(|(at, name, tier)| {
                let op = stage.builder.op(&format!("it.{name}"));
                Line::new(Span::millis(*at), op, *tier, 0)
            })
            .collect();
        let log = stage.script(it, &lines);
        assert_eq!(stage.play(Span::secs(1)).calls_in_flight(), 0);
        heard(&log).into_iter().map(|(at, who, outcome, _)| (at, who, outcome)).collect()
    }

    /// One thread, one place. 0 begins; 1 waits until 2 takes its place; 3 and 4 find nobody less
    /// important there. At 10 it is the turn of 2.
    #[test]
    fn a_caller_that_gives_way_is_told_at_once() {
        let fields = r#"server: Threads(workers: 1, queue: 1, order: Priority(["pay"])),
            operations: { "pay": [Wait(Always("10ms"))], "look": [Wait(Always("10ms"))] }"#;
        let asks = [(0, "look"), (1, "look"), (2, "pay"), (3, "look"), (4, "pay")];
        use Outcome::{Done, Shed};
        let expected = [(2, 1, Shed), (3, 3, Shed), (4, 4, Shed), (10, 0, Done), (20, 2, Done)];
        assert_eq!(told(fields, &asks), expected);
    }

    /// One thread, two places. 0 begins; 1 (tier 2) and 2 (tier 70) wait; 3 (tier 1) takes the
    /// place of 2, and begins first; 4, of tier 63 as 2 was, finds nobody less important.
    #[test]
    fn importance_may_be_what_a_request_was_born_with() {
        let fields = r#"server: Threads(workers: 1, queue: 2, order: PriorityBy("tier")),
            operations: { "look": [Wait(Always("10ms"))] }"#;
        let asks = [(0, 0), (1, 2), (2, 70), (3, 1), (4, 63)].map(|(at, it)| (at, "look", it));
        use Outcome::{Done, Shed};
        let expected = [(3, 2, Shed), (4, 4, Shed), (10, 0, Done), (20, 3, Done), (30, 1, Done)];
        assert_eq!(told_by(fields, &asks), expected);
    }

    /// 0 (20 ms, not named) is interrupted at 5 by 1 (10 ms), that at 8 by 2 (4 ms), done at 12.
    /// 1 has 7 left: done at 19; 0 has 15 left: 34, before the job that was due at 10. That is
    /// interrupted at 38 by 3, which waits for nobody: 42.
    #[test]
    fn work_that_is_more_important_interrupts() {
        let fields = r#"cpu: 1, preempt: ["first", "second"],
            operations: { "first": [Work(Always("4ms"))], "second": [Work(Always("10ms"))],
                          "third": [Work(Always("20ms"))] },
            jobs: { "tidy": Every("10ms", [Work(Always("5ms")), Wait(Always("1h"))]) }"#;
        let asks = [(0, "third"), (5, "second"), (8, "first"), (38, "first")];
        let times: Vec<(u64, usize)> =
            told(fields, &asks).into_iter().map(|(at, who, _)| (at, who)).collect();
        assert_eq!(times, [(12, 2), (19, 1), (34, 0), (42, 3)]);
    }

    /// Three classes, room for three. `a` to `c` are of classes 2, 0, 2. `d` of class 1 pushes out
    /// the last of class 2, `c`; `e` of class 1 then `a`; a third of class 1 finds nobody less
    /// important, and goes; `g` of class 0 pushes out `e`.
    #[test]
    fn the_last_of_the_least_important_gives_way() {
        let mut classes = Classes::new(3);
        let arrivals = [("a", 2), ("b", 0), ("c", 2), ("d", 1), ("e", 1), ("f", 1), ("g", 0)];
        let seen = arrivals.map(|(who, class)| classes.join(who, class, 3));
        assert_eq!(seen, [None, None, None, Some("c"), Some("a"), Some("f"), Some("e")]);
        assert_eq!(classes.waiting(), 3);
        assert_eq!([(); 4].map(|()| classes.next()), [Some("b"), Some("g"), Some("d"), None]);
        assert_eq!(classes.waiting(), 0);
    }

    #[test]
    fn who_leaves_a_class_is_not_served() {
        let mut classes = Classes::new(2);
        for (who, class) in [(1, 1), (2, 0), (3, 1)] {
            classes.join(who, class, 9);
        }
        assert!(classes.withdraw(&1) && !classes.withdraw(&1));
        assert_eq!(classes.waiting(), 2);
        assert_eq!([(); 3].map(|()| classes.next()), [Some(2), Some(3), None]);
    }

    #[test]
    fn without_room_everybody_is_shed() {
        assert_eq!(Classes::new(2).join("a", 0, 0), Some("a"));
    }
}
