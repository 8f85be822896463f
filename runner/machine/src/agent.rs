//! The agent's bytes, as the build script made them. Nothing else.

/// The guest's PID 1: one static x86-64 ELF binary below 2 MiB, from the package `scrubjay-agent`.
pub static AGENT: &[u8] = include_bytes!(env!("SCRUBJAY_AGENT"));

#[cfg(test)]
mod tests {
    use super::AGENT;

    /// `e_type` at 16, `e_phoff` at 32, `e_phnum` at 56 (System V ABI, ELF-64 object files).
    #[test]
    fn the_agent_needs_neither_a_loader_nor_a_relocation() {
        assert_eq!(&AGENT[..5], b"\x7fELF\x02");
        let half = |at: usize| u16::from_le_bytes([AGENT[at], AGENT[at + 1]]);
        assert_eq!(half(16), 2, "ET_EXEC: an address that is fixed");
        let headers = u64::from_le_bytes(AGENT[32..40].try_into().unwrap()) as usize;
        for at in (0..half(56) as usize).map(|n| headers + n * 56) {
            assert_ne!(half(at), 3, "PT_INTERP: a loader is asked for");
        }
    }
}
