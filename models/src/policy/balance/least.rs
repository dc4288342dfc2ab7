//! The least loaded by weight, as HAProxy and nginx reckon it, and choices without replacement.

use super::rule::Scene;
use super::weighted::Smooth;

/// How connections are weighed, and who wins a tie.
#[derive(Clone, Debug)]
pub enum LeastConnections {
    /// HAProxy: the lowest [`haproxy_key`]; any of several.
    Haproxy(Vec<u32>),
    /// nginx: the fewest connections per weight; several, gathered in the last field, take turns
    /// by weight.
    Nginx(Vec<u32>, Smooth, Vec<u16>),
}

/// The key of HAProxy's leastconn tree: an idle server comes first whatever its weight.
/// Weights are 1 to 256.
pub fn haproxy_key(in_flight: u32, weight: u32) -> u64 {
    match in_flight {
        0 => 0,
        _ => (u64::from(in_flight) + 1) * 4096 / (u64::from(weight) * 16),
    }
}

impl LeastConnections {
    /// One of the least loaded.
    pub fn pick(&mut self, scene: &mut Scene<'_>) -> u16 {
        match self {
            LeastConnections::Haproxy(weights) => {
                let key = |m: &u16| haproxy_key((scene.in_hand)(*m), weights[usize::from(*m)]);
                let least = scene.ready.iter().map(key).min().expect("somebody is ready");
                let equal = || scene.ready.iter().filter(|m| key(m) == least);
                let drawn = match equal().count() {
                    1 => 0,
                    count => (scene.below)(count as u32) as usize,
                };
                *equal().nth(drawn).expect("drawn below the count")
            }
            LeastConnections::Nginx(weights, smooth, equal) => {
                let (in_hand, weight) =
                    (scene.in_hand, |m: u16| u64::from(weights[usize::from(m)]));
                let order = |a: u16, b: u16| {
                    let (a, b) =
                        (u64::from(in_hand(a)) * weight(b), u64::from(in_hand(b)) * weight(a));
                    a.cmp(&b)
                };
                let ready = scene.ready.iter().copied();
                let least = ready.clone().min_by(|a, b| order(*a, *b)).expect("somebody is ready");
                equal.clear();
                equal.extend(ready.filter(|m| order(*m, least).is_eq()));
                if equal.len() == 1 { least } else { smooth.pick(equal) }
            }
        }
    }
}

/// The one with the fewest calls in hand of so many different ones; ties go to the one drawn
/// first. Everybody, if there are not so many. Draws as Finagle does: below n, then below n − 1
/// around those drawn already.
#[derive(Clone, Debug)]
pub struct Distinct {
    choices: u32,
    /// The places drawn for the present choice, in order of place.
    drawn: Vec<u32>,
}

impl Distinct {
    /// Draws `choices` of them.
    pub fn new(choices: u32) -> Distinct {
        Distinct { choices, drawn: Vec::new() }
    }

    /// The one with the fewest calls of those drawn.
    pub fn pick(&mut self, scene: &mut Scene<'_>) -> u16 {
        let in_hand = scene.in_hand;
        self.least(scene, in_hand)
    }

    /// The one with the least `load` of those drawn.
    pub fn least<T: PartialOrd>(
        &mut self,
        scene: &mut Scene<'_>,
        mut load: impl FnMut(u16) -> T,
    ) -> u16 {
        let count = scene.ready.len() as u32;
        self.drawn.clear();
        let mut best = None;
        for made in 0..self.choices.min(count) {
            let mut place = (scene.below)(count - made);
            for &earlier in &self.drawn {
                place += u32::from(place >= earlier);
            }
            let order = self.drawn.partition_point(|&earlier| earlier < place);
            self.drawn.insert(order, place);
            let member = scene.ready[place as usize];
            let load = load(member);
            if best.as_ref().is_none_or(|(least, _)| load < *least) {
                best = Some((load, member));
            }
        }
        best.expect("somebody is ready").1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::Time;

    fn picked(in_hand: &[u32], drawn: &[u32], pick: impl FnOnce(&mut Scene<'_>) -> u16) -> u16 {
        let ready: Vec<u16> = (0..in_hand.len() as u16).collect();
        let mut drawn = drawn.iter();
        pick(&mut Scene {
            ready: &ready,
            key: 0,
            now: Time::ZERO,
            in_hand: &|member| in_hand[member as usize],
            below: &mut |n| {
                let drawn = *drawn.next().expect("no more draws than expected");
                assert!(drawn < n);
                drawn
            },
        })
    }

    /// The keys that HAProxy's source gives for weights 1 and 2.
    #[test]
    fn keys_of_haproxy() {
        assert_eq!([0, 1, 2, 3].map(|n| haproxy_key(n, 1)), [0, 512, 768, 1024]);
        assert_eq!([0, 1, 2, 3].map(|n| haproxy_key(n, 2)), [0, 256, 384, 512]);
    }

    /// Idle comes before weight; 1 in hand at weight 1 and 3 at weight 2 are equal (512).
    #[test]
    fn the_least_connections_of_haproxy() {
        let pick = |in_hand: &[u32], drawn: &[u32]| {
            let mut rule = LeastConnections::Haproxy(vec![1, 2, 1]);
            picked(in_hand, drawn, |scene| rule.pick(scene))
        };
        assert_eq!(pick(&[0, 1, 1], &[]), 0);
        assert_eq!(pick(&[2, 2, 1], &[]), 1);
        assert_eq!((pick(&[1, 3, 4], &[0]), pick(&[1, 3, 4], &[1])), (0, 1));
    }

    /// 2 over weight 2 equals 1 over weight 1: turns by weight, the heavier first.
    #[test]
    fn the_least_connections_of_nginx() {
        let weights = vec![2, 1, 1];
        let mut rule = LeastConnections::Nginx(weights.clone(), Smooth::new(&weights), vec![]);
        let mut pick = |in_hand: &[u32]| picked(in_hand, &[], |scene| rule.pick(scene));
        assert_eq!((pick(&[3, 1, 2]), pick(&[1, 1, 1])), (1, 0));
        assert_eq!([pick(&[2, 1, 2]), pick(&[2, 1, 2]), pick(&[2, 1, 2])], [0, 1, 0]);
    }

    /// Of four, places 1 and then 1 again: the second is place 2, as 1 is drawn already.
    #[test]
    fn choices_without_replacement_differ() {
        let pick = |in_hand: &[u32], drawn: &[u32], choices| {
            picked(in_hand, drawn, |scene| Distinct::new(choices).pick(scene))
        };
        assert_eq!(pick(&[0, 5, 4, 0], &[1, 1], 2), 2);
        assert_eq!(pick(&[0, 4, 4, 0], &[2, 1], 2), 2, "a tie goes to the first drawn");
        // Places 3, then 0; then 1 of the two left (1, 2) is place 2.
        assert_eq!(pick(&[9, 0, 3, 7], &[3, 0, 1], 3), 2);
        // Two servers, two choices: always the idler one, where Envoy errs one time in four.
        assert_eq!((pick(&[1, 0], &[0, 0], 2), pick(&[1, 0], &[1, 0], 2)), (1, 1));
    }
}
