use rstest::{fixture, rstest};
use scrubjay_wire::op::Values;
use scrubjay_wire::{Anchor, Arg, Buffer, Entry32, Vary, Where};

use super::*;

fn step(ticket: u32, op: Op) -> GuestStep {
    GuestStep { ticket, deadline_ms: 5_000, op }
}

fn call() -> Ioctl {
    let buffer = |len, placement| Buffer { bytes: Bytes::untouched(len), placement };
    Ioctl {
        slot: "fd".to_owned(),
        request: 0,
        arg: Arg::Buffer,
        buffers: vec![buffer(32, Placement::Normal), buffer(64, Placement::Kernel)],
        links: Vec::new(),
        entry: Entry32::Native,
    }
}

fn root() -> Where {
    Where { device: 0, anchor: Anchor::Root, path: String::new() }
}

/// Steps 0 to 6: an open, an ioctl, a sweep of four calls, a group of two branches, a list, a file read, a pause.
#[fixture]
fn program() -> Program {
    let vary = Vary { places: vec![(0, 0, 1)], values: Values::List(vec![1, 2, 3, 4]) };
    let sweep = Sweep { ioctl: call(), vary: vec![vary], collect: vec![(0, 0)] };
    let branches = vec![
        vec![step(10, Op::Host), step(11, Op::Ioctl(call())), step(12, Op::Host)],
        vec![step(13, Op::Signal { point: "p".to_owned() })],
    ];
    let steps = [
        Op::Open { slots: vec!["fd".to_owned()], at: root(), flags: 0 },
        Op::Ioctl(call()),
        Op::Sweep(sweep),
        Op::Parallel { branches },
        Op::List { at: root() },
        Op::ReadFile { at: root() },
        Op::Pause { ms: 1 },
    ];
    let steps = (0..).zip(steps).map(|(ticket, op)| step(ticket, op)).collect();
    Program { session: "s".to_owned(), steps }
}

fn ioctl() -> Answer {
    Answer { buffers: vec![Bytes::untouched(32), Bytes::default()], ..Answer::default() }
}

fn run(first: u64, count: u64) -> Run {
    Run { first, count, errno: 0, words: vec![7] }
}

fn sweep() -> Answer {
    Answer { runs: vec![run(0, 3), run(3, 1)], ..Answer::default() }
}

fn group() -> Answer {
    let plain = |ticket| (ticket, Answer::default());
    let branches = vec![Branch(vec![plain(10), (11, ioctl()), plain(12)]), Branch(vec![plain(13)])];
    Answer { branches, ..Answer::default() }
}

fn line(text: String) -> LogLine {
    LogLine { seq: 1, micros: 1, level: 4, caller: Some("T7".to_owned()), text }
}

fn entry() -> Entry {
    Entry { name: "fwctl".to_owned(), kind: 'd', mode: 0o755, uid: 0, gid: 0 }
}

fn right(ticket: u32) -> Answer {
    match ticket {
        1 => ioctl(),
        2 => sweep(),
        3 => group(),
        4 => Answer { entries: vec![entry()], ..Answer::default() },
        5 => Answer { text: Some("0\n".to_owned()), ..Answer::default() },
        _ => Answer::default(),
    }
}

/// A word of the guest.
enum Said {
    Begin(u32),
    Done(u32, Answer),
    End(End),
}

use Said::{Begin, Done};

/// All that a right guest says before step `ticket`.
fn until(ticket: u32) -> Vec<Said> {
    let one = |ticket| match ticket {
        3 => vec![Begin(3), Begin(10), Begin(12), Done(3, right(3))],
        _ => vec![Begin(ticket), Done(ticket, right(ticket))],
    };
    (0..ticket).flat_map(one).collect()
}

fn hear(program: &Program, said: Vec<Said>) -> Result<(), Offence> {
    let mut protocol = Protocol::new(program);
    said.into_iter().try_for_each(|said| match said {
        Begin(ticket) => protocol.begin(ticket),
        Done(ticket, answer) => protocol.done(ticket, &answer),
        Said::End(end) => protocol.end(&end, &[]),
    })
}

fn hung(ticket: u32, checkpoint: u64) -> Said {
    Said::End(End::Hung { ticket, checkpoint, stack: String::new() })
}

fn died(ticket: u32, checkpoint: u64) -> Said {
    Said::End(End::Died { ticket, checkpoint, signal: 9, status: 0 })
}

