//! The test harness: one trial for each kernel and session.
//!
//! cargo-nextest runs each trial in a process of its own. [`matrix`] says which kernels there are,
//! [`mod@bench`] runs a boot once for all trials that need it and judges what it gave, [`store`] keeps that for them,
//! [`mod@same`] says whether two runs gave the same.

pub mod bench;
pub mod matrix;
pub mod same;
pub mod store;
