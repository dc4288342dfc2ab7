//! Hashes that choose without a table: jump, rendezvous, and nginx's `ip_hash`.

use crate::policy::ring::scatter;

/// FNV-1a, 64 bits.
pub fn fnv1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Jump consistent hash (Lamping and Veach, 2014): which of `buckets` buckets; of `n + 1` it is
/// that of `n`, or the new one. Panics without buckets.
pub fn jump(mut key: u64, buckets: u32) -> u32 {
    assert!(buckets > 0, "a key needs a bucket");
    let (mut bucket, mut next) = (0, 0);
    while next < u64::from(buckets) {
        bucket = next;
        key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        let stride = (1u64 << 31) as f64 / ((key >> 33) + 1) as f64;
        next = ((bucket + 1) as f64 * stride) as u64;
    }
    bucket as u32
}

/// nginx's `ip_hash` over equal peers: the key is an IPv4 address, of which three octets count.
/// Those that are out keep their places; only whoever falls on one of them is hashed again.
#[derive(Clone, Debug)]
pub struct IpHash {
    /// The peers there are, in order.
    there: Vec<u16>,
    /// Whose turn it is where hashing has not helped.
    next: usize,
}

/// So often nginx hashes again before it takes turns.
const REHASHES: u32 = 20;

impl IpHash {
    /// Over so many peers.
    pub fn new(members: u16) -> IpHash {
        IpHash { there: (0..members).collect(), next: 0 }
    }

    /// Members have joined or left: these are there now, in order, at least one.
    pub fn members_are(&mut self, present: &[u16]) {
        self.there.clear();
        self.there.extend_from_slice(present);
    }

    /// The peer of an address, of those that are ready.
    pub fn member(&mut self, address: u32, ready: &[u16]) -> u16 {
        let mut hash = 89;
        for _ in 0..=REHASHES {
            hash = hash_on(hash, address);
            let member = self.there[hash as usize % self.there.len()];
            if ready.binary_search(&member).is_ok() {
                return member;
            }
        }
        self.next += 1;
        ready[(self.next - 1) % ready.len()]
    }
}

/// The hash of an address that goes on from another.
fn hash_on(from: u32, address: u32) -> u32 {
    let octets = address.to_be_bytes();
    octets[..3].iter().fold(from, |hash, octet| (hash * 113 + u32::from(*octet)) % 6271)
}

