//! Programs that are not the agent, in machine code. Asserts nothing.

use scrubjay_machine::bare::program;

/// `pause()` for ever.
pub fn sleeper() -> Vec<u8> {
    program(&[0xb8, 34, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7])
}

/// `exit(0)`.
pub fn quitter() -> Vec<u8> {
    program(&[0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05])
}
