//! The device over its socket, as QEMU and a kernel's driver use it.

use std::io::{Read, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rstest::{fixture, rstest};
use scrubjay_device::{Device, DeviceError, NO_ANSWER, SOCKET_PATH_LIMIT};
use scrubjay_session::cxl::profile::{Answered, Background, Fault, OpcodeRef, Play, Profile, Trigger};
use scrubjay_uapi::cxl::{ReturnCode, Selection};
use scrubjay_wire::Bytes;
use tempfile::TempDir;
use vfio_user::Client;

const PROFILE: &str = r#"{
  "format": "scrubjay.device/1", "id": "p", "title": "t", "serial": "0x1", "attach": "pcie", "until": "memdev",
  "mailbox-payload": 512,
  "features": [
    { "name": "knob", "uuid": "00000000-0000-0000-0000-000000000001", "get-size": 4, "set-size": 4,
      "flags": ["changeable", "saved-selection"], "effects": ["immediate-configuration-change"],
      "current": "01020304", "saved": "11121314" }
  ]
}"#;

/// Get Feature of all of `knob`, current.
const GET: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 4, 0, 0];
/// Set Feature of all of `knob` to 09090909, not saved.
const SET: &[u8] = &[
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9,
    9,
];

const BAR: u32 = 0;
const CONFIG: u32 = 7;

/// Long enough for a loaded machine, short enough for a person.
const PATIENCE: Duration = Duration::from_secs(20);

struct Bench {
    dir: TempDir,
    device: Device,
}

impl Bench {
    fn new(profile: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let profile = Profile::parse(profile, Path::new("p.json")).unwrap();
        let device = Device::serve(&profile, &dir.path().join("s")).unwrap();
        Bench { dir, device }
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("s")
    }

    fn connect(&self) -> Driver {
        Driver::new(Client::new(&self.socket()).unwrap())
    }
}

#[fixture]
fn bench() -> Bench {
    Bench::new(PROFILE)
}

/// What cxl_pci does with the registers, found by the capability array and not by knowing.
struct Driver {
    client: Client,
    mailbox: u64,
}

impl Driver {
    fn new(mut client: Client) -> Self {
        let block = memdev_block(&mut client);
        let mut mailbox = 0;
        for index in 1..=3 {
            let header = read(&mut client, BAR, block + index * 0x10, 4);
            if header & 0xffff == 2 {
                mailbox = block + read(&mut client, BAR, block + index * 0x10 + 4, 4);
            }
        }
        assert_ne!(mailbox, 0, "there is a mailbox");
        Driver { client, mailbox }
    }

    fn doorbell(&mut self) -> bool {
        read(&mut self.client, BAR, self.mailbox + 4, 4) & 1 != 0
    }

    fn ring(&mut self, opcode: u16, input: &[u8]) {
        let command = u64::from(opcode) | (input.len() as u64) << 16;
        self.client.region_write(BAR, self.mailbox + 8, &command.to_le_bytes()).unwrap();
        if !input.is_empty() {
            self.client.region_write(BAR, self.mailbox + 0x20, input).unwrap();
        }
        self.client.region_write(BAR, self.mailbox + 4, &1u32.to_le_bytes()).unwrap();
    }

    fn answer(&mut self) -> (u16, Vec<u8>) {
        let status = read(&mut self.client, BAR, self.mailbox + 0x10, 8);
        let len = read(&mut self.client, BAR, self.mailbox + 8, 8) >> 16 & 0x1f_ffff;
        let mut output = vec![0; len.min(512) as usize];
        if !output.is_empty() {
            self.client.region_read(BAR, self.mailbox + 0x20, &mut output).unwrap();
        }
        ((status >> 32) as u16, output)
    }

    fn command(&mut self, opcode: u16, input: &[u8]) -> (u16, Vec<u8>) {
        self.ring(opcode, input);
        assert!(!self.doorbell(), "the doorbell is clear at once");
        self.answer()
    }

    fn wait(&mut self) {
        let begin = Instant::now();
        while self.doorbell() {
            assert!(begin.elapsed() < PATIENCE, "the doorbell clears");
        }
    }
}

