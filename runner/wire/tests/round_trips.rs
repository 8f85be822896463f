//! Properties: whatever is written, of bytes and of frames, is read back as it was; whatever comes is read or refused.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use scrubjay_wire::bytes::LONGEST;
use scrubjay_wire::{Answer, Branch, Bytes, End, Entry, FrameError, LogLine, Run, ToGuest, ToHost, frame};

/// The same cases on every run.
fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 256,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(12),
        ..ProptestConfig::default()
    }
}

/// Bytes with runs, as buffers have them.
fn bytes() -> impl Strategy<Value = Bytes> {
    let run = (any::<u8>(), 1..200_usize).prop_map(|(byte, count)| vec![byte; count]);
    let mixed = prop_oneof![vec(any::<u8>(), 0..20), run];
    vec(mixed, 0..8).prop_map(|parts| Bytes(parts.concat()))
}

fn line() -> impl Strategy<Value = LogLine> {
    let caller = proptest::option::of(".{0,5}");
    (any::<u64>(), any::<u64>(), any::<u8>(), caller, ".{0,60}")
        .prop_map(|(seq, micros, level, caller, text)| LogLine { seq, micros, level, caller, text })
}

fn leaf() -> impl Strategy<Value = Answer> {
    let run = (any::<u64>(), any::<u64>(), any::<i32>(), vec(any::<u32>(), 0..4))
        .prop_map(|(first, count, errno, words)| Run { first, count, errno, words });
    let entry = (".{0,9}", any::<char>(), any::<u32>(), any::<u32>(), any::<u32>())
        .prop_map(|(name, kind, mode, uid, gid)| Entry { name, kind, mode, uid, gid });
    let said = (any::<i32>(), any::<i64>(), vec(bytes(), 0..3), proptest::option::of(".{0,30}"));
    let counted = (any::<u64>(), any::<u64>(), any::<u32>(), any::<u64>());
    (said, vec(entry, 0..3), vec(run, 0..3), counted, vec(line(), 0..3)).prop_map(
        |((errno, ret, buffers, text), entries, runs, (taint_before, taint_after, tid, nanos), log)| Answer {
            errno,
            ret,
            buffers,
            text,
            entries,
            runs,
            branches: Vec::new(),
            taint_before,
            taint_after,
            tid,
            nanos,
            log,
        },
    )
}

fn answer() -> impl Strategy<Value = Answer> {
    let branches = vec(vec((any::<u32>(), leaf()), 0..3).prop_map(Branch), 0..3);
    (leaf(), branches).prop_map(|(answer, branches)| Answer { branches, ..answer })
}

fn to_host() -> impl Strategy<Value = ToHost> {
    let end = prop_oneof![
        Just(End::Finished),
        (any::<u32>(), any::<u64>(), ".{0,30}").prop_map(|(ticket, checkpoint, stack)| End::Hung {
            ticket,
            checkpoint,
            stack
        }),
        (any::<u32>(), any::<u64>(), any::<i32>(), any::<i32>()).prop_map(
            |(ticket, checkpoint, signal, status)| End::Died { ticket, checkpoint, signal, status }
        ),
    ];
    prop_oneof![
        any::<u32>().prop_map(|ticket| ToHost::Begin { ticket }),
        (any::<u32>(), answer())
            .prop_map(|(ticket, answer)| ToHost::Done { ticket, answer: Box::new(answer) }),
        (end, vec(line(), 0..3), any::<u64>()).prop_map(|(end, log, taint)| ToHost::End { end, log, taint }),
        ".{0,30}".prop_map(|why| ToHost::Failed { why }),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn bytes_are_read_as_they_were_written(bytes in bytes()) {
        let text = bytes.to_string();
        let again = text.parse::<Bytes>().expect("it was written");
        // One text only for the same bytes: goldens are compared as files.
        prop_assert_eq!(again.to_string(), text);
        prop_assert_eq!(again, bytes);
    }

    #[test]
    fn any_text_is_bytes_within_bounds_or_refused(text in "[0-9a-fA-F* ]{0,60}|.{0,30}") {
        if let Ok(bytes) = text.parse::<Bytes>() {
            prop_assert!(bytes.len() <= LONGEST);
        }
    }

    #[test]
    fn frames_are_read_as_they_were_written_one_after_the_other(messages in vec(to_host(), 0..4)) {
        let stream: Vec<u8> = messages.iter().flat_map(frame::encode).collect();
        let mut rest = stream.as_slice();
        for message in &messages {
            prop_assert_eq!(&frame::read::<ToHost>(&mut rest).expect("it was written"), message);
        }
        prop_assert!(matches!(frame::read::<ToHost>(&mut rest), Err(FrameError::Closed)));
    }

    #[test]
    fn a_frame_that_was_cut_is_an_error_and_one_that_was_garbled_no_panic(
        message in to_host(), cut in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bit in 0..8,
    ) {
        let whole = frame::encode(&message);
        let mut cut_off = &whole[..cut.index(whole.len())];
        prop_assert!(frame::read::<ToHost>(&mut cut_off).is_err());
        let mut garbled = whole.clone();
        garbled[at.index(whole.len())] ^= 1_u8 << bit;
        let _ = frame::read::<ToHost>(&mut garbled.as_slice());
        let _ = frame::read::<ToGuest>(&mut garbled.as_slice());
    }
}
