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
    /// Members there were when it was asked last.
    members: u32,
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
        self.members = scene.ready.len() as u32;
        self.in_hand += 1;
        self.adjust(scene.now);
        let width = self.width.min(self.members);
        let member = |place| scene.ready[((self.start + place) % self.members) as usize];
        self.part.clear();
        self.part.extend((0..width).map(member));
        let Scene { key, now, in_hand, below, .. } = scene;
        let (key, now, in_hand) = (*key, *now, *in_hand);
        self.two.pick(&mut Scene { ready: &self.part, key, now, in_hand, below: *below })
    }

    /// A call has ended.
    pub fn finished(&mut self, now: Time) {
        self.in_hand = self.in_hand.saturating_sub(1);
        self.adjust(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::Span;

    fn pick(aperture: &mut Aperture, now: u64, drawn: u32) -> u16 {
        aperture.pick(&mut Scene {
            ready: &[0, 1, 2, 3],
            key: 0,
            now: Time::ZERO + Span::secs(now),
            in_hand: &|_| 0,
            below: &mut |n| drawn % n,
        })
    }

    /// From 3, two wide: members 3 and 0.
    #[test]
    fn a_part_around_the_circle() {
        let mut aperture = Aperture::new(3, 2);
        assert_eq!((pick(&mut aperture, 0, 0), pick(&mut aperture, 0, 1)), (3, 0));
    }

    /// Ten calls in hand at once, averaged over 15 s: 10 (1 − e^(−4)) = 9.8 a minute later. That is
    /// above 1.125 for 2 and 3 members, and there are no more than 4.
    #[test]
    fn it_widens_under_load_and_narrows_again() {
        let mut aperture = Aperture::new(0, 2);
        (0..10).for_each(|_| _ = pick(&mut aperture, 0, 0));
        assert_eq!(aperture.width(), 2);
        pick(&mut aperture, 60, 0);
        pick(&mut aperture, 61, 0);
        pick(&mut aperture, 62, 0);
        assert_eq!(aperture.width(), 4);
        (0..13).for_each(|n| aperture.finished(Time::ZERO + Span::secs(63 + 100 * n)));
        assert_eq!(aperture.width(), 2);
    }
}
