//! What comes over the guest channel: frames, and the byte strings in them.

use std::fmt::Debug;

use scrubjay_wire::frame::{self, FrameError};
use scrubjay_wire::{Bytes, ToGuest, ToHost};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What the frames of one guest may take, in bytes.
const ROOM: usize = 64 << 20;

/// Frames one after the other, as either side would read them.
pub fn frames(data: &[u8]) {
    read_all::<ToHost>(data);
    read_all::<ToGuest>(data);
    // As the host reads a body: by what it grows to.
    let body = data.get(4..).unwrap_or_default();
    if let Ok((_, taken)) = frame::decode::<ToHost>(body, ROOM) {
        assert!(taken <= ROOM, "{taken} bytes of a room of {ROOM}");
    }
}

fn read_all<T: Serialize + DeserializeOwned + PartialEq + Debug>(mut data: &[u8]) {
    loop {
        match frame::read::<T>(&mut data) {
            Ok(message) => {
                let again = frame::read::<T>(&mut frame::encode(&message).as_slice());
                assert_eq!(again.expect("what was written is read"), message);
            }
            Err(FrameError::Closed) => return,
            // As the host does it: nothing that follows is believed.
            Err(_) => return,
        }
    }
}

/// The text of a byte string.
pub fn bytes(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(bytes) = text.parse::<Bytes>() {
        assert!(bytes.len() <= scrubjay_wire::bytes::LONGEST);
        assert_eq!(bytes.to_string().parse::<Bytes>(), Ok(bytes));
    }
}
