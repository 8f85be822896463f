//! The crate from outside: manifests in, images out, over real files, a real make and a server on the loopback.
//!
//! No test here needs a network, and none builds a whole kernel: the trees are a few lines of make that behave as
//! Kbuild does towards its caller. Whole kernels are built by the project's own runs.

mod archives;
mod builds;
mod downloads;
mod hostile;
mod images;
mod manifests;
mod modules;
mod pack;
mod packages;
mod releases;
mod support;
mod trees;
