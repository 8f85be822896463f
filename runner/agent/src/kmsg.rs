//! The kernel's own words: log records and taint. Reads only; interprets nothing.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::sync::{Mutex, OnceLock};

use nix::libc;
use scrubjay_wire::LogLine;

/// Longer than any record: one that does not fit is not read at all.
const RECORD: usize = 8192;

static LOG: OnceLock<Mutex<Log>> = OnceLock::new();
static TAINT: OnceLock<Option<File>> = OnceLock::new();

/// `/dev/kmsg`, and room for one record: made once, because clearing it takes longer than reading nothing.
struct Log {
    file: File,
    record: Box<[u8; RECORD]>,
}

fn log() -> &'static Mutex<Log> {
    LOG.get_or_init(|| {
        let file = File::options()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open("/dev/kmsg")
            .expect("/dev/kmsg opens for PID 1");
        Mutex::new(Log { file, record: Box::new([0; RECORD]) })
    })
}

/// Opens both files while there is the right to.
pub fn open() {
    log();
    taint();
}

/// The records since the last call, of this process or its parent: descriptors are shared.
pub fn fresh() -> Vec<LogLine> {
    let mut log = log().lock().unwrap_or_else(|e| e.into_inner());
    let Log { file, record } = &mut *log;
    let mut lines = Vec::new();
    loop {
        match file.read(&mut record[..]) {
            Ok(0) => return lines,
            Ok(n) => lines.extend(parse(&String::from_utf8_lossy(&record[..n]))),
            // Records were overwritten before they could be read: the next read goes on after them.
            Err(e) if e.raw_os_error() == Some(libc::EPIPE) => lines.push(LogLine {
                seq: 0,
                micros: 0,
                level: 4,
                caller: None,
                text: "scrubjay-agent: kernel log records were lost".to_owned(),
            }),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return lines,
        }
    }
}

/// A record of the kernel; `None` for what user space wrote (Documentation/ABI/testing/dev-kmsg).
fn parse(record: &str) -> Option<LogLine> {
    let (head, text) = record.split_once(';')?;
    let mut fields = head.split(',');
    let priority: u32 = fields.next()?.parse().ok()?;
    let seq = fields.next()?.parse().ok()?;
    let micros = fields.next()?.parse().ok()?;
    let caller = fields.find_map(|f| f.strip_prefix("caller=")).map(str::to_owned);
    if priority >> 3 != 0 {
        return None;
    }
    Some(LogLine {
        seq,
        micros,
        level: (priority & 7) as u8,
        caller,
        text: text.lines().next().unwrap_or_default().to_owned(),
    })
}

/// `/proc/sys/kernel/tainted`; `u64::MAX` where it cannot be read (a kernel without CONFIG_PROC_SYSCTL).
pub fn taint() -> u64 {
    let Some(file) = TAINT.get_or_init(|| File::open("/proc/sys/kernel/tainted").ok()) else {
        return u64::MAX;
    };
    let mut text = [0; 32];
    let n = file.read_at(&mut text, 0).unwrap_or(0);
    String::from_utf8_lossy(&text[..n]).trim().parse().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_with_a_caller_is_taken_apart() {
        let line = parse("6,339,5140900,-,caller=T17;fwctl fwctl0: hello\n SUBSYSTEM=fwctl\n").unwrap();
        assert_eq!((line.seq, line.micros, line.level), (339, 5140900, 6));
        assert_eq!(line.caller.as_deref(), Some("T17"));
        assert_eq!(line.text, "fwctl fwctl0: hello");
    }

    #[test]
    fn a_record_of_user_space_is_left_out() {
        assert_eq!(parse("12,340,5140901,-;someone wrote this\n"), None);
    }
}
