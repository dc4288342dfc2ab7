//! Taking turns by weight: nginx's smooth weighted round robin, and the earliest deadline first
//! of Envoy.

/// nginx's `ngx_http_upstream_get_peer`: everybody gains its weight, the richest is asked and pays
/// the total. Over one cycle each member is asked as often as its weight says, evenly spread.
/// After failures a member gains less for a while: its effective weight.
#[derive(Clone, Debug)]
pub struct Smooth {
    peers: Vec<Peer>,
}

#[derive(Clone, Copy, Debug)]
struct Peer {
    weight: i64,
    /// What it gains: its weight, unless it has failed.
    effective: i64,
    current: i64,
}

impl Smooth {
    /// Nobody asked yet. One weight per member.
    pub fn new(weights: &[u32]) -> Smooth {
        let weights = weights.iter().map(|&weight| i64::from(weight));
        let peer = |weight| Peer { weight, effective: weight, current: 0 };
        Smooth { peers: weights.map(peer).collect() }
    }

    /// The next in turn; ties go to the first. Whoever failed and could be asked gains one more
    /// the next time, up to its weight.
    pub fn pick(&mut self, ready: &[u16]) -> u16 {
        let mut total = 0;
        let (mut best, mut most) = (ready[0], i64::MIN);
        for &member in ready {
            let peer = &mut self.peers[member as usize];
            peer.current += peer.effective;
            total += peer.effective;
            peer.effective += i64::from(peer.effective < peer.weight);
            if peer.current > most {
                (best, most) = (member, peer.current);
            }
        }
        self.peers[best as usize].current -= total;
        best
    }

    /// A member has failed, and `max_fails` such failures take it out: it loses that part of its
    /// weight, in whole numbers.
    pub fn failed(&mut self, member: u16, max_fails: u32) {
        let peer = &mut self.peers[member as usize];
        peer.effective = (peer.effective - peer.weight / i64::from(max_fails)).max(0);
    }
}

/// Envoy's EDF scheduler: a member's next turn comes 1/weight after its last; among equal
/// deadlines whoever waits longest goes first. Under a bias, the weight is divided by
/// (calls in hand + 1)^bias when the member is asked: weighted least request.
#[derive(Clone, Debug)]
pub struct Edf {
    weights: Vec<f64>,
    /// (deadline, order of entry).
    turns: Vec<(f64, u64)>,
    entered: u64,
    /// The deadline of the last turn. Who was out meanwhile goes on from here: what it has missed
    /// is not made up for.
    clock: f64,
    bias: f64,
}

impl Edf {
    /// Nobody asked yet. `bias` 0 is weighted round robin; Envoy's least request has 1.
    pub fn new(weights: &[u32], bias: f64) -> Edf {
        let weights: Vec<f64> = weights.iter().map(|&weight| f64::from(weight)).collect();
        let turns = weights.iter().zip(0..).map(|(weight, order)| (1.0 / weight, order)).collect();
        Edf { entered: weights.len() as u64, clock: 0.0, turns, weights, bias }
    }

    /// Whether it goes by calls in hand.
    pub fn counts(&self) -> bool {
        self.bias != 0.0
    }