#[rstest]
#[case::to_its_end(until(7), Said::End(End::Finished))]
#[case::hangs_in_a_call({ let mut said = until(1); said.push(Begin(1)); said }, hung(1, 0))]
#[case::hangs_in_a_sweep({ let mut said = until(2); said.push(Begin(2)); said }, hung(2, 3))]
#[case::dies_in_a_call({ let mut said = until(1); said.push(Begin(1)); said }, died(1, 0))]
#[case::dies_of_its_last_step({ let mut said = until(2); said.push(Begin(2)); said }, died(1, 0))]
#[case::ends_by_itself(until(1), Said::End(End::Died { ticket: 99, checkpoint: 9, signal: 0, status: 1 }))]
fn a_guest_that_keeps_to_the_protocol_is_heard(program: Program, #[case] said: Vec<Said>, #[case] end: Said) {
    let all = said.into_iter().chain([end]).collect();
    assert_eq!(hear(&program, all), Ok(()));
}

#[rstest]
fn what_the_agent_could_not_do_needs_no_result(program: Program) {
    let unable = || Answer { errno: -1, text: Some("no memory".to_owned()), ..Answer::default() };
    let one = |ticket: u32| match ticket {
        3 => {
            let branches = vec![Branch(vec![(10, Answer::default())]), Branch::default()];
            vec![Begin(3), Begin(10), Done(3, Answer { branches, ..unable() })]
        }
        _ => vec![Begin(ticket), Done(ticket, unable())],
    };
    assert_eq!(hear(&program, (0..7).flat_map(one).collect()), Ok(()));
}

/// Each word in its place is wrong by one thing.
#[rstest]
#[case::a_ticket_beyond_all(0, vec![Begin(4_000_000_000)], "`begin` of step 4000000000 where `begin` of step 0 was due")]
#[case::a_later_step_first(0, vec![Begin(1)], "`begin` of step 1 where `begin` of step 0")]
#[case::done_before_begin(0, vec![Done(0, Answer::default())], "`done` of step 0 where `begin` of step 0")]
#[case::done_of_no_step(1, vec![Begin(1), Done(4_000_000_000, ioctl())], "`done` of step 4000000000 where `done` of step 1")]
#[case::done_of_another_step(1, vec![Begin(1), Done(0, ioctl())], "`done` of step 0 where `done` of step 1")]
#[case::done_twice(1, vec![Begin(1), Done(1, ioctl()), Done(1, ioctl())], "`done` of step 1 where `begin` of step 2")]
#[case::begun_twice(1, vec![Begin(1), Begin(1)], "`begin` of step 1 where `done` of step 1")]
#[case::two_steps_at_once(1, vec![Begin(1), Begin(2)], "`begin` of step 2 where `done` of step 1")]
#[case::a_step_after_the_last(7, vec![Begin(7)], "`begin` of step 7 where `end` was due")]
#[case::a_branch_that_is_not_under_way(1, vec![Begin(1), Begin(10)], "`begin` of step 10 where")]
#[case::a_branchs_step_that_needs_no_go(3, vec![Begin(3), Begin(11)], "`begin` of step 11 where `done` of step 3")]
#[case::a_branchs_step_twice(3, vec![Begin(3), Begin(10), Begin(10)], "`begin` of step 10 where")]
#[case::a_branch_backwards(3, vec![Begin(3), Begin(12), Begin(10)], "`begin` of step 10 where")]
#[case::done_of_a_branchs_step(3, vec![Begin(3), Begin(10), Done(10, Answer::default())], "`done` of step 10 where")]
#[case::a_branch_that_did_not_ask(3, vec![Begin(3), Begin(10), Done(3, group())], "step 12 of a branch was never announced")]
#[case::the_end_at_once(0, vec![Said::End(End::Finished)], "7 of its 7 steps were not performed")]
#[case::the_end_in_a_step(6, vec![Begin(6), Said::End(End::Finished)], "1 of its 7 steps were not performed")]
#[case::hung_between_steps(1, vec![hung(0, 0)], "`end` of step 0 where `begin` of step 1")]
#[case::hung_in_a_step_that_is_done(1, vec![Begin(1), hung(0, 0)], "`end` of step 0 where `done` of step 1")]
#[case::hung_in_no_step(1, vec![Begin(1), hung(4_000_000_000, 0)], "`end` of step 4000000000")]
#[case::died_in_a_step_to_come(1, vec![Begin(1), died(2, 0)], "`end` of step 2 where")]
#[case::died_before_the_first(0, vec![died(0, 0)], "`end` of step 0 where `begin` of step 0")]
#[case::a_checkpoint_beyond_the_sweep(2, vec![Begin(2), hung(2, 5)], "rounds 0 to 5 where round 0 of 4 is due")]
#[case::a_checkpoint_of_no_sweep(1, vec![Begin(1), died(1, 1)], "rounds 0 to 1 where round 0 of 0")]
#[case::endless_stacks(1, vec![Begin(1), Said::End(End::Hung { ticket: 1, checkpoint: 0, stack: "x".repeat(2 << 20) })], "the stacks of 2097152 bytes, and 1048576 are the most")]
fn a_word_out_of_turn_is_an_error_that_says_what_was_due(
    program: Program,
    #[case] at: u32,
    #[case] said: Vec<Said>,
    #[case] expected: &str,
) {
    let offence = hear(&program, until(at).into_iter().chain(said).collect()).unwrap_err().to_string();
    assert!(offence.contains(expected), "{offence}");
}

