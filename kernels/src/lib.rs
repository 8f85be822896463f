//! Where kernels come from: manifests, config fragments, downloads, builds and the cache.
//!
//! A [`Catalogue`] is a directory of manifests, one a kernel. A [`Resolver`] turns a [`Manifest`] into an [`Image`]:
//! a bootable file with what is known of it. It looks in its own cache, then in a directory of prebuilt images, and
//! builds only when asked to. What a user writes for a kernel, a tree or a revision of his own among it, is read by
//! [`asked()`]; what lies between two of them says [`Resolver::between`]. An image that is in no manifest comes from [`Image::from_file`].
//!
//! This crate boots nothing and knows nothing of sessions; `scrubjay-machine` puts an image under QEMU.

mod asked;
mod between;
mod bisection;
mod bounded;
mod build;
mod cache;
mod catalogue;
mod config;
mod deb;
mod debian;
pub mod digest;
mod distribution;
mod entry;
mod error;
mod fetch;
mod git;
mod image;
mod make;
mod manifest;
pub mod modules;
mod package;
mod progress;
mod recipe;
mod resolver;
mod rpm;
mod series;
mod sign;
mod site;
mod stale;
mod tree;
pub mod unpack;
mod workshop;

pub use asked::{Asked, AskedError, asked, asked_one, revision_of, tell_apart, with_modules};
pub use between::{Between, Difference};
pub use bisection::{Bisection, Found, Mark, Standing};
pub use cache::{Cache, CacheError};
pub use catalogue::Catalogue;
pub use config::{ConfigError, Fragment};
pub use debian::{Archive, ArchiveError};
pub use error::KernelError;
pub use fetch::{FetchError, Fetched};
pub use git::GitError;
pub use image::{Image, ImageError, Origin, Provenance};
pub use manifest::{Compiler, Config, DebianPackage, Fwctl, Manifest, ManifestError, Place, Release, Source};
pub use modules::ModuleError;
pub use package::{FWCTL, Installed, Package, PackageError, Packages};
pub use progress::{Cancellable, Phase, PlainLines, Progress, Silent, Unit};
pub use recipe::{Recipe, RecipeError};
pub use resolver::{KERNEL_CACHE, Resolver, State};
pub use series::{Series, SeriesError};
pub use sign::SignError;
pub use unpack::UnpackError;
pub use workshop::{Workshop, WorkshopError};
