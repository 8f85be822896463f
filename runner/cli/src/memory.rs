//! What the process asks of its allocator.

/// Has what is freed go back to the kernel, so that a run of many kernels takes little more than one of one.
///
/// Left alone, glibc gives each thread an arena, up to eight for a core, and keeps what is free in each; and once a
/// session's buffer of 16 MiB was freed, it takes all buffers up to that size from the arenas (mallopt(3)). Other
/// allocators are left as they are.
///
/// Has to be called before there is a second thread.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    glibc();
}

#[cfg(target_env = "gnu")]
fn glibc() {
    use nix::libc::{M_ARENA_MAX, M_MMAP_THRESHOLD, mallopt};

    /// Arenas that all threads share.
    const ARENAS: i32 = 2;
    /// Buffers from so many bytes on have a mapping of their own.
    const MAPPED: i32 = 128 * 1024;

    // SAFETY: mallopt takes two numbers, and nothing else runs yet. If it refuses, nothing changes but memory.
    unsafe {
        mallopt(M_ARENA_MAX, ARENAS);
        mallopt(M_MMAP_THRESHOLD, MAPPED);
    }
}
