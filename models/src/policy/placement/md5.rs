//! MD5 (RFC 1321), because ketama's points and memcached's keys are made of it. A hash to place
//! things by, of no use to keep secrets.

/// How far each of a round's four steps rotates.
const TURNS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

/// The constants of the 64 steps: the whole part of 2³² |sin (i + 1)|.
fn sines() -> [u32; 64] {
    std::array::from_fn(|i| (libm::fabs(libm::sin((i + 1) as f64)) * 4_294_967_296.0) as u32)
}

/// The digest of a text, as four little-endian words.
pub fn md5(text: &[u8]) -> [u32; 4] {
    let sines = sines();
    let mut state = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    let blocks = text.chunks_exact(64);
    let rest = blocks.remainder();
    blocks.for_each(|block| state = mix(state, block, &sines));
    let mut last = [0; 128];
    last[..rest.len()].copy_from_slice(rest);
    last[rest.len()] = 0x80;
    let end = if rest.len() < 56 { 64 } else { 128 };
    last[end - 8..end].copy_from_slice(&(text.len() as u64 * 8).to_le_bytes());
    last[..end].chunks_exact(64).for_each(|block| state = mix(state, block, &sines));
    state
}

fn mix(state: [u32; 4], block: &[u8], sines: &[u32; 64]) -> [u32; 4] {
    let word = |at: usize| {
        let bytes = &block[4 * at..4 * at + 4];
        u32::from_le_bytes(bytes.try_into().expect("four bytes"))
    };
    let [mut a, mut b, mut c, mut d] = state;
    for step in 0..64 {
        let (f, at) = match step / 16 {
            0 => ((b & c) | (!b & d), step),
            1 => ((d & b) | (!d & c), (5 * step + 1) % 16),
            2 => (b ^ c ^ d, (3 * step + 5) % 16),
            _ => (c ^ (b | !d), (7 * step) % 16),
        };
        let sum = a.wrapping_add(f).wrapping_add(sines[step]).wrapping_add(word(at));
        let turned = b.wrapping_add(sum.rotate_left(TURNS[step / 16][step % 4]));
        (a, b, c, d) = (d, turned, b, c);
    }
    let [e, f, g, h] = state;
    [a.wrapping_add(e), b.wrapping_add(f), c.wrapping_add(g), d.wrapping_add(h)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> String {
        let bytes = md5(text.as_bytes()).map(u32::to_le_bytes).concat();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The test suite of RFC 1321, section A.5: of 0, 1, 3, 62 and 80 bytes, so that the length
    /// falls into the last block and into one of its own.
    #[test]
    fn digests_of_the_rfc() {
        assert_eq!(hex(""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(hex("a"), "0cc175b9c0f1b6a831c399e269772661");
        assert_eq!(hex("abc"), "900150983cd24fb0d6963f7d28e17f72");
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        assert_eq!(hex(letters), "d174ab98d277d9f5a5611c2c9f419d9f");
        assert_eq!(hex(&"1234567890".repeat(8)), "57edf4a22be3c955ac49da2e2107b67a");
    }
}
