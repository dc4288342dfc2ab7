//! The partitioner: which partition a record goes to, as Kafka's clients compute it.
//!
//! Murmur2 in 32 bits with Kafka's seed, over the decimal text of the key (what a string
//! serializer would send), its sign bit dropped, modulo the number of partitions.

const SEED: u32 = 0x9747_b28c;
const M: u32 = 0x5bd1_e995;

/// The partition of `key` among `partitions`.
pub fn partition_of(key: u64, partitions: u16) -> u16 {
    let mut text = [0; 20];
    let hash = murmur2(decimal(key, &mut text)) & 0x7fff_ffff;
    (hash % u32::from(partitions)) as u16
}

/// Writes `number` from the end of `text` on; without allocating, since every record comes by.
fn decimal(mut number: u64, text: &mut [u8; 20]) -> &[u8] {
    let mut at = text.len();
    loop {
        at -= 1;
        text[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &text[at..];
        }
    }
}

fn murmur2(data: &[u8]) -> u32 {
    let mut hash = SEED ^ data.len() as u32;
    let mut words = data.chunks_exact(4);
    for word in &mut words {
        let word = u32::from_le_bytes(word.try_into().expect("four bytes")).wrapping_mul(M);
        let word = (word ^ (word >> 24)).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ word;
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        let tail = rest.iter().rev().fold(0, |tail, byte| tail << 8 | u32::from(*byte));
        hash = (hash ^ tail).wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors of Kafka's own tests, and partitions worked out from them with 3, 6 and 12.
    #[test]
    fn hashes_and_partitions_are_those_of_kafka() {
        let hash = |text: &str| murmur2(text.as_bytes()) as i32;
        let hashes = ["21", "foobar", "abc"].map(hash);
        assert_eq!(hashes, [-973_932_308, -790_332_482, 479_470_107]);
        let partitions =
            |text: &str| [3, 6, 12].map(|n| (murmur2(text.as_bytes()) & 0x7fff_ffff) % n);
        assert_eq!(partitions("foobar"), [0, 0, 6]);
        assert_eq!(partitions("abc"), [0, 3, 3]);
        assert_eq!(partitions("user-1"), [2, 2, 8]);
        assert_eq!(partitions("order-42"), [0, 0, 0]);
    }

    /// "21": −973932308 without its sign bit is 1173551340 = 97795945 × 12 = 167650191 × 7 + 3.
    #[test]
    fn a_key_is_hashed_as_its_decimal_text() {
        assert_eq!((partition_of(21, 12), partition_of(21, 7)), (0, 3));
        let mut text = [0; 20];
        assert_eq!(decimal(0, &mut text), b"0");
        assert_eq!(decimal(u64::MAX, &mut text), b"18446744073709551615");
    }
}
