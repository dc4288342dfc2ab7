//! What a request is known by to a store: one of its draws, two of them, or its root.

use engine::Request;

use crate::wiring::Wiring;

/// Where the key of a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOf {
    /// One of its draws, by place.
    Draw(u8),
    /// Two of its draws together: this user's copy of that post.
    Pair(u8, u8),
    /// Its root: the user's request that it belongs to, whichever call or record carries it.
    Root,
}

impl KeyOf {
    /// The key named `name`: a draw, two with a comma between, or `"request"` for the root. A
    /// problem if there is none.
    pub fn named(name: &str, wiring: &mut Wiring<'_>) -> Option<KeyOf> {
        if let Some((first, second)) = name.split_once(',') {
            let [first, second] = [first, second].map(|draw| wiring.draw(draw.trim()));
            return Some(KeyOf::Pair(first? as u8, second? as u8));
        }
        match name {
            "request" => Some(KeyOf::Root),
            _ => wiring.draw(name).map(|place| KeyOf::Draw(place as u8)),
        }
    }

    /// The key of `request`.
    #[inline]
    pub fn of(self, request: &Request) -> u64 {
        let draw = |place: u8| u64::from(request.draws[place as usize]);
        match self {
            KeyOf::Draw(place) => draw(place),
            KeyOf::Pair(first, second) => draw(first) << 32 | draw(second),
            KeyOf::Root => request.root,
        }
    }
}
