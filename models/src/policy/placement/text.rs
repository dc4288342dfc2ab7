//! Keys as text: clients hash what they send, which for a number is its decimal digits.

/// Longer texts than this are not made of keys.
const LONGEST: usize = 84;

/// Does something with `prefix` and the digits of `number`, without allocating: every request may
/// come by. A prefix longer than 64 bytes is cut.
pub fn with_decimal<T>(prefix: &str, number: u64, work: impl FnOnce(&[u8]) -> T) -> T {
    let mut text = [0; LONGEST];
    let digits = number.checked_ilog10().map_or(1, |digits| digits as usize + 1);
    let prefix = &prefix.as_bytes()[..prefix.len().min(64)];
    let end = prefix.len() + digits;
    text[..prefix.len()].copy_from_slice(prefix);
    let mut rest = number;
    for digit in text[prefix.len()..end].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    work(&text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_do() {
        let write = |prefix, number| with_decimal(prefix, number, <[u8]>::to_vec);
        assert_eq!(write("", 0), b"0");
        assert_eq!(write("user:", 1000), b"user:1000");
        assert_eq!(write("", u64::MAX), b"18446744073709551615");
    }
}