/// Each answer to its step is wrong by one thing.
#[rstest]
#[case::an_errno_that_is_none(1, |a: &mut Answer| a.errno = 4096, "the errno is 4096")]
#[case::an_errno_below_all(1, |a: &mut Answer| a.errno = i32::MIN, "the errno is -2147483648")]
#[case::no_buffers(1, |a: &mut Answer| a.buffers.clear(), "0 buffers, and there are 2")]
#[case::four_hundred_buffers(1, |a: &mut Answer| a.buffers.resize(400, Bytes::untouched(32)), "400 buffers, and there are 2")]
#[case::a_buffer_that_grew(1, |a: &mut Answer| a.buffers[0] = Bytes::untouched(1 << 20), "buffer 0 has 1048576 bytes, and 32 are due")]
#[case::a_buffer_that_shrank(1, |a: &mut Answer| a.buffers[0] = Bytes::default(), "buffer 0 has 0 bytes, and 32 are due")]
#[case::a_buffer_of_the_kernels(1, |a: &mut Answer| a.buffers[1] = Bytes::untouched(64), "buffer 1 has 64 bytes, and 0 are due")]
#[case::buffers_of_an_open(0, |a: &mut Answer| a.buffers = ioctl().buffers, "buffers, which the operation does not give")]
#[case::a_text_of_a_call(1, |a: &mut Answer| a.text = Some("x".into()), "a text, which the operation does not give")]
#[case::an_endless_file(5, |a: &mut Answer| a.text = Some("x".repeat(1 << 20)), "a text of 1048576 bytes, and 196608 are the most")]
#[case::names_of_a_call(1, |a: &mut Answer| a.entries = vec![entry()], "names, which the operation does not give")]
#[case::an_endless_name(4, |a: &mut Answer| a.entries[0].name = "x".repeat(1 << 20), "a name of 1048576 bytes")]
#[case::a_kind_of_file_that_is_none(4, |a: &mut Answer| a.entries[0].kind = '\n', "no kind of file")]
#[case::rounds_of_a_call(1, |a: &mut Answer| a.runs = sweep().runs, "rounds, which the operation does not give")]
#[case::rounds_that_are_missing(2, |a: &mut Answer| a.runs.truncate(1), "rounds 3 to 4 where round 3 of 4 is due")]
#[case::rounds_beyond_all(2, |a: &mut Answer| a.runs[1].count = u64::MAX, "where round 3 of 4 is due")]
#[case::rounds_twice(2, |a: &mut Answer| a.runs[1].first = 0, "rounds 0 to 0 where round 3 of 4 is due")]
#[case::a_run_of_none(2, |a: &mut Answer| a.runs[0].count = 0, "where round 0 of 4 is due")]
#[case::words_too_many(2, |a: &mut Answer| a.runs[0].words.push(1), "2 words of a round, and there are 1")]
#[case::a_rounds_errno(2, |a: &mut Answer| a.runs[0].errno = -5, "a round's errno is -5")]
#[case::branches_of_a_call(1, |a: &mut Answer| a.branches = group().branches, "branches, which the operation does not give")]
#[case::a_branch_too_few(3, |a: &mut Answer| { a.branches.pop(); }, "1 branches, and there are 2")]
#[case::a_branch_too_many(3, |a: &mut Answer| a.branches.push(Branch::default()), "3 branches, and there are 2")]
#[case::a_branchs_ticket(3, |a: &mut Answer| a.branches[0].0[1].0 = 4_000_000_000, "branch 0 answers step 4000000000 where 11 is due")]
#[case::another_branchs_step(3, |a: &mut Answer| a.branches.swap(0, 1), "branch 0 answers step 13 where 10 is due")]
#[case::an_answer_of_a_branch_that_is_missing(3, |a: &mut Answer| { a.branches[0].0.pop(); }, "2 answers of a branch, and there are 3")]
#[case::an_answer_of_a_branch_that_is_wrong(3, |a: &mut Answer| a.branches[0].0[1].1.buffers.clear(), "0 buffers, and there are 2")]
#[case::branches_in_a_branch(3, |a: &mut Answer| a.branches[0].0[0].1.branches = vec![Branch::default()], "branches, which the operation does not give")]
#[case::an_endless_line(1, |a: &mut Answer| a.log = vec![line("x".repeat(1 << 20))], "a line of the log of 1048576 bytes")]
#[case::an_endless_caller(1, |a: &mut Answer| a.log = vec![LogLine { caller: Some("T".repeat(99)), ..line(String::new()) }], "a line's caller of 99 bytes")]
#[case::a_level_that_is_none(1, |a: &mut Answer| a.log = vec![LogLine { level: 8, ..line(String::new()) }], "a line's level is 8")]
fn an_answer_that_cannot_be_is_an_error_that_says_what_is_wrong(
    program: Program,
    #[case] at: u32,
    #[case] spoil: fn(&mut Answer),
    #[case] expected: &str,
) {
    let mut said = until(at + 1);
    let Some(Done(ticket, answer)) = said.last_mut() else { unreachable!() };
    assert_eq!(*ticket, at);
    spoil(answer);
    let offence = hear(&program, said).unwrap_err().to_string();
    assert!(offence.contains(expected), "{offence}");
    assert!(offence.len() < 200, "{offence}");
}

