//! Taking turns by weight: nginx's smooth weighted round robin, and the earliest deadline first
//! of Envoy.

/// nginx's `ngx_http_upstream_get_peer`: everybody gains its weight, the richest is asked and pays
/// the total. Over one cycle each member is asked as often as its weight says, evenly spread.
#[derive(Clone, Debug)]
pub struct Smooth {
    weights: Vec<i64>,
    current: Vec<i64>,
}

impl Smooth {
    /// Nobody asked yet. One weight per member.
    pub fn new(weights: &[u32]) -> Smooth {
        let weights: Vec<i64> = weights.iter().map(|&weight| i64::from(weight)).collect();
        Smooth { current: vec![0; weights.len()], weights }
    }

    /// The next in turn; ties go to the first.
    pub fn pick(&mut self, ready: &[u16]) -> u16 {
        let mut total = 0;
        let mut best = ready[0];
        for &member in ready {
            let weight = self.weights[member as usize];
            self.current[member as usize] += weight;
            total += weight;
            if self.current[member as usize] > self.current[best as usize] {
                best = member;
            }
        }
        self.current[best as usize] -= total;
        best
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
                smooth.current.clone()
            })
            .collect();
        let after =
            [[-2, 1, 1], [-4, 2, 2], [1, -4, 3], [-1, -3, 4], [4, -2, -2], [2, -1, -1], [0, 0, 0]];
        assert_eq!(states, after);
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
