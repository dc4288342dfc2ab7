//! What a request is known by to a store: one of its draws, or its root.

use engine::Request;

use crate::wiring::Wiring;

/// Where the key of a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOf {
    /// One of its draws, by place.
    Draw(u8),
    /// Its root: the user's request that it belongs to, whichever call or record carries it.
    Root,
}

impl KeyOf {
    /// The key named `name`: a draw, or `"request"` for the root. A problem if there is none.
    pub fn named(name: &str, wiring: &mut Wiring<'_>) -> Option<KeyOf> {
        match name {
            "request" => Some(KeyOf::Root),
            _ => wiring.draw(name).map(|place| KeyOf::Draw(place as u8)),
        }
    }

    /// The key of `request`.
    #[inline]
    pub fn of(self, request: &Request) -> u64 {
        match self {
            KeyOf::Draw(place) => u64::from(request.draws[place as usize]),
            KeyOf::Root => request.root,
        }
    }
}
