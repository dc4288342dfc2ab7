//! The event queue, in its simplest form: an ordered map. The fast one takes its place.
use crate::time::{Span, Time};
use std::collections::BTreeMap;
pub struct EventQueue<E> {
    map: BTreeMap<(Time, u64), E>,
    seq: u64,
}
impl<E> Default for EventQueue<E> {
    fn default() -> Self {
        EventQueue { map: BTreeMap::new(), seq: 0 }
    }
}
impl<E: Copy> EventQueue<E> {
    pub fn shuffled(_: u64) -> Self {
        Self::default()
    }
    pub fn at(&mut self, at: Time, event: E) {
        self.seq += 1;
        self.map.insert((at, self.seq), event);
    }
    pub fn after(&mut self, now: Time, span: Span, event: E) {
        self.at(now + span, event)
    }
    pub fn pop(&mut self, until: Time, mut live: impl FnMut(&E) -> bool) -> Option<(Time, E)> {
        loop {
            let (&(at, seq), &event) = self.map.first_key_value()?;
            if at > until {
                return None;
            }
            self.map.remove(&(at, seq));
            if live(&event) {
                return Some((at, event));
            }
        }
    }
}