    /// The one whose turn comes first.
    pub fn pick(&mut self, ready: &[u16], in_hand: &dyn Fn(u16) -> u32) -> u16 {
        let turn = |member: &u16| {
            let (deadline, order) = self.turns[*member as usize];
            (deadline.max(self.clock), order)
        };
        let first = |a: &u16, b: &u16| {
            let (a, b) = (turn(a), turn(b));
            a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))
        };
        let best = *ready.iter().min_by(|a, b| first(a, b)).expect("somebody is ready");
        self.clock = turn(&best).0;
        let load = match self.counts() {
            true => libm::pow(f64::from(in_hand(best)) + 1.0, self.bias),
            false => 1.0,
        };
        let deadline = self.clock + load / self.weights[best as usize];
        self.turns[best as usize] = (deadline, self.entered);
        self.entered += 1;
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cycle(weights: &[u32]) -> String {
        let mut smooth = Smooth::new(weights);
        let ready: Vec<u16> = (0..weights.len() as u16).collect();
        let total: u32 = weights.iter().sum();
        (0..total).map(|_| char::from(b'a' + smooth.pick(&ready) as u8)).collect()
    }

    /// B06 of the validation cases, after the message of nginx's commit.
    #[test]
    fn b06_smooth_cycles() {
        assert_eq!(cycle(&[5, 1, 1]), "aabacaa");
        assert_eq!(cycle(&[4, 2, 1]), "abacaba");
        assert_eq!(cycle(&[3, 2, 1]), "abacba");
        assert_eq!(cycle(&[1, 1, 1]), "abc");
        assert_eq!(cycle(&[7, 3, 2, 1]), "abacadabacaba");
    }

    /// The table that nginx's commit message prints.
    #[test]
    fn smooth_current_weights() {
        let mut smooth = Smooth::new(&[5, 1, 1]);
        let states: Vec<Vec<i64>> = (0..7)
            .map(|_| {
                smooth.pick(&[0, 1, 2]);
                smooth.peers.iter().map(|peer| peer.current).collect()
            })
            .collect();
        let after =
            [[-2, 1, 1], [-4, 2, 2], [1, -4, 3], [-1, -3, 4], [4, -2, -2], [2, -1, -1], [0, 0, 0]];
        assert_eq!(states, after);
    }

    /// Weights 3 and 1, three failures take one out: a loses 1 with each. First a (3, 1 of 4), and
    /// -1, 1 are left; it fails. Then it has -1 + 2 against 1 + 1: b, where without the failure
    /// a would be asked again. After that it gains 3 as before: 1 + 3 against -1 + 1 of 4, so that
    /// 0, 0 are left, and a new cycle begins.
    #[test]
    fn a_failure_lowers_a_weight_for_a_turn() {
        let turns = |fails: bool| -> Vec<u16> {
            let mut smooth = Smooth::new(&[3, 1]);
            let mut turns = vec![smooth.pick(&[0, 1])];
            if fails {
                smooth.failed(0, 3);
            }
            turns.extend((0..6).map(|_| smooth.pick(&[0, 1])));
            turns
        };
        assert_eq!(turns(false), [0, 0, 1, 0, 0, 0, 1]);
        assert_eq!(turns(true), [0, 1, 0, 0, 0, 1, 0]);
    }

    /// Weights 5, 1, 1, one failure takes out: a is asked (-2, 1, 1), fails and has no weight left.
    /// While it is out b and c take turns: (-2, 0, 2), (-2, 1, 1). Back, it gains 0 (-2, 0, 2 after
    /// b), 1 of 3 (-1, 1, 0 after c), 2 of 4 (1, -2, 1 after b), 3 of 5 (-1, -1, 2 after a), 4 of 6
    /// (-3, 0, 3 after a, the first of a and c), and 5 of 7 from then on (2, 1, -3 after c).
    #[test]
    fn who_comes_back_is_asked_little_by_little() {
        let mut smooth = Smooth::new(&[5, 1, 1]);
        assert_eq!(smooth.pick(&[0, 1, 2]), 0);
        smooth.failed(0, 1);
        assert_eq!([smooth.pick(&[1, 2]), smooth.pick(&[1, 2])], [1, 2]);
        let turns: Vec<u16> = (0..6).map(|_| smooth.pick(&[0, 1, 2])).collect();
        assert_eq!(turns, [1, 2, 1, 0, 0, 2]);
        let left: Vec<i64> = smooth.peers.iter().map(|peer| peer.current).collect();
        assert_eq!(left, [2, 1, -3]);
    }

    /// Of a weight of 5 every failure of two takes 2, but never below nothing: 3, 1, 0, 0. Of six
    /// failures one takes nothing.
    #[test]
    fn a_weight_is_lowered_in_whole_numbers() {
        let mut smooth = Smooth::new(&[5]);
        let mut after = |max_fails| {
            smooth.failed(0, max_fails);
            smooth.peers[0].effective
        };
        assert_eq!([after(6), after(2), after(2), after(2), after(2)], [5, 3, 1, 0, 0]);
    }

    /// Weights 2 and 1: a at 0.5; then a and b at 1, b entered first; a at 1.5; at 2 b entered
    /// before a.
    #[test]
    fn earliest_deadline_first() {
        let mut edf = Edf::new(&[2, 1], 0.0);
        let turns: Vec<u16> = (0..6).map(|_| edf.pick(&[0, 1], &|_| 0)).collect();
        assert_eq!(turns, [0, 1, 0, 0, 1, 0]);
    }

    /// Equal weights, three members: a, b, c at 1; then c is out while a and b have the turns at 2,
    /// 3, 4 and a at 5. Back, it has that turn, too (it entered before b and a), then b its own at
    /// 5, and from 6 on all three again: c does not get the three that it has missed.
    #[test]
    fn who_comes_back_takes_its_turn_and_no_more() {
        let mut edf = Edf::new(&[1, 1, 1], 0.0);
        let mut turns = |ready: &[u16], count| -> Vec<u16> {
            (0..count).map(|_| edf.pick(ready, &|_| 0)).collect()
        };
        assert_eq!(turns(&[0, 1, 2], 3), [0, 1, 2]);
        assert_eq!(turns(&[0, 1], 7), [0, 1, 0, 1, 0, 1, 0]);
        assert_eq!(turns(&[0, 1, 2], 8), [2, 1, 0, 2, 1, 0, 2, 1]);
    }

    /// Equal weights; member 0 has three calls in hand, so its next turn comes 4 later: it is
    /// asked at 1, and again at 5 after the others had 1, 2, 3, 4 and 5 (0 entered first).
    #[test]
    fn bias_lets_the_busy_wait() {
        let mut edf = Edf::new(&[1, 1], 1.0);
        let busy = |member: u16| if member == 0 { 3 } else { 0 };
        let turns: Vec<u16> = (0..7).map(|_| edf.pick(&[0, 1], &busy)).collect();
        assert_eq!(turns, [0, 1, 1, 1, 1, 0, 1]);
    }
}