fn read(client: &mut Client, region: u32, at: u64, width: usize) -> u64 {
    let mut bytes = [0; 8];
    client.region_read(region, at, &mut bytes[..width]).unwrap();
    u64::from_le_bytes(bytes)
}

/// The register locator DVSEC's memory device block (id 3), in BAR 0.
fn memdev_block(client: &mut Client) -> u64 {
    let mut at = 0x100;
    loop {
        let header = read(client, CONFIG, at, 4);
        if header & 0xffff == 0x23 && read(client, CONFIG, at + 8, 2) == 8 {
            break;
        }
        at = header >> 20;
        assert_ne!(at, 0, "there is a register locator");
    }
    for block in [0x0c, 0x14] {
        let low = read(client, CONFIG, at + block, 4);
        if low >> 8 & 0xff == 3 {
            return (low & 0xffff_0000) | read(client, CONFIG, at + block + 4, 4) << 32;
        }
    }
    panic!("there is a memory device block")
}

#[rstest]
fn a_devices_socket_is_for_its_user_alone(bench: Bench) {
    assert_eq!(bench.socket().metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[rstest]
fn a_command_is_answered_and_recorded(bench: Bench) {
    let mut driver = bench.connect();
    assert_eq!(driver.command(0x0501, GET), (0, vec![1, 2, 3, 4]));
    assert_eq!(driver.command(0xc000, &[7]), (3, vec![]));
    let trace = bench.device.take_trace();
    let seen: Vec<_> = trace.iter().map(|c| (c.opcode, &c.input[..], c.return_code, &c.output[..])).collect();
    assert_eq!(seen, [(0x0501, GET, 0, &[1, 2, 3, 4][..]), (0xc000, &[7], 3, &[])]);
    assert_eq!(bench.device.take_trace(), []);
}

#[rstest]
fn the_payload_is_shared_memory_and_the_doorbell_is_not(bench: Bench) {
    let mut driver = bench.connect();
    let region = driver.client.region(BAR).unwrap();
    let inside = |at: u64| region.sparse_areas.iter().any(|a| (a.offset..a.offset + a.size).contains(&at));
    assert!(inside(driver.mailbox + 8) && inside(driver.mailbox + 0x20 + 511));
    assert!(!inside(driver.mailbox) && !inside(driver.mailbox + 4));
    let memory = region.file_offset.as_ref().unwrap().file().try_clone().unwrap();
    let before = bench.device.messages();
    let command = 0x0501u64 | (GET.len() as u64) << 16;
    memory.write_all_at(&command.to_le_bytes(), driver.mailbox + 8).unwrap();
    memory.write_all_at(GET, driver.mailbox + 0x20).unwrap();
    assert!(!driver.doorbell());
    driver.client.region_write(BAR, driver.mailbox + 4, &1u32.to_le_bytes()).unwrap();
    assert!(!driver.doorbell());
    let mut output = [0; 4];
    memory.read_exact_at(&mut output, driver.mailbox + 0x20).unwrap();
    assert_eq!(output, [1, 2, 3, 4]);
    assert_eq!(bench.device.messages() - before, 3, "a command costs three messages");
}

#[rstest]
fn an_input_longer_than_the_payload_is_refused(bench: Bench) {
    let mut driver = bench.connect();
    let command = 0x0501u64 | 513 << 16;
    driver.client.region_write(BAR, driver.mailbox + 8, &command.to_le_bytes()).unwrap();
    driver.client.region_write(BAR, driver.mailbox + 4, &1u32.to_le_bytes()).unwrap();
    assert_eq!(driver.answer(), (ReturnCode::INVALID_PAYLOAD_LENGTH.0, vec![]));
}

#[rstest]
fn a_held_command_is_performed_when_it_is_released(bench: Bench) {
    let mut driver = bench.connect();
    bench.device.hold(0x0502);
    assert!(!bench.device.await_held(Duration::ZERO));
    assert_eq!(driver.command(0x0501, GET).0, 0, "another opcode is not held");
    driver.ring(0x0502, SET);
    assert!(bench.device.await_held(PATIENCE));
    assert!(driver.doorbell());
    assert_eq!(bench.device.value("knob", Selection::Current).unwrap(), [1, 2, 3, 4]);
    assert_eq!(bench.device.take_trace().len(), 1);
    assert!(bench.device.release() > Duration::ZERO);
    assert_eq!(bench.device.release(), Duration::ZERO, "nothing is held any more");
    assert!(!driver.doorbell());
    assert_eq!(driver.answer().0, 0);
    assert_eq!(bench.device.value("knob", Selection::Current).unwrap(), [9; 4]);
    assert_eq!(bench.device.take_trace().len(), 1);
    assert_eq!(driver.command(0x0502, SET).0, 0, "only the next one is held");
}

#[rstest]
fn a_reset_by_the_host_brings_the_profile_back_and_frees_the_mailbox(bench: Bench) {
    let mut driver = bench.connect();
    assert_eq!(driver.command(0x0502, SET).0, 0);
    bench.device.set_value("knob", Selection::Saved, 1, &[0xff]).unwrap();
    bench.device.fail_next(0x0501, ReturnCode(6), 100);
    bench.device.hold(0x0500);
    driver.ring(0x0500, &[8, 0, 0, 0, 0, 0, 0, 0]);
    assert!(driver.doorbell());
    bench.device.reset();
    assert!(!driver.doorbell());
    assert_eq!(bench.device.take_trace(), []);
    assert_eq!(driver.command(0x0501, GET), (0, vec![1, 2, 3, 4]));
    assert_eq!(bench.device.value("knob", Selection::Saved).unwrap(), [0x11, 0x12, 0x13, 0x14]);
}

#[rstest]
fn a_reset_by_the_client_keeps_the_profile_until_the_first_command(bench: Bench) {
    let mut driver = bench.connect();
    driver.client.reset().unwrap();
    assert_eq!(driver.command(0x0501, GET).1, [1, 2, 3, 4]);
    driver.client.reset().unwrap();
    assert_eq!(driver.command(0x0501, GET).1, [0x11, 0x12, 0x13, 0x14], "the saved value");
}

#[rstest]
fn a_function_level_reset_keeps_values_and_clears_the_doorbell(bench: Bench) {
    let mut driver = bench.connect();
    assert_eq!(driver.command(0x0502, SET).0, 0);
    bench.device.hold(0x0501);
    driver.ring(0x0501, GET);
    assert!(driver.doorbell());
    driver.client.region_write(CONFIG, 0x48, &0x8000u16.to_le_bytes()).unwrap();
    assert!(!driver.doorbell());
    assert_eq!(driver.command(0x0501, GET).1, [9; 4]);
}

#[rstest]
fn the_next_client_finds_a_device_just_powered_on(bench: Bench) {
    let mut driver = bench.connect();
    driver.client.region_write(CONFIG, 0x04, &6u16.to_le_bytes()).unwrap();
    assert_eq!(driver.command(0x0502, SET).0, 0);
    drop(driver);
    let mut driver = bench.connect();
    assert_eq!(read(&mut driver.client, CONFIG, 0x04, 2), 0);
    assert_eq!(driver.command(0x0501, GET).1, [0x11, 0x12, 0x13, 0x14], "the saved value");
    assert!(bench.device.alive());
}

fn fault(play: Play) -> Fault {
    Fault { on: Trigger { times: Some(1), ..Trigger::default() }, play }
}

#[rstest]
#[case::code(Play::ReturnCode(ReturnCode::BUSY), 6, "", [1, 2, 3, 4])]
#[case::code_beyond_the_table(Play::ReturnCode(ReturnCode(4096)), 4096, "", [1, 2, 3, 4])]
#[case::another_answer(Play::Answer(Answered { return_code: ReturnCode::BUSY, bytes: Bytes(vec![7; 3]) }), 6, "070707", [1, 2, 3, 4])]
#[case::performed(Play::PerformThenReturnCode(ReturnCode::RETRY_REQUIRED), 5, "", [9; 4])]
#[case::delayed(Play::DelayMs(30), 0, "", [9; 4])]
#[case::longer(Play::OutputExtended(2), 0, "eeee", [9; 4])]
fn a_fault_is_played_once_and_then_no_more(
    bench: Bench,
    #[case] play: Play,
    #[case] code: u16,
    #[case] output: &str,
    #[case] value: [u8; 4],
) {
    let mut driver = bench.connect();
    bench.device.inject(fault(play));
    driver.ring(0x0502, SET);
    driver.wait();
    let output = output.parse::<scrubjay_wire::Bytes>().unwrap();
    assert_eq!(driver.answer(), (code, output.0.clone()));
    assert_eq!(bench.device.value("knob", Selection::Current).unwrap(), value);
    let trace = bench.device.take_trace();
    assert_eq!((trace.len(), trace[0].return_code, &trace[0].output), (1, code, &output));
    assert_eq!(driver.command(0x0501, GET), (0, value.to_vec()));
}

#[rstest]
fn a_command_that_the_firmware_does_not_know_can_be_answered(bench: Bench) {
    let mut driver = bench.connect();
    assert_eq!(driver.command(0x4300, &[]).0, ReturnCode::UNSUPPORTED.0);
    let on = Trigger { opcode: Some(OpcodeRef(0x4300)), ..Trigger::default() };
    let more = Answered { return_code: ReturnCode::SUCCESS, bytes: Bytes(vec![1; 32]) };
    bench.device.inject(Fault { on, play: Play::Answer(more) });
    assert_eq!(driver.command(0x4300, &[]), (0, vec![1; 32]));
}

#[rstest]
fn a_code_can_be_asked_for_by_the_offset(bench: Bench) {
    let mut driver = bench.connect();
    bench.device.inject(Fault { on: Trigger::default(), play: Play::ReturnCodeFromOffset });
    let with = |input: &[u8], at: usize| {
        let mut input = input.to_vec();
        input[at..at + 2].copy_from_slice(&0x1234u16.to_le_bytes());
        input
    };
    assert_eq!(driver.command(0x0501, &with(GET, 16)), (0x1234, vec![]));
    assert_eq!(driver.command(0x0502, &with(SET, 20)), (0x1234, vec![]));
    assert_eq!(driver.command(0x0501, GET), (0, vec![1, 2, 3, 4]));
}

#[rstest]
fn a_doorbell_that_never_clears_stops_the_mailbox_until_the_host_resets(bench: Bench) {
    let mut driver = bench.connect();
    bench.device.inject(fault(Play::DoorbellStuck));
    driver.ring(0x0502, SET);
    assert!(driver.doorbell());
    driver.ring(0x0501, GET);
    let trace = bench.device.take_trace();
    assert_eq!((trace.len(), trace[0].opcode, trace[0].return_code), (1, 0x0502, NO_ANSWER));
    assert_eq!(bench.device.value("knob", Selection::Current).unwrap(), [1, 2, 3, 4]);
    bench.device.reset();
    assert_eq!(driver.command(0x0501, GET), (0, vec![1, 2, 3, 4]));
}

#[rstest]
#[case::running(40, 1)]
#[case::done(100, 0)]
fn a_background_answer_shows_in_its_register(bench: Bench, #[case] percent: u8, #[case] running: u64) {
    let mut driver = bench.connect();
    bench.device.inject(fault(Play::Background(Background { percent, return_code: ReturnCode::ABORTED })));
    assert_eq!(driver.command(0x0502, SET), (1, vec![]));
    assert_eq!(read(&mut driver.client, BAR, driver.mailbox + 0x10, 8) & 1, running);
    let status = read(&mut driver.client, BAR, driver.mailbox + 0x18, 8);
    assert_eq!(status, 0x0502 | u64::from(percent) << 16 | 0x12 << 32);
}

#[rstest]
fn a_claimed_length_is_told_as_it_is(bench: Bench) {
    let mut driver = bench.connect();
    bench.device.inject(fault(Play::OutputLengthClaimed(0x1f_fffe)));
    driver.ring(0x0501, GET);
    assert_eq!(read(&mut driver.client, BAR, driver.mailbox + 8, 8), 0x0501 | 0x1f_fffe << 16);
}

/// What no QEMU sends.
#[rstest]
#[case::noise(&[0xff; 64])]
#[case::short(&[1, 0, 1])]
#[case::version_shorter_than_itself(&[1, 0, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])]
#[case::version_without_an_end(&[1, 0, 1, 0, 22, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, b'{', b'}'])]
#[case::read_of_four_gigabytes(&[1, 0, 9, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff])]
#[case::read_of_no_region(&[1, 0, 9, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99, 0, 0, 0, 4, 0, 0, 0])]
#[case::read_at_the_end_of_numbers(&[1, 0, 9, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 4, 0, 0, 0])]
fn a_client_that_sends_garbage_harms_no_one_else(bench: Bench, #[case] garbage: &[u8]) {
    let mut stream = UnixStream::connect(bench.socket()).unwrap();
    stream.write_all(garbage).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = Vec::new();
    // Until the server lets go; what it says does not matter.
    let _ = stream.read_to_end(&mut answer);
    let mut driver = bench.connect();
    assert_eq!(driver.command(0x0501, GET), (0, vec![1, 2, 3, 4]));
    assert!(bench.device.alive());
}

/// A header of this size for a command, and what follows it.
fn message(command: u16, size: u32, body: &[u8]) -> Vec<u8> {
    let start = [[1, 0], command.to_le_bytes()].concat();
    [&start, &size.to_le_bytes()[..], &[0; 8], body].concat()
}

#[rstest]
#[case::shorter_than_its_header(15)]
#[case::longer_than_any(64 * 1024 + 1)]
#[case::four_gigabytes(u32::MAX)]
fn a_message_of_an_impossible_length_ends_its_client_at_once(bench: Bench, #[case] size: u32) {
    let mut stream = UnixStream::connect(bench.socket()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // Nothing more is sent, and the stream stays open: who believed the length would wait.
    stream.write_all(&message(10, size, &[0; 16])).unwrap();
    assert_eq!(stream.read(&mut [0; 64]).unwrap_or(0), 0, "it is not answered");
    assert_eq!(bench.connect().command(0x0501, GET).0, 0);
}

#[rstest]
#[case::read_of_too_much(9, &[[0; 12], [0xff; 12]].concat()[..16])]
#[case::write_of_less_than_it_says(10, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 1, 2, 3, 4])]
#[case::write_without_a_place(10, &[0; 4])]
#[case::version_without_a_number(1, &[0])]
#[case::region_beyond_the_last(5, &[32, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])]
#[case::interrupts_that_there_are_not(8, &[20, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff])]
#[case::a_command_that_is_none(77, &[])]
#[case::dirty_pages(14, &[0; 16])]
fn a_message_that_is_wrong_is_refused_and_the_next_is_answered(
    bench: Bench,
    #[case] command: u16,
    #[case] body: &[u8],
) {
    let mut stream = UnixStream::connect(bench.socket()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&message(command, 16 + body.len() as u32, body)).unwrap();
    let mut header = [0; 16];
    stream.read_exact(&mut header).unwrap();
    assert_eq!(header[..4], message(command, 0, &[])[..4]);
    assert_eq!(header[4..12], [16, 0, 0, 0, 0x21, 0, 0, 0], "a reply with an error, and nothing more");
    assert_ne!(header[12..], [0; 4], "an errno");
    // Get device info.
    stream.write_all(&message(4, 32, &[0; 16])).unwrap();
    let mut answer = [0; 32];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!((answer[8], answer[24]), (1, 9), "a reply: nine regions");
}

#[rstest]
fn a_message_that_wants_no_reply_gets_none(bench: Bench) {
    let mut stream = UnixStream::connect(bench.socket()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut unasked = message(99, 16, &[]);
    unasked[8] = 1 << 4;
    stream.write_all(&[unasked, message(4, 32, &[0; 16])].concat()).unwrap();
    let mut answer = [0; 32];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer[2], 4, "the first reply is the second message's");
}

#[rstest]
#[case::closes(|stream: UnixStream| drop(stream))]
#[case::reads_no_more(|stream: UnixStream| {
    stream.shutdown(std::net::Shutdown::Read).unwrap();
    std::mem::forget(stream);
})]
fn a_client_that_gives_up_is_known_to_be_gone_at_once(bench: Bench, #[case] give_up: fn(UnixStream)) {
    assert!(!bench.device.client_gone(), "none was there");
    let mut stream = UnixStream::connect(bench.socket()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&message(4, 32, &[0; 16])).unwrap();
    stream.read_exact(&mut [0; 32]).unwrap();
    assert!(!bench.device.client_gone());
    give_up(stream);
    assert!(bench.device.client_gone(), "before the server has done anything");
    assert!(bench.device.alive());
}

