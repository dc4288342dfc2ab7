//! What a replica knows of a row, and how that travels: in the eight words of a request, and in
//! the word and a half of an answer.

use engine::{Answer, OpId, Outcome, Request};

/// Values and timestamps are of 48 bits on their way.
const BITS: u32 = 48;

/// A value and when it was written. Of two, the greater one holds: the later, and of two that are
/// equally late the one with the greater value, as in Cassandra.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Microseconds by the clock of whoever wrote it; 0: it was not written since the start.
    pub stamp: u64,
    /// The value.
    pub value: i64,
}

impl Cell {
    /// The value is of 48 bits, cut off at about 140 million millions in either direction; the
    /// timestamp ends after nine years.
    pub fn new(stamp: u64, value: i64) -> Cell {
        let most = (1i64 << (BITS - 1)) - 1;
        Cell { stamp: stamp.min((1 << BITS) - 1), value: value.clamp(-most, most) }
    }

    /// As an answer.
    pub fn answer(self) -> Answer {
        let value = self.value << (64 - BITS) | (self.stamp >> 32) as i64;
        Answer { value, version: self.stamp as u32, outcome: Outcome::Done, more: false }
    }

    /// The inverse of [`Cell::answer`].
    pub fn from_answer(answer: &Answer) -> Cell {
        let high = (answer.value & 0xffff) as u64;
        Cell { stamp: high << 32 | u64::from(answer.version), value: answer.value >> (64 - BITS) }
    }
}

/// A row of one of the tables, and what is to be known of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mutation {
    /// Which table, by its place.
    pub table: u16,
    /// Which row.
    pub key: u64,
    /// What was written.
    pub cell: Cell,
}

impl Mutation {
    /// As what one node asks of another, on behalf of `request`; the value is the argument.
    pub fn request(&self, op: OpId, request: &Request) -> Request {
        let Cell { stamp, .. } = self.cell;
        let table = u32::from(self.table) << 16 | (stamp >> 32) as u32;
        let draws = [self.key as u32, (self.key >> 32) as u32, stamp as u32, table];
        Request { op, draws, attempt: 0, ..*request }
    }

    /// The inverse of [`Mutation::request`].
    pub fn from_request(request: &Request, value: i64) -> Mutation {
        let [low, high, stamp, table] = request.draws.map(u64::from);
        let cell = Cell { stamp: (table & 0xffff) << 32 | stamp, value };
        Mutation { table: (table >> 16) as u16, key: high << 32 | low, cell }
    }
}

#[cfg(test)]
mod tests {
    use engine::Time;

    use super::*;

    #[test]
    fn cells_travel_whole() {
        let most = (1 << 47) - 1;
        for (stamp, value) in [(0, 0), (1, -1), ((1 << 48) - 1, most), (1 << 40, -most)] {
            let cell = Cell::new(stamp, value);
            assert_eq!(cell, Cell { stamp, value });
            assert_eq!(Cell::from_answer(&cell.answer()), cell);
            let mutation = Mutation { table: 65_535, key: u64::MAX - 1, cell };
            let request = mutation.request(OpId(7), &Request::internal(OpId(1), Time::ZERO));
            assert_eq!(request.op, OpId(7));
            assert_eq!(Mutation::from_request(&request, value), mutation);
        }
        assert_eq!(Cell::new(1 << 50, i64::MIN), Cell { stamp: (1 << 48) - 1, value: -most });
    }

    #[test]
    fn the_last_write_wins_and_the_greater_value_of_two_at_once() {
        assert!(Cell::new(2, 1) > Cell::new(1, 9));
        assert!(Cell::new(2, 9) > Cell::new(2, 1));
    }
}
