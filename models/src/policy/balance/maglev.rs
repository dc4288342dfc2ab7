//! Maglev hashing (Eisenbud and others, 2016): a table filled by everybody's permutation in turn,
//! so that a look-up is one index and shares differ by about one in a hundred.

use crate::policy::ring::scatter;

/// The tables of those that were ready lately.
#[derive(Clone, Debug)]
pub struct Maglev {
    size: u32,
    /// The one used last comes first.
    tables: Vec<Table>,
}

/// Whose each place is.
#[derive(Clone, Debug)]
struct Table {
    /// For whom it was filled.
    of: Vec<u16>,
    places: Vec<u16>,
}

/// So many tables are kept: a crowd of users has several views at once.
const KEPT: usize = 4;

/// The largest table that Envoy takes.
pub const LARGEST: u32 = 5_000_011;

/// Fills a table of `size` places, a prime, from everybody's (offset, skip). Entries are places in
/// the list. Panics on an empty list.
pub fn fill(permutations: &[(u32, u32)], size: u32) -> Vec<u16> {
    assert!(!permutations.is_empty(), "a table needs members");
    let mut table = vec![u16::MAX; size as usize];
    let mut next: Vec<u64> = permutations.iter().map(|&(offset, _)| u64::from(offset)).collect();
    let mut filled = 0;
    loop {
        for (member, &(_, skip)) in permutations.iter().enumerate() {
            let size = u64::from(size);
            while table[(next[member] % size) as usize] != u16::MAX {
                next[member] = (next[member] + u64::from(skip)) % size;
            }
            table[(next[member] % size) as usize] = member as u16;
            filled += 1;
            if filled == size {
                return table;
            }
        }
    }
}

impl Maglev {
    /// Tables of `size` places, which is a prime; each is filled at the first look-up.
    pub fn new(size: u32) -> Maglev {
        Maglev { size, tables: Vec::new() }
    }

    /// Whose key this is among those that are ready: one index.
    #[inline]
    pub fn member(&mut self, key: u64, ready: &[u16]) -> u16 {
        if self.tables.first().is_none_or(|table| table.of != ready) {
            self.turn_to(ready);
        }
        self.tables[0].places[(scatter(key) % u64::from(self.size)) as usize]
    }

    /// The table of those that are ready comes first.
    #[cold]
    fn turn_to(&mut self, ready: &[u16]) {
        if let Some(place) = self.tables.iter().position(|table| table.of == ready) {
            return self.tables[..=place].rotate_right(1);
        }
        let permutation = |member: &u16| {
            let word = scatter(u64::from(*member) << 16);
            let offset = word % u64::from(self.size);
            let skip = scatter(word) % u64::from(self.size - 1) + 1;
            (offset as u32, skip as u32)
        };
        let permutations: Vec<(u32, u32)> = ready.iter().map(permutation).collect();
        let mut places = fill(&permutations, self.size);
        places.iter_mut().for_each(|place| *place = ready[usize::from(*place)]);
        self.tables.truncate(KEPT - 1);
        self.tables.insert(0, Table { of: ready.to_vec(), places });
    }
}

/// Whether `size` is a prime, which lets every skip reach every place.
pub fn is_prime(size: u32) -> bool {
    let size = u64::from(size);
    size > 1 && (2..).take_while(|d| d * d <= size).all(|d| !size.is_multiple_of(d))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the paper: M = 7, (offset, skip) = (3, 4), (0, 2), (3, 1); then without B1.
    #[test]
    fn the_table_of_the_paper() {
        assert_eq!(fill(&[(3, 4), (0, 2), (3, 1)], 7), [1, 0, 1, 0, 2, 2, 0]);
        assert_eq!(fill(&[(3, 4), (3, 1)], 7), [0, 0, 0, 0, 1, 1, 1]);
    }

    /// Shares of the table differ by at most one place in a filling round; a lost member moves
    /// its own tenth, and of the others' places, thousands for each, hardly one in a hundred.
    #[test]
    fn shares_and_moves() {
        let mut maglev = Maglev::new(65_537);
        let all: Vec<u16> = (0..10).collect();
        maglev.member(0, &all);
        let before = maglev.tables[0].places.clone();
        for member in 0..10 {
            let share = before.iter().filter(|&&it| it == member).count();
            assert!((6553..=6554).contains(&share), "{share}");
        }
        let rest: Vec<u16> = all.into_iter().filter(|&member| member != 3).collect();
        maglev.member(0, &rest);
        let after = &maglev.tables[0].places;
        let others = before.iter().zip(after).filter(|(was, is)| **was != 3 && was != is);
        assert!(!after.contains(&3));
        assert!(others.count() < 65_537 / 100, "more churn than a hundredth");
    }

    /// As many members, and other ones: each list has its own table, however they alternate.
    #[test]
    fn tables_of_several_views() {
        let mut maglev = Maglev::new(7);
        for turn in 0..20u16 {
            let ready = [turn % 5, turn % 5 + 5];
            let member = maglev.member(u64::from(turn), &ready);
            assert!(ready.contains(&member), "{member} of {ready:?}");
        }
        assert_eq!(maglev.tables.len(), KEPT);
        assert_eq!(maglev.tables[0].of, [4, 9]);
    }

    #[test]
    fn primes() {
        assert_eq!(
            [1, 2, 7, 9, 65_536, 65_537, 5_000_011].map(is_prime),
            [false, true, true, false, false, true, true]
        );
        // 2³² − 5 is the largest prime of 32 bits; the next divisor to try would be 2¹⁶.
        assert_eq!([4_294_967_291, u32::MAX].map(is_prime), [true, false]);
    }
}