#[rstest]
fn a_client_that_comes_back_is_not_gone(bench: Bench) {
    drop(bench.connect());
    assert!(bench.device.client_gone());
    let mut driver = bench.connect();
    assert_eq!(driver.command(0x0501, GET).0, 0);
    assert!(!bench.device.client_gone());
}

#[rstest]
fn accesses_beyond_the_registers_read_ones_and_do_nothing(bench: Bench) {
    let mut driver = bench.connect();
    let end = driver.client.region(BAR).unwrap().size;
    driver.client.region_write(BAR, end - 2, &[0; 4]).unwrap();
    assert_eq!(read(&mut driver.client, BAR, end - 2, 4), 0xffff_ffff);
    assert_eq!(driver.command(0x0501, GET), (0, vec![1, 2, 3, 4]));
}

#[rstest]
#[case::never_connected(false)]
#[case::with_a_client(true)]
fn an_abandoned_device_breaks_its_connection_and_takes_no_other(bench: Bench, #[case] connected: bool) {
    let mut driver = connected.then(|| bench.connect());
    bench.device.abandon();
    assert!(!bench.device.alive());
    if let Some(driver) = &mut driver {
        assert!(driver.client.region_read(CONFIG, 0, &mut [0; 4]).is_err());
    }
    assert!(UnixStream::connect(bench.socket()).is_err());
    assert!(bench.socket().exists(), "as a server that died would leave it");
}

