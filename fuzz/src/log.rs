//! What a kernel says: lines of its log, and consoles.

use scrubjay_session::klog;
use scrubjay_wire::LogLine;

/// A console: its end as log lines, and the class of every line.
pub fn log(data: &[u8]) {
    let console = String::from_utf8_lossy(data);
    for line in console.lines() {
        let line = LogLine { seq: 0, micros: 0, level: 3, caller: None, text: line.to_owned() };
        if let Some(event) = klog::classify(&line) {
            assert!(event.what.len() <= line.text.len().max(64), "longer than what was said: {event:?}");
        }
    }
    let lines = scrubjay_engine::damage_lines(&console);
    let first = lines.first().map(|line| klog::classify(line).map(|event| event.class.is_damage()));
    assert_ne!(first, Some(Some(false)), "it begins with what is no damage");
    assert_ne!(first, Some(None), "it begins with what means nothing");
}
