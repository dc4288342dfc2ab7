//! What a component remembers in a timer or a ticket: anything that fits in eight bytes.
//!
//! The kernel stores the word in the event or in the call record itself, so that a timer costs
//! no look-up and no allocation; the component gets its own type back and matches on it.

use crate::slab::Key;

/// A value that travels as eight bytes. Values that ride in a [`crate::word!`] variant must leave
/// the top eight bits free for its tag.
pub trait Word: Copy {
    /// As eight bytes.
    fn pack(self) -> u64;
    /// The inverse of [`Word::pack`].
    fn unpack(word: u64) -> Self;
}

impl Word for Key {
    #[inline]
    fn pack(self) -> u64 {
        self.bits()
    }
    #[inline]
    fn unpack(word: u64) -> Key {
        Key::from_bits(word)
    }
}

impl Word for u32 {
    #[inline]
    fn pack(self) -> u64 {
        self as u64
    }
    #[inline]
    fn unpack(word: u64) -> u32 {
        word as u32
    }
}

impl Word for (u16, u32) {
    #[inline]
    fn pack(self) -> u64 {
        (self.0 as u64) << 32 | self.1 as u64
    }
    #[inline]
    fn unpack(word: u64) -> (u16, u32) {
        ((word >> 32) as u16, word as u32)
    }
}

impl Word for () {
    #[inline]
    fn pack(self) -> u64 {
        0
    }
    #[inline]
    fn unpack(_: u64) {}
}

/// The type of timers, tickets or levers of a component that has none: it has no values.
#[derive(Clone, Copy, Debug)]
pub enum Never {}

impl Word for Never {
    fn pack(self) -> u64 {
        match self {}
    }
    fn unpack(_: u64) -> Never {
        unreachable!("a component that sets no timers, or makes no calls, was handed one")
    }
}

/// Declares an enum that is a [`Word`]: at most 256 variants, each with nothing or with one value
/// of at most 56 bits.
///
/// ```
/// engine::word! {
///     /// What this component's timers mean.
///     pub enum Timer {
///         /// Time for the next sweep.
///         Sweep,
///         /// The statement of this transaction is done.
///         Done(engine::Key),
///     }
/// }
/// ```
#[macro_export]
macro_rules! word {
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$note:meta])* $variant:ident $(($payload:ty))?),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        #[repr(u8)]
        $vis enum $name { $($(#[$note])* $variant $(($payload))?),* }

        impl $crate::Word for $name {
            #[inline]
            fn pack(self) -> u64 {
                #[repr(u8)]
                enum Tag { $($variant),* }
                match self {
                    $($crate::word!(@pattern $variant x $($payload)?) => {
                        (Tag::$variant as u64) << 56 | $crate::word!(@pack x $($payload)?)
                    })*
                }
            }
            #[inline]
            fn unpack(word: u64) -> Self {
                #[repr(u8)]
                enum Tag { $($variant),* }
                let rest = word & ((1 << 56) - 1);
                $(if word >> 56 == Tag::$variant as u64 {
                    return $crate::word!(@unpack $variant rest $($payload)?);
                })*
                unreachable!("a word of another component")
            }
        }
    };
    (@pattern $variant:ident $x:ident) => { Self::$variant };
    (@pattern $variant:ident $x:ident $payload:ty) => { Self::$variant($x) };
    (@pack $x:ident) => { 0 };
    (@pack $x:ident $payload:ty) => { $crate::Word::pack($x) };
    (@unpack $variant:ident $rest:ident) => { { let _ = $rest; Self::$variant } };
    (@unpack $variant:ident $rest:ident $payload:ty) => {
        Self::$variant(<$payload as $crate::Word>::unpack($rest))
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slab::Slab;

    word! {
        enum Timer { Sweep, Done(Key), Check((u16, u32)) }
    }

    #[test]
    fn a_word_comes_back_as_it_was() {
        let mut slab = Slab::default();
        let key = slab.insert(());
        let back = |timer: Timer| Timer::unpack(timer.pack());
        assert!(matches!(back(Timer::Sweep), Timer::Sweep));
        assert!(matches!(back(Timer::Done(key)), Timer::Done(k) if k == key));
        assert!(matches!(back(Timer::Check((7, 9))), Timer::Check((7, 9))));
    }
}