#[rstest]
#[case::never_connected(false)]
#[case::with_a_client(true)]
fn a_dropped_device_leaves_no_socket(bench: Bench, #[case] connected: bool) {
    let driver = connected.then(|| bench.connect());
    let Bench { dir, device } = bench;
    drop(device);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    drop(driver);
}

#[rstest]
fn devices_of_one_process_do_not_disturb_each_other() {
    let (first, second) = (Bench::new(PROFILE), Bench::new(PROFILE));
    let (mut one, mut two) = (first.connect(), second.connect());
    assert_eq!(one.command(0x0502, SET).0, 0);
    first.device.abandon();
    assert_eq!(two.command(0x0501, GET), (0, vec![1, 2, 3, 4]));
}

#[rstest]
fn a_socket_path_too_long_is_refused_with_its_length_and_the_limit() {
    let profile = Profile::parse(PROFILE, Path::new("p.json")).unwrap();
    let path = PathBuf::from(format!("/{}", "x".repeat(SOCKET_PATH_LIMIT)));
    let error = Device::serve(&profile, &path).unwrap_err();
    assert!(matches!(error, DeviceError::SocketPathTooLong { len: 108, .. }));
    let text = error.to_string();
    assert!(text.contains("/xxx") && text.contains("108") && text.contains("107"), "{text}");
}

#[rstest]
fn a_socket_that_is_taken_is_refused_by_name(bench: Bench) {
    let error = Device::serve(bench.device.profile(), &bench.socket()).unwrap_err().to_string();
    assert!(error.contains(bench.socket().to_str().unwrap()) && error.contains("`p`"), "{error}");
    assert!(bench.socket().exists(), "the other's socket stays");
}

#[rstest]
fn a_stock_device_needs_no_server() {
    let text = PROFILE.replace(r#""pcie""#, r#""qemu-cxl-type3""#);
    let text = format!("{} }}", text.split(r#","#).take(6).collect::<Vec<_>>().join(","));
    let profile = Profile::parse(&text, Path::new("p.json")).unwrap();
    assert!(matches!(Device::serve(&profile, Path::new("/nowhere/s")), Err(DeviceError::NotServed { .. })));
}
