//! Single calls: a Get Feature through fwctl beside a read through EDAC, on the emulated device and on
//! QEMU's own, all in one guest and by turns. The times are the guest's; the messages are counted by the
//! servers of the devices.

use scrubjay_engine::watched::Watched;
use scrubjay_engine::{BootPlan, Placed};
use scrubjay_session::observation::OK;
use scrubjay_session::{Boot, Need, Performance, Session, Transcript};
use serde_json::{Value, json};

use crate::bench::{Bench, BenchError};
use crate::figures::{Call, Calls};
use crate::stats::median;

/// How often each kind takes its turn.
const TURNS: usize = 8;

/// How many calls it makes each time; the first is not counted, because it finds nothing in any cache.
const CALLS: usize = 26;

/// The emulated device, and QEMU's own.
const DEVICES: [&str; 2] = ["vendor", "stock-type3"];

/// The Features of [`DEVICES`]' first that are read.
const EIGHT_BYTES: &str = "power-cap";
const A_PAGE: &str = "telemetry-page";

/// The attribute behind which EDAC asks the device: two mailbox commands, one for the size.
const SCRUB_CYCLE: &str = "scrub0/current_cycle_duration";

/// What a kind of call gave.
#[derive(Default)]
struct Gathered {
    micros: Vec<f64>,
    messages: u64,
    calls: usize,
}

/// Measures.
pub fn measure(bench: &Bench) -> Result<Calls, BenchError> {
    let sessions = [
        session("get-8", 0, vec![], get(EIGHT_BYTES, 8)),
        session("get-1024", 0, vec![], get(A_PAGE, 1024)),
        session("edac", 0, vec![Need::Edac], read(SCRUB_CYCLE)),
        session("edac-stock", 1, vec![Need::Edac], read(SCRUB_CYCLE)),
    ];
    let plan = BootPlan {
        boot: Boot::Clean,
        cold: true,
        command_line: String::new(),
        devices: DEVICES.map(|id| Placed { profile: id.to_owned(), owner: None }).to_vec(),
        sessions: sessions.iter().map(|s| s.id.clone()).collect(),
        number: 1,
    };
    let mut gathered: [Gathered; 4] = Default::default();
    let mut guest = Watched::up(bench.lab, bench.kernel, &plan)?;
    for _ in 0..TURNS {
        for (session, gathered) in sessions.iter().zip(&mut gathered) {
            let before = guest.messages();
            let Some(lap) = guest.perform(session)? else { continue };
            gathered.messages += guest.messages() - before;
            let Performance::Performed(transcript) = lap.performance else { continue };
            gathered.take(&transcript)?;
        }
    }
    guest.down();
    let [get_8, get_1024, edac, edac_stock] = gathered.map(Gathered::call);
    let made = |call: Call| (call.calls > 0).then_some(call);
    Ok(Calls { get_8, get_1024, edac: made(edac), edac_stock: made(edac_stock) })
}

impl Gathered {
    fn take(&mut self, transcript: &Transcript) -> Result<(), BenchError> {
        let calls = transcript.steps.iter().filter(|seen| seen.id.starts_with("call-"));
        for (number, seen) in calls.enumerate() {
            if seen.observation.errno != OK {
                return Err(BenchError::Refused {
                    session: transcript.session.clone(),
                    step: seen.id.clone(),
                    errno: seen.observation.errno.clone(),
                });
            }
            self.calls += 1;
            if number > 0 {
                self.micros.push(seen.aside.nanos as f64 / 1e3);
            }
        }
        Ok(())
    }

    fn call(self) -> Call {
        let messages = if self.calls == 0 { 0.0 } else { self.messages as f64 / self.calls as f64 };
        Call { calls: self.calls, micros: median(self.micros), messages }
    }
}

fn get(feature: &str, count: u32) -> Value {
    json!({ "get-feature": { "feature": feature, "count": count } })
}

fn read(path: &str) -> Value {
    json!({ "read": { "anchor": "edac", "path": path } })
}

/// A session of many equal calls, between an open and a close where they need a descriptor.
fn session(id: &str, device: usize, needs: Vec<Need>, call: Value) -> Session {
    let descriptor = call.get("get-feature").is_some();
    let step = |id: String, what: &Value| json!({ "id": id, "do": what });
    let mut steps: Vec<Value> = (0..CALLS).map(|i| step(format!("call-{i}"), &call)).collect();
    if descriptor {
        steps.insert(0, step("open".to_owned(), &json!({ "open": {} })));
        steps.push(step("close".to_owned(), &json!({ "close": {} })));
    }
    let session = json!({
        "format": scrubjay_session::session::FORMAT, "id": format!("(bench {id})"), "title": id,
        "devices": [DEVICES[device]], "boot": "clean", "needs": needs, "promise": "G07", "steps": steps,
    });
    serde_json::from_value(session).expect("the benchmark's sessions are sessions")
}
