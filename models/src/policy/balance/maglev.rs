//! Maglev hashing (Eisenbud and others, 2016): a table filled by everybody's permutation in turn,
//! so that a look-up is one index and shares differ by about one in a hundred.

use crate::policy::ring::scatter;

/// The table, and for whom it was filled.
#[derive(Clone, Debug)]
pub struct Maglev {
    size: u32,
    table: Vec<u16>,
    /// For how many members it was filled; 0: it has to be filled anew.
    filled_for: usize,
}

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
    /// An empty table of `size` places, which is a prime: filled at the first look-up.
    pub fn new(size: u32) -> Maglev {
        Maglev { size, table: Vec::new(), filled_for: 0 }
    }

    /// Who is ready has changed: the table is filled anew at the next look-up.
    pub fn changed(&mut self) {
        self.filled_for = 0;
    }

    /// Whose key this is among those that are ready: one index.
    #[inline]
    pub fn member(&mut self, key: u64, ready: &[u16]) -> u16 {
        if self.filled_for != ready.len() {
            self.fill(ready);
        }
        self.table[(scatter(key) % u64::from(self.size)) as usize]
    }

    #[cold]
    fn fill(&mut self, ready: &[u16]) {
        let permutation = |member: &u16| {
            let word = scatter(u64::from(*member) << 16);
            let offset = word % u64::from(self.size);
            let skip = scatter(word) % u64::from(self.size - 1) + 1;
            (offset as u32, skip as u32)
        };
        let permutations: Vec<(u32, u32)> = ready.iter().map(permutation).collect();
        let places = fill(&permutations, self.size);
        self.table = places.into_iter().map(|place| ready[place as usize]).collect();
        self.filled_for = ready.len();
    }
}

/// Whether `size` is a prime, which lets every skip reach every place.
pub fn is_prime(size: u32) -> bool {
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
    /// its own tenth and little more.
    #[test]
    fn shares_and_moves() {
        let mut maglev = Maglev::new(65_537);
        let all: Vec<u16> = (0..10).collect();
        maglev.member(0, &all);
        let before = maglev.table.clone();
        for member in 0..10 {
            let share = before.iter().filter(|&&it| it == member).count();
            assert!((6553..=6554).contains(&share), "{share}");
        }
        let rest: Vec<u16> = all.into_iter().filter(|&member| member != 3).collect();
        maglev.changed();
        maglev.member(0, &rest);
        let others = before.iter().zip(&maglev.table).filter(|(was, is)| **was != 3 && was != is);
        assert!(!maglev.table.contains(&3));
        assert!(others.count() < 65_537 / 5, "more churn than a fifth");
    }

    #[test]
    fn primes() {
        assert_eq!(
            [1, 2, 7, 9, 65_536, 65_537, 5_000_011].map(is_prime),
            [false, true, true, false, false, true, true]
        );
    }
}
