//! A generational slab: stale keys miss instead of aliasing.
//!
//! That one rule is how late answers, cancelled timers and the amnesia of a crash work.

/// Names one use of one place in a [`Slab`]. Fits 56 bits, so that a tag can ride beside it
/// (see [`crate::Word`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(u64);

const INDEX_BITS: u32 = 26;
const GENERATION_BITS: u32 = 30;
const INDEX_MASK: u64 = (1 << INDEX_BITS) - 1;
const GENERATION_MASK: u32 = (1 << GENERATION_BITS) - 1;

/// A key that never hits.
impl Default for Key {
    fn default() -> Key {
        Key::NONE
    }
}

impl Key {
    /// A key that never hits.
    pub const NONE: Key = Key(INDEX_MASK);

    #[inline]
    fn new(index: usize, generation: u32) -> Key {
        Key((generation as u64) << INDEX_BITS | index as u64)
    }

    /// The place in the slab; two live keys never share one.
    #[inline]
    pub fn index(self) -> usize {
        (self.0 & INDEX_MASK) as usize
    }

    #[inline]
    fn generation(self) -> u32 {
        (self.0 >> INDEX_BITS) as u32
    }

    /// All 56 bits.
    #[inline]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The inverse of [`Key::bits`].
    #[inline]
    pub fn from_bits(bits: u64) -> Key {
        Key(bits)
    }
}

/// A place, and what was put there last. Its generation is odd while that is live: no further mark
/// is needed, and what has been removed is overwritten by the next value, not cleared.
#[derive(Clone)]
struct Entry<T> {
    generation: u32,
    value: T,
}

impl<T> Entry<T> {
    #[inline]
    fn is_live(&self) -> bool {
        self.generation & 1 == 1
    }

    #[inline]
    fn turn(&mut self) {
        self.generation = self.generation.wrapping_add(1) & GENERATION_MASK;
    }
}

/// A pool of `T` with stable keys. Insert, get and remove take constant time; nothing is freed.
#[derive(Clone)]
pub struct Slab<T> {
    entries: Vec<Entry<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Slab { entries: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    /// Puts `value` in a free place. Panics beyond 67 million live entries.
    #[inline]
    pub fn insert(&mut self, value: T) -> Key {
        let Some(index) = self.free.pop() else { return self.append(value) };
        let entry = &mut self.entries[index as usize];
        entry.turn();
        entry.value = value;
        Key::new(index as usize, entry.generation)
    }

    /// In line, though it is rare: a call would take a pointer to `value`, which then had to be
    /// written to the stack before it is written to its place.
    #[inline(always)]
    fn append(&mut self, value: T) -> Key {
        let index = self.entries.len();
        assert!((index as u64) < INDEX_MASK, "more than 67 million live entries");
        self.entries.push(Entry { generation: 1, value });
        Key::new(index, 1)
    }

    /// The value under `key`, unless it has been removed since.
    #[inline]
    pub fn get(&self, key: Key) -> Option<&T> {
        let entry = self.entries.get(key.index())?;
        (entry.generation == key.generation()).then_some(&entry.value)
    }

    /// As [`Slab::get`], to change it.
    #[inline]
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let entry = self.entries.get_mut(key.index())?;
        (entry.generation == key.generation()).then_some(&mut entry.value)
    }

    /// Removes what is under `key`, which misses from now on, and returns a copy of it.
    #[inline]
    pub fn remove(&mut self, key: Key) -> Option<T>
    where
        T: Copy,
    {
        self.free(key).copied()
    }

    /// As [`Slab::remove`], for what cannot be copied.
    pub fn take(&mut self, key: Key) -> Option<T>
    where
        T: Default,
    {
        self.free(key).map(std::mem::take)
    }

    /// As [`Slab::remove`], for whoever does not want to see it.
    #[inline]
    pub fn discard(&mut self, key: Key) {
        self.free(key);
    }

    /// Frees the place; what it held can be looked at until something else is put there.
    #[inline]
    fn free(&mut self, key: Key) -> Option<&mut T> {
        let entry = self.entries.get_mut(key.index())?;
        if entry.generation != key.generation() {
            return None;
        }
        entry.turn();
        self.free.push(key.index() as u32);
        Some(&mut entry.value)
    }

    /// How many values are in it.
    pub fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All live entries by place, which is a deterministic order.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        let live = self.entries.iter().enumerate().filter(|(_, entry)| entry.is_live());
        live.map(|(index, entry)| (Key::new(index, entry.generation), &entry.value))
    }

    /// Removes everything. Keys handed out before keep missing.
    pub fn clear(&mut self) {
        self.free.clear();
        for (index, entry) in self.entries.iter_mut().enumerate().rev() {
            if entry.is_live() {
                entry.turn();
            }
            self.free.push(index as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_key_misses_even_when_its_place_is_taken_again() {
        let mut slab = Slab::default();
        let first = slab.insert("first");
        assert_eq!(slab.remove(first), Some("first"));
        let second = slab.insert("second");
        assert_eq!(second.index(), first.index());
        assert_eq!((slab.get(first), slab.get(second)), (None, Some(&"second")));
        slab.clear();
        assert_eq!((slab.get(second), slab.len()), (None, 0));
        assert_eq!(slab.get(Key::NONE), None);
    }
}
