//! Ketama, as libmemcached computes it: the ring that memcached's clients agree upon. Points are
//! MD5 digests of `"host-0"`, `"host-1"` …, four of each digest; the digest of a key is a place.

use super::md5::md5;
use super::text::with_decimal;
use crate::policy::ring::Ring;

/// Digests per member of average weight; each gives four points (libmemcached: 160 points).
const DIGESTS: f64 = 40.0;

/// How many digests each of these weights has, which may be none.
pub fn digests(weights: &[u32]) -> Vec<u32> {
    let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    let digests = |weight: &u32| {
        let share = f64::from(*weight) / total as f64;
        (share * DIGESTS * weights.len() as f64 + 1e-10) as u32
    };
    weights.iter().map(digests).collect()
}

/// The ring of hosts with so many digests each. Panics if there are none at all.
pub fn ketama<'a>(hosts: impl IntoIterator<Item = (&'a str, u32)>) -> Ring {
    let mut points = Vec::new();
    for (member, (host, digests)) in hosts.into_iter().enumerate() {
        for digest in 0..digests {
            let place = |point| (u64::from(point) << 32, member as u16);
            let words = md5(format!("{host}-{digest}").as_bytes());
            points.extend(words.map(place));
        }
    }
    Ring::placing(points, place_of)
}

/// The place of a key, written as decimal text, on such a ring.
fn place_of(key: u64) -> u64 {
    with_decimal("", key, place_of_text)
}

fn place_of_text(text: &[u8]) -> u64 {
    u64::from(md5(text)[0]) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTS: [&str; 8] = [
        "10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.4", "10.0.1.5", "10.0.1.6", "10.0.1.7",
        "10.0.1.8",
    ];

    /// Keys with their hash, the point that it belongs to, and its host: libmemcached's own test
    /// cases, for eight hosts with weights 600, 300, 200, 350, 1000, 800, 950 and 100.
    const CASES: &[(&str, u32, u32, &str)] = &[
        ("SVa_]_V41)", 443_691_461, 445_379_617, "10.0.1.7"),
        ("*/Z;?V(.\\8", 1_422_915_503, 1_428_303_028, "10.0.1.1"),
        ("30C1*Z*S/_", 1_473_165_754, 1_480_075_959, "10.0.1.2"),
        ("ERR:EC58G>", 2_148_406_511, 2_168_579_133, "10.0.1.7"),
        ("1I=cTMNTKF", 2_882_686_667, 2_885_206_587, "10.0.1.5"),
        ("]VG<`I*Z8)", 1_103_544_263, 1_104_827_657, "10.0.1.5"),
        ("UUTC`-V159", 3_716_288_206, 3_727_224_240, "10.0.1.5"),
        ("@7RU6C6T+Z", 3_862_737_685, 3_871_917_949, "10.0.1.5"),
        ("726bW=9*a4", 4_213_440_020, 4_213_950_705, "10.0.1.7"),
        ("P1[Ma3=K1/", 1_989_324_036, 1_994_028_240, "10.0.1.8"),
        ("D[HE+cFXDK", 2_117_036_136, 2_117_124_014, "10.0.1.3"),
        ("EM75N0+[X1", 1_558_531_507, 1_559_308_507, "10.0.1.4"),
        ("6,cEI`F_P>", 3_972_869_246, 3_974_773_167, "10.0.1.6"),
        ("8*6a;Sc*X+", 4_223_431_086, 4_230_156_966, "10.0.1.2"),
        ("[>RZHG97Q9", 71_954_686, 72_034_069, "10.0.1.6"),
        ("N-)88>[O`,", 50_404_102, 51_792_557, "10.0.1.5"),
        ("VD6D0]ba_\\", 3_842_502_950, 3_842_588_691, "10.0.1.1"),
    ];

    #[test]
    fn keys_belong_to_the_hosts_of_libmemcached() {
        let weights = [600, 300, 200, 350, 1000, 800, 950, 100];
        let ring = ketama(HOSTS.into_iter().zip(digests(&weights)));
        for (key, hash, point, host) in CASES {
            let place = place_of_text(key.as_bytes());
            assert_eq!(place >> 32, u64::from(*hash), "{key}");
            let (found, member) = ring.next_point(place);
            assert_eq!((found >> 32, HOSTS[member as usize]), (u64::from(*point), *host), "{key}");
        }
    }

    /// floor(weight / 4300 × 40 × 8) digests of four points: of 600, floor(44.65) × 4 = 176.
    #[test]
    fn points_by_weight() {
        let weights = [600, 300, 200, 350, 1000, 800, 950, 100];
        let ring = ketama(HOSTS.into_iter().zip(digests(&weights)));
        let counts: Vec<usize> = (0..8).map(|member| ring.points_of(member)).collect();
        assert_eq!(counts, [176, 88, 56, 104, 296, 236, 280, 28]);
        let equal = ketama(HOSTS.into_iter().zip(digests(&[1; 8])));
        assert!((0..8).all(|member| equal.points_of(member) == 160));
    }

    /// Of two, 40 × 2 × 1/1001 = 0.08: no digest; 1 of 80 is floor(80/80) = 1.
    #[test]
    fn a_small_weight_has_no_point() {
        assert_eq!((digests(&[1, 1000]), digests(&[1, 79])), (vec![0, 79], vec![1, 79]));
    }
}
