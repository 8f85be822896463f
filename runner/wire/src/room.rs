//! How much a message may grow to when it is read: counts what is made of it, before it is made.
//!
//! `"a5*16777216"` is thirteen characters and sixteen million bytes, and `[]` in a list is two characters and a whole
//! structure. What is read `within` a limit takes its room for both from that limit; what is read outside of one
//! (our own files, the host's word to its agent) is not counted.

use std::cell::Cell;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

thread_local! {
    /// What is left of the limit that this thread reads within.
    static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Puts the limit back that was there before, however the reading ends.
struct Outer(Option<usize>);

impl Drop for Outer {
    fn drop(&mut self) {
        LEFT.set(self.0);
    }
}

/// Reads within so many bytes; what was read, and how many it took.
pub(crate) fn within<T>(limit: usize, read: impl FnOnce() -> T) -> (T, usize) {
    let _outer = Outer(LEFT.replace(Some(limit)));
    let read = read();
    (read, limit - LEFT.get().unwrap_or(0))
}

/// Takes room for so many bytes.
///
/// # Errors
/// There is less.
pub(crate) fn take(bytes: usize) -> Result<(), Full> {
    let Some(left) = LEFT.get() else { return Ok(()) };
    LEFT.set(Some(left.checked_sub(bytes).ok_or(Full { bytes, left })?));
    Ok(())
}

/// What [`Full`] says between its numbers.
pub(crate) const NO_ROOM: &str = "bytes more, and there is room for";

/// There is no room for what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// What it would take.
    pub bytes: usize,
    /// What is left.
    pub left: usize,
}

impl std::fmt::Display for Full {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {NO_ROOM} {}", self.bytes, self.left)
    }
}

/// Reads a list, taking room for each of its elements.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    from.deserialize_seq(List(PhantomData))
}

struct List<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            take(size_of::<T>()).map_err(A::Error::custom)?;
            list.push(element);
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_taken_and_put_back() {
        assert!(take(usize::MAX).is_ok(), "nobody counts");
        let (inner, used) = within(10, || {
            take(4).unwrap();
            assert_eq!(take(7), Err(Full { bytes: 7, left: 6 }));
            within(3, || take(4).is_err()).0
        });
        assert!(inner);
        assert_eq!(used, 4);
        assert!(take(usize::MAX).is_ok(), "nobody counts again");
    }
}