/// The member with the highest score for `key` (Thaler and Ravishankar, 1998). With weights, the
/// score is −w / ln u; without (an empty list), u itself decides, which orders alike.
pub fn rendezvous(key: u64, ready: &[u16], weights: &[f64]) -> u16 {
    let word = |member: u16| scatter(scatter(key) ^ scatter(!u64::from(member)));
    let score = |member: u16| {
        let unit = ((word(member) >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
        -weights[member as usize] / libm::log(unit)
    };
    let members = ready.iter().copied();
    let best = match weights {
        [] => members.max_by_key(|member| word(*member)),
        _ => members.max_by(|a, b| score(*a).total_cmp(&score(*b))),
    };
    best.expect("somebody is ready")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The golden values of dgryski/go-jump, generated from the reference in C++ (B10).
    #[test]
    fn b10_jump_golden_values() {
        let all = |key| (1..=19).map(|n| jump(key, n)).collect::<Vec<u32>>();
        assert_eq!(all(1), [0, 0, 0, 0, 0, 0, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 17, 17]);
        let dead_beef = [0, 1, 2, 3, 3, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 16, 16, 16];
        assert_eq!(all(0xdead_beef), dead_beef);
        let coffee = [0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 15, 15, 15, 15];
        assert_eq!(all(0xddc_0ffe_ebad_f00d), coffee);
        let some = |key| [1, 2, 3, 5, 10, 100].map(|n| jump(key, n));
        assert_eq!(some(1), [0, 0, 0, 0, 6, 55]);
        assert_eq!(some(10), [0, 1, 2, 2, 7, 73]);
        assert_eq!(some(42), [0, 1, 2, 2, 2, 43]);
        assert_eq!(some(256), [0, 1, 2, 3, 3, 16]);
        assert_eq!(some(123_456_789), [0, 0, 0, 0, 7, 34]);
        // The published share is of keys spread by the golden ratio.
        let key = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let moved = (0..100_000).filter(|&n| jump(key(n), 10) != jump(key(n), 11)).count();
        assert_eq!(moved, 9074);
    }

    /// B08: the share of keys that move, by counting; jump and rendezvous within 0.3 %.
    #[test]
    fn b08_keys_moved() {
        const KEYS: u64 = 200_000;
        for (before, after) in [(10u16, 11u16), (10, 9), (4, 5), (3, 4), (100, 101), (8, 16)] {
            let (low, high) = (f64::from(before.min(after)), f64::from(before.max(after)));
            let ideal = 1.0 - low / high;
            let all: Vec<u16> = (0..before.max(after)).collect();
            let share = |owner: &dyn Fn(u64, u16) -> u16| {
                let moved = (0..KEYS).filter(|&key| owner(key, before) != owner(key, after));
                moved.count() as f64 / KEYS as f64
            };
            let modulo = share(&|key, n| (key % u64::from(n)) as u16);
            let jumped = share(&|key, n| jump(scatter(key), u32::from(n)) as u16);
            let highest = share(&|key, n| rendezvous(key, &all[..n as usize], &[]));
            assert!((jumped - ideal).abs() < 0.003, "{before} to {after}: {jumped}");
            assert!((highest - ideal).abs() < 0.003, "{before} to {after}: {highest}");
            // key mod a = key mod b holds for min(a, b) of lcm(a, b) keys in a row.
            let (a, b) = (u64::from(before), u64::from(after));
            let gcd = (1..=a).rev().find(|d| a % d == 0 && b % d == 0).expect("1 divides");
            let stay = a.min(b) as f64 / (a * b / gcd) as f64;
            assert!((modulo - (1.0 - stay)).abs() < 0.002, "{before} to {after}: {modulo}");
        }
    }

    fn address(octets: [u8; 4]) -> u32 {
        u32::from_be_bytes(octets)
    }

    /// Only the network counts: a whole /24 has one server.
    #[test]
    fn addresses_of_nginx() {
        let hash = |octets: [u8; 4]| {
            let address = address(octets);
            (hash_on(89, address), IpHash::new(3).member(address, &[0, 1, 2]))
        };
        assert_eq!(hash([10, 0, 0, 1]), (2565, 0));
        assert_eq!(hash([10, 0, 0, 200]), (2565, 0));
        assert_eq!(hash([10, 0, 1, 1]), (2566, 1));
        assert_eq!(hash([192, 168, 1, 7]), (154, 1));
    }

    /// 10.0.0.x is at 2565 = peer 0 of 3. With that one out: 2565 · 113 + 10 = 289855 = 1389 modulo
    /// 6271; 1389 · 113 = 156957 = 182; 182 · 113 = 20566 = 1753, which is peer 1 (1753 = 3 · 584 +
    /// 1). Clients of the others stay where they are. Alone among two thousand, peer 1999 is hardly
    /// found in 21 tries: turns are taken among those that are ready.
    #[test]
    fn nginx_hashes_again_whoever_has_no_server() {
        let mut hash = IpHash::new(3);
        let [ten, ten_one] = [address([10, 0, 0, 1]), address([10, 0, 1, 1])];
        assert_eq!(hash_on(2565, ten), 1753);
        assert_eq!([ten, ten_one].map(|it| hash.member(it, &[1, 2])), [1, 1]);
        assert_eq!([ten, ten_one].map(|it| hash.member(it, &[0, 1, 2])), [0, 1]);
        assert_eq!(IpHash::new(2000).member(ten, &[1999]), 1999);
        // Who has left is no peer any more: 2565 is 1 modulo 2, the second of those there are.
        hash.members_are(&[0, 2]);
        assert_eq!(hash.member(ten, &[0, 2]), 2);
    }

    /// Weights 3 and 1: three quarters of 40 000 keys, with a standard deviation of 0.0022.
    #[test]
    fn rendezvous_by_weight() {
        let first = (0..40_000).filter(|&key| rendezvous(key, &[0, 1], &[3.0, 1.0]) == 0).count();
        assert!((first as f64 / 40_000.0 - 0.75).abs() < 4.0 * 0.0022, "{first}");
    }

    /// Scores and orders worked out with another implementation, over names instead of numbers.
    #[test]
    fn scores_of_names() {
        let score = |key: &str, node: &str| scatter(fnv1a(key.as_bytes()) ^ fnv1a(node.as_bytes()));
        assert_eq!((scatter(0), score("k1", "A")), (0xe220_a839_7b1d_cdaf, 0xfecb_56f0_bede_8647));
        let order = |key: &str| {
            let mut nodes = ["A", "B", "C"];
            nodes.sort_by_key(|node| std::cmp::Reverse(score(key, node)));
            nodes.concat()
        };
        assert_eq!(["k1", "k2", "k3", "k4"].map(order), ["ABC", "CBA", "BAC", "ABC"]);
    }
}
