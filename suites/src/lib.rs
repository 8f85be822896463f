//! The test harness: one trial for each kernel and session.
