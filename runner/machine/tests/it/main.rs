//! Real boots of a real kernel, and everything that can go wrong on the way to one and after it.

mod accelerating;
mod bad_guests;
mod booting;
mod endings;
mod finding;
mod guests;
mod leftovers;
mod programs;
mod snapshots;
mod support;
