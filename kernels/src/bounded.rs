//! Readers that end in an error where more comes than is believed: what unpacks without end, headers without end.
//!
//! Counts bytes; knows no format.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// Where a [`Bounded`] reader stops, shared with who moves it on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bound {
    read: Rc<Cell<u64>>,
    most: Rc<Cell<u64>>,
}

impl Bound {
    /// Lets `more` bytes through from where the reader is now.
    pub(crate) fn allow(&self, more: u64) {
        self.most.set(self.read.get().saturating_add(more));
    }

    /// Bytes that are still let through.
    pub(crate) fn left(&self) -> u64 {
        self.most.get().saturating_sub(self.read.get())
    }
}

/// Passes on as many bytes as its bound allows, and then is an error.
pub(crate) struct Bounded<R> {
    inner: R,
    bound: Bound,
    what: &'static str,
}

impl<R: Read> Bounded<R> {
    /// `what` is what the error says of a reader that goes on.
    pub(crate) fn new(inner: R, bound: Bound, what: &'static str) -> Self {
        Self { inner, bound, what }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let read = self.bound.read.get() + count as u64;
        self.bound.read.set(read);
        if read > self.bound.most.get() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, self.what));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_bytes_come_as_are_allowed() {
        let bound = Bound::default();
        bound.allow(5);
        let mut reader = Bounded::new([7; 9].as_slice(), bound.clone(), "too long");
        reader.read_exact(&mut [0; 5]).expect("allowed");
        bound.allow(3);
        reader.read_exact(&mut [0; 3]).expect("allowed");
        assert_eq!(reader.read_exact(&mut [0; 1]).expect_err("one too many").to_string(), "too long");
    }
}