fn settled(devices: usize) -> Settled {
    let addresses = vec!["0000:0d:00.0".to_owned(); devices];
    Settled { nodes: vec![true; devices], addresses, bound: vec!["ACPI0017:00".to_owned()], log: Vec::new() }
}

#[test]
fn what_a_guest_says_of_its_devices_is_heard() {
    assert!(settled(2).check(&[true, false], 2).is_ok());
    assert!(settled(0).check(&[], 0).is_ok());
    let gone = Settled { addresses: vec![String::new()], ..settled(1) };
    assert!(gone.check(&[false], 1).is_ok());
}

#[rstest]
#[case::too_few_waited_for(1, |_: &mut Settled| {}, "1 devices that were waited for, and there are 2")]
#[case::too_few_nodes(2, |s: &mut Settled| { s.nodes.pop(); }, "1 devices with or without a node, and there are 2")]
#[case::too_many_nodes(2, |s: &mut Settled| s.nodes.push(true), "3 devices with or without a node, and there are 2")]
#[case::too_few_addresses(2, |s: &mut Settled| { s.addresses.pop(); }, "1 addresses, and there are 2")]
#[case::an_address_that_is_none(2, |s: &mut Settled| s.addresses[1] = "a".to_owned(), "no PCI address: `a`")]
#[case::an_endless_address(2, |s: &mut Settled| s.addresses[1] = "0".repeat(1 << 20), "no PCI address: `0000000000000000000000000000000000000000`")]
#[case::a_root_that_is_none(2, |s: &mut Settled| s.bound.push("PNP0A08:00\nx".to_owned()), "no CXL root: `PNP0A08:00")]
#[case::a_line_of_the_log(2, |s: &mut Settled| s.log.push(line("x".repeat(1 << 20))), "a line of the log of 1048576 bytes")]
fn what_a_guest_cannot_say_of_its_devices_is_an_error(
    #[case] reached: usize,
    #[case] spoil: fn(&mut Settled),
    #[case] expected: &str,
) {
    let mut said = settled(2);
    spoil(&mut said);
    let Err(offence) = said.check(&vec![true; reached], 2) else { panic!("it is believed") };
    assert!(offence.to_string().contains(expected), "{offence}");
}
