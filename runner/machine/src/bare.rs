//! Programs in machine code that stand in for the agent where a guest is to do next to nothing: what
//! a boot costs by itself, what becomes of a PID 1 that ends. Makes bytes; runs nothing.

/// An ELF-64 program of one segment that consists of `code` (System V ABI, ELF-64 object files).
pub fn program(code: &[u8]) -> Vec<u8> {
    const BASE: u64 = 0x40_0000;
    const HEADERS: u64 = 64 + 56;
    let size = HEADERS + code.len() as u64;
    let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let (executable, x86_64, version): (u16, u16, u32) = (2, 62, 1);
    elf.extend(executable.to_le_bytes());
    elf.extend(x86_64.to_le_bytes());
    elf.extend(version.to_le_bytes());
    for word in [BASE + HEADERS, 64, 0] {
        elf.extend(word.to_le_bytes()); // entry, program headers, section headers
    }
    elf.extend(0u32.to_le_bytes());
    for half in [64u16, 56, 1, 0, 0, 0] {
        elf.extend(half.to_le_bytes()); // sizes and counts of the headers
    }
    let (load, read_execute): (u32, u32) = (1, 5);
    elf.extend(load.to_le_bytes());
    elf.extend(read_execute.to_le_bytes());
    for word in [0, BASE, BASE, size, size, 0x1000] {
        elf.extend(word.to_le_bytes());
    }
    elf.extend(code);
    elf
}

/// Powers off at once, by `reboot(2)` (include/uapi/linux/reboot.h); where that is refused it stays,
/// because a PID 1 that ends is a panic.
pub fn power_off() -> Vec<u8> {
    program(&[
        0xb8, 169, 0, 0, 0, // mov eax, __NR_reboot
        0xbf, 0xad, 0xde, 0xe1, 0xfe, // mov edi, LINUX_REBOOT_MAGIC1
        0xbe, 0x69, 0x19, 0x12, 0x28, // mov esi, LINUX_REBOOT_MAGIC2
        0xba, 0xdc, 0xfe, 0x21, 0x43, // mov edx, LINUX_REBOOT_CMD_POWER_OFF
        0x0f, 0x05, // syscall
        0xeb, 0xfe, // jmp here
    ])
}
