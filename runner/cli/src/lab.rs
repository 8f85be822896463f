//! From arguments to everything that sessions are run with: QEMU, accelerator, kernels.

use std::borrow::Cow;

use scrubjay_check::{Target, outlook};
use scrubjay_engine::Lab;
use scrubjay_kernels::{Asked, Image, KernelError, Manifest, Origin, Resolver};
use scrubjay_machine::{Choice, Limit, Qemu, accel};
use scrubjay_run::ExitStatus;
use scrubjay_session::Session;
use scrubjay_verdict::Library;

use crate::args::GuestArgs;
use crate::failure::{self, Failure, Result};
use crate::interrupt::Interrupt;

/// A kernel with its image, or why there is none.
pub struct Obtained {
    /// What it is called in reports.
    pub id: String,
    /// What can be run, and what is known of where it came from.
    pub target: Result<(Target, String), String>,
    /// What the config of a kernel that is not ours says of the run, before anything boots.
    pub outlook: Vec<String>,
}

/// Gets the image of a kernel: found, or made; `sessions` are those that it is wanted for.
///
/// # Errors
/// An interruption, or a file that is wrong; a kernel that cannot be had is told with the run, and costs no other.
pub fn obtain(
    wanted: &Asked,
    sessions: &[&Session],
    resolver: &Resolver,
    interrupt: &Interrupt,
) -> Result<Obtained> {
    let mut said = Vec::new();
    let target = match wanted {
        Asked::File { id, image, .. } => match Target::from_file(&image.bzimage) {
            Ok(mut target) => {
                said = outlook(image, sessions);
                target.kernel.id.clone_from(id);
                Ok((target, provenance(id, image)))
            }
            Err(error) => Err(error.to_string()),
        },
        Asked::Made(manifest) => match resolver.obtain(manifest, &mut interrupt.progress()) {
            Ok(image) => {
                if let Cow::Owned(manifest) = manifest {
                    said = outlook(&image, sessions);
                    said.extend(without_effect(manifest, &image));
                }
                Ok((Target::new(manifest, &image), provenance(&image.id, &image)))
            }
            Err(KernelError::Interrupted) => return Err(KernelError::Interrupted.into()),
            Err(error) => {
                let failure = Failure::from(error);
                // A file that is wrong is the user's to mend, before anything is booted.
                if failure.status() == ExitStatus::Usage {
                    return Err(failure);
                }
                Err(failure::told(&failure))
            }
        },
    };
    interrupt.check()?;
    let id = wanted.id().to_owned();
    let outlook = said.into_iter().map(|line| format!("kernel {id}: {line}")).collect();
    Ok(Obtained { id, target, outlook })
}

/// The options of the reference that a tree of the user's does not have as wanted, in a line.
fn without_effect(manifest: &Manifest, image: &Image) -> Option<String> {
    let options = manifest.config.as_ref()?.without_effect(image);
    let told = || format!("options that do not take effect in this tree: {}", options.join(", "));
    (!options.is_empty()).then(told)
}

/// Where an image came from, in a line that is the same for the same image.
pub fn provenance(id: &str, image: &Image) -> String {
    let from = match &image.provenance.origin {
        Origin::Built { recipe, source, compiler, .. } => {
            format!("built from {source} with {compiler}, recipe {recipe}")
        }
        Origin::DebianImage { packages, .. } => format!("taken from {}", packages.join(", ")),
        Origin::Packages { packages, .. } => format!("taken from {}", packages.join("; ")),
        Origin::Installed { image, modules, .. } => {
            let with = modules.as_ref().map(|dir| format!(" with the modules of {}", dir.display()));
            format!("taken from {}{}", image.display(), with.unwrap_or_default())
        }
        Origin::Prebuilt => "prebuilt".to_owned(),
        Origin::File => "a file".to_owned(),
    };
    let digest: String = image.provenance.sha256.chars().take(16).collect();
    format!("kernel {id}: Linux {}, {from}, sha256 {digest}...", image.release)
}

/// Finds QEMU and an accelerator that runs this kernel.
///
/// # Errors
/// No QEMU that will do, an accelerator that is none, or a limit for guests that is none.
pub fn machine(target: &Target) -> Result<(Qemu, Choice)> {
    // Each guest reads it for itself; what is wrong with it is told once, and before anything boots.
    Limit::from_env()?;
    let qemu = Qemu::find()?;
    let choice = accel::choose(&qemu, &target.kernel.image)?;
    Ok((qemu, choice))
}

/// What sessions are run in: guests as asked for, that start from kept ones where that goes, and samples of sweeps.
pub fn lab<'l>(library: &'l Library, (qemu, choice): &'l (Qemu, Choice), guests: &GuestArgs) -> Lab<'l> {
    Lab {
        qemu,
        accel: choice.accel,
        vcpus: guests.vcpus,
        guests: guests.at_once(),
        keep: true,
        thorough: false,
        until: None,
        profiles: &library.profiles,
        sessions: &library.sessions,
        sabotage: Default::default(),
    }
}
