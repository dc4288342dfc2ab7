//! Redis Cluster's slots: 16384 of them, between keys and nodes, so that what moves when a node
//! is added is a line in a table and not a hash.

use super::text::with_decimal;

/// How many slots there are.
pub const SLOTS: u16 = 16_384;

/// CRC-16/XMODEM (polynomial 0x1021, from 0, not reflected).
pub fn crc16(bytes: &[u8]) -> u16 {
    let step = |crc: u16, byte: &u8| crc << 8 ^ TABLE[(crc >> 8 ^ u16::from(*byte)) as usize];
    bytes.iter().fold(0, step)
}

const TABLE: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut crc, mut bit) = ((byte as u16) << 8, 0);
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

/// The slot of a key. Of a key with a hash tag, what stands between the first `{` and the first
/// `}` after it, unless that is nothing, decides alone.
pub fn slot_of_text(key: &[u8]) -> u16 {
    let tag = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let inside = &key[open + 1..];
        let close = inside.iter().position(|byte| *byte == b'}')?;
        (close > 0).then(|| &inside[..close])
    });
    crc16(tag.unwrap_or(key)) % SLOTS
}

/// The slot of the key that is written `prefix` and then the decimal digits of `number`.
pub fn slot_of(prefix: &str, number: u64) -> u16 {
    with_decimal(prefix, number, slot_of_text)
}

/// Which of `masters` nodes has each slot at the start: ranges as even as can be, as `redis-cli
/// --cluster create` cuts them. Panics without masters.
pub fn even_split(masters: u16) -> Vec<u16> {
    assert!(masters > 0, "slots need somebody");
    let each = f64::from(SLOTS) / f64::from(masters);
    let mut owners = Vec::with_capacity(SLOTS.into());
    for master in 0..masters {
        let last = libm::round(each * f64::from(master + 1) - 1.0) as usize;
        let last = if master + 1 == masters { SLOTS as usize - 1 } else { last };
        owners.resize((last + 1).max(owners.len()), master);
    }
    owners
}

/// A line in the history of a slot map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A slot has moved to another master.
    Moved {
        /// Which slot.
        slot: u16,
        /// To whom.
        to: u16,
    },
    /// A replica stands in for its master, in all of its slots.
    TookOver {
        /// Whose slots.
        from: u16,
        /// Who has them now.
        to: u16,
        /// How many writes the new master has.
        writes: u32,
    },
}

impl Change {
    /// What it does to the owners of slots.
    pub fn apply(self, owners: &mut [u16]) {
        match self {
            Change::Moved { slot, to } => owners[slot as usize] = to,
            Change::TookOver { from, to, .. } => {
                owners.iter_mut().filter(|owner| **owner == from).for_each(|owner| *owner = to);
            }
        }
    }

    /// As the draws of a record.
    pub fn pack(self) -> [u32; 4] {
        match self {
            Change::Moved { slot, to } => [0, slot.into(), to.into(), 0],
            Change::TookOver { from, to, writes } => [1, from.into(), to.into(), writes],
        }
    }

    /// The inverse of [`Change::pack`].
    pub fn unpack([kind, what, to, writes]: [u32; 4]) -> Change {
        let (what, to) = (what as u16, to as u16);
        match kind {
            0 => Change::Moved { slot: what, to },
            _ => Change::TookOver { from: what, to, writes },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// B11: the check value of the specification, and slots that Redis gives.
    #[test]
    fn b11_slots_of_redis() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        for (key, slot) in [
            ("foo", 12_182),
            ("bar", 5061),
            ("hello", 866),
            ("123456789", 12_739),
            ("somekey", 11_058),
            ("06S", 0),
            ("Qi", 1),
            ("5L5", 2),
            ("{user1000}.following", 3443),
            ("{user1000}.followers", 3443),
            ("foo{}{bar}", 8363),
            ("foo{{bar}}zap", 4015),
            ("foo{bar}{zap}", 5061),
            ("user:1", 10_778),
            ("user:1000", 1649),
            ("product:100", 9618),
            ("order:50", 12_928),
        ] {
            assert_eq!(slot_of_text(key.as_bytes()), slot, "{key}");
        }
        assert_eq!((slot_of("user:", 1000), slot_of("", 123_456_789)), (1649, 12_739));
        assert_eq!((slot_of("{bar}", 7), slot_of("{bar}", 8)), (5061, 5061));
    }

    #[test]
    fn changes_are_read_as_they_were_written() {
        let took_over = Change::TookOver { from: 0, to: 4, writes: 70_000 };
        let changes = [Change::Moved { slot: 3, to: 2 }, took_over];
        let mut owners = vec![0, 1, 0, 1];
        for change in changes {
            assert_eq!(Change::unpack(change.pack()), change);
            change.apply(&mut owners);
        }
        assert_eq!(owners, [4, 1, 4, 2]);
    }

    /// What `redis-cli --cluster create` prints for three masters: 0 - 5460, 5461 - 10922 and
    /// 10923 - 16383.
    #[test]
    fn three_masters() {
        let owners = even_split(3);
        let first = |master| owners.iter().position(|owner| *owner == master);
        assert_eq!((owners.len(), owners[16_383]), (16_384, 2));
        assert_eq!([first(0), first(1), first(2)], [Some(0), Some(5461), Some(10_923)]);
        assert!(even_split(1).iter().all(|owner| *owner == 0));
        assert_eq!(even_split(4).iter().filter(|owner| **owner == 3).count(), 4096);
    }
}
