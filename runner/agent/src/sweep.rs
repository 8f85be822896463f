//! One ioctl many times over, folded into runs of equal results.

use std::os::fd::AsRawFd;

use nix::sys::mman::ProtFlags;
use scrubjay_wire::{Answer, Run, Sweep};

use crate::call::enter;
use crate::heartbeat::heartbeat;
use crate::memory::Laid;
use crate::slots::Slots;

/// The buffer number that stands for the command word.
const COMMAND_WORD: u8 = 255;

/// Performs the whole sweep; the last value moves fastest.
pub fn run(sweep: &Sweep, slots: &Slots, answer: &mut Answer) -> Result<(), String> {
    let call = &sweep.ioctl;
    let rounds = sweep
        .vary
        .iter()
        .try_fold(1u64, |product, vary| product.checked_mul(vary.values.len()))
        .ok_or("a sweep of more than 2^64 rounds")?;
    let laid = Laid::new(call)?;
    let fd = slots.get(&call.slot);
    let fd = fd.as_ref().map_or(-1, |fd| fd.as_raw_fd());
    for round in 0..rounds {
        if laid.has_read_only() {
            laid.protect(ProtFlags::PROT_READ | ProtFlags::PROT_WRITE)?;
        }
        laid.fill(call)?;
        let mut request = call.request;
        let mut rest = round;
        for vary in sweep.vary.iter().rev() {
            let value = vary.values.at(rest % vary.values.len());
            rest /= vary.values.len();
            for &(buffer, offset, width) in &vary.places {
                match buffer {
                    COMMAND_WORD => request = value as u32,
                    _ => laid.poke(buffer, offset, width, value)?,
                }
            }
        }
        if laid.has_read_only() {
            laid.protect(ProtFlags::PROT_READ)?;
        }
        heartbeat().checkpoint(round);
        let errno = enter(call, request, &laid, fd).err().unwrap_or(0);
        let words = sweep.collect.iter().map(|&(b, at)| laid.peek(b, at)).collect::<Result<Vec<_>, _>>()?;
        match answer.runs.last_mut() {
            Some(run) if run.errno == errno && run.words == words => run.count += 1,
            _ => answer.runs.push(Run { first: round, count: 1, errno, words }),
        }
    }
    heartbeat().checkpoint(rounds);
    Ok(())
}
