//! Aperture (Finagle): a client balances over a part of the members only, and widens or narrows
//! that part to keep the load per member within a band. Connections then grow with the clients
//! times the aperture, not times the servers.

use engine::Time;

use super::least::Distinct;
use super::rule::Scene;

/// The part in use, and how loaded it is.
#[derive(Clone, Debug)]
pub struct Aperture {
    /// Where this client's part begins on the circle of members: clients differ.
    start: u32,
    least: u32,
    width: u32,
    /// As seen last.
    members: u32,
    /// Calls in hand: counted anew at every choice, because not every end is heard of.
    in_hand: u32,
    average: f64,
    at: Time,
    two: Distinct,
    /// The members in use at the present choice.
    part: Vec<u16>,
}

/// Over how long the load is averaged.
const WINDOW: f64 = 15e9;
/// From this load per member on it widens.
const HIGH: f64 = 1.125;
/// Down to this load per member it narrows.
const LOW: f64 = 0.875;

impl Aperture {
    /// A part of `least` members that begins at member `start`.
    pub fn new(start: u32, least: u32) -> Aperture {
        Aperture {
            start,
            least,
            width: least,
            members: least,
            in_hand: 0,
            average: 0.0,
            at: Time::ZERO,
            two: Distinct::new(2),
            part: Vec::new(),
        }
    }

    /// How many members are in use.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// The calls in hand have changed: the average moves on, and the aperture by one at most.
    fn adjust(&mut self, now: Time) {
        let kept = libm::exp(-(now.since(self.at).0 as f64) / WINDOW);
        self.average = self.average * kept + f64::from(self.in_hand) * (1.0 - kept);
        self.at = now;
        let load = self.average / f64::from(self.width);
        if load >= HIGH && self.width < self.members {
            self.width += 1;
        } else if load <= LOW && self.width > self.least {
            self.width -= 1;
        }
    }

    /// The less loaded of two different ones within the aperture.
    pub fn pick(&mut self, scene: &mut Scene<'_>) -> u16 {
        let Scene { ready, key, now, in_hand, below } = scene;
        let (ready, key, now, in_hand) = (*ready, *key, *now, *in_hand);
        let members = ready.len() as u32;
        self.members = members;
        self.in_hand = ready.iter().map(|member| in_hand(*member)).sum::<u32>() + 1;
        self.adjust(now);
        let width = self.width.min(members);
        let member = |place| ready[((self.start + place) % members) as usize];
        self.part.clear();
        self.part.extend((0..width).map(member));
        self.two.pick(&mut Scene { ready: &self.part, key, now, in_hand, below: *below })
    }

    /// A call has ended: without its ends, bursts would be averaged as if nothing ever lasted.
    pub fn finished(&mut self, now: Time) {
        self.in_hand = self.in_hand.saturating_sub(1);
        self.adjust(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::Span;

    fn pick(aperture: &mut Aperture, now: u64, drawn: u32, in_hand: u32) -> u16 {
        aperture.pick(&mut Scene {
            ready: &[0, 1, 2, 3],
            key: 0,
            now: Time::ZERO + Span::secs(now),
            in_hand: &|_| in_hand,
            below: &mut |n| drawn % n,
        })
    }

    /// From 3, two wide: members 3 and 0.
    #[test]
    fn a_part_around_the_circle() {
        let mut aperture = Aperture::new(3, 2);
        assert_eq!((pick(&mut aperture, 0, 0, 0), pick(&mut aperture, 0, 1, 0)), (3, 0));
    }

    /// Two calls in hand at each of four, and a new one: 9, averaged over 15 s. At once that is
    /// nothing; a minute later it is 9 (1 − e^(−4)) = 8.8, above 1.125 for 2 and for 3 members, and
    /// there are no more than 4. With none in hand but the new one, it is about 1 after 100 s,
    /// below 0.875 for 4 and for 3 members.
    #[test]
    fn it_widens_under_load_and_narrows_again() {
        let mut aperture = Aperture::new(0, 2);
        let mut width = |now, in_hand| {
            pick(&mut aperture, now, 0, in_hand);
            aperture.width()
        };
        assert_eq!([0, 60, 61, 62].map(|now| width(now, 2)), [2, 3, 4, 4]);
        assert_eq!([162, 163, 164].map(|now| width(now, 0)), [3, 2, 2]);
    }

    /// Forty calls at once, that all end ten seconds later: from the first end on the average is
    /// 39 (1 − e^(−10/15)) = 19, above 1.125 for 2 and for 3 members.
    #[test]
    fn a_burst_is_seen_by_its_ends() {
        let mut aperture = Aperture::new(0, 2);
        (0..40).for_each(|burst| _ = pick(&mut aperture, 0, 0, burst / 4));
        assert_eq!(aperture.width(), 2);
        (0..2).for_each(|_| aperture.finished(Time::ZERO + Span::secs(10)));
        assert_eq!(aperture.width(), 4);
    }
}
