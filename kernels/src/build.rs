//! Builds one kernel from a source tree: configure, check the config, make, gather what is kept.
//!
//! Works in a directory that it is given and puts nothing in the cache; fetches and unpacks nothing.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::cache::CacheError;
use crate::error::KernelError;
use crate::make::{self, MakeError};
use crate::manifest::{Compiler, Config};
use crate::progress::{Phase, Progress, Quiet, Unit};
use crate::{entry, modules, sign, tree};

/// Lines that a build of the reference config prints, for a bar; measured on 7.3.4.
const LINES: u64 = 1800;
/// Room for a tree, its objects and the result; measured 2.0 GiB for the tree with all its objects on 7.3.4.
const ROOM_MIB: u64 = 3 * 1024;
/// The options as make is given them, in the directory of the objects.
const OPTIONS: &str = "scrubjay.config";

/// One build.
pub(crate) struct Build<'a> {
    pub(crate) id: &'a str,
    pub(crate) config: &'a Config,
    /// The source tree; it is not written to.
    pub(crate) tree: &'a Path,
    /// An existing directory for the objects.
    pub(crate) objects: &'a Path,
    /// Parallel jobs.
    pub(crate) jobs: usize,
    /// Where the log goes when the build fails; everything else of a failed build is removed.
    pub(crate) failed_log: &'a Path,
}

/// Refuses a build that cannot end well: missing programs, a full disk.
pub(crate) fn preflight(id: &str, config: &Config, dir: &Path) -> Result<(), KernelError> {
    let linker = match config.compiler {
        Compiler::Gcc => "ld",
        Compiler::Clang => "ld.lld",
    };
    // Modules are signed with a key of the build's own.
    let signer = (!config.modules.is_empty()).then_some("openssl");
    let tools: Vec<&'static str> = ["make", config.compiler.command(), linker, "flex", "bison", "bc"]
        .into_iter()
        .chain(signer)
        .filter(|tool| !is_in_path(tool))
        .collect();
    if !tools.is_empty() {
        return Err(KernelError::MissingTools { id: id.to_owned(), tools });
    }
    let room = nix::sys::statvfs::statvfs(dir)
        .map_err(|errno| KernelError::Cache(CacheError::io("measure the room in", dir)(errno.into())))?;
    let free_mib = room.blocks_available().saturating_mul(room.fragment_size()) >> 20;
    if free_mib < ROOM_MIB {
        return Err(KernelError::NoRoom {
            id: id.to_owned(),
            path: dir.to_owned(),
            free_mib,
            needed_mib: ROOM_MIB,
        });
    }
    Ok(())
}

impl Build<'_> {
    /// Configures, checks, makes and gathers the results in `result`, which exists and is empty. Gives the places of
    /// the modules below it, in the order of loading.
    pub(crate) fn run(
        &self,
        result: &Path,
        progress: &mut dyn Progress,
    ) -> Result<Vec<PathBuf>, KernelError> {
        let log_path = result.join(entry::LOG);
        let mut log = File::create(&log_path).map_err(self.io("write", &log_path))?;
        let options = self.config.options().map_err(|source| self.config_error(source))?;
        let all = self.objects.join(OPTIONS);
        fs::write(&all, options.text()).map_err(self.io("write", &all))?;
        let dot_config = self.objects.join(".config");
        let target = match self.config.own {
            Some(_) => {
                fs::copy(&all, &dot_config).map_err(self.io("write", &dot_config))?;
                "olddefconfig"
            }
            None => "allnoconfig",
        };
        self.make(&[target], &all, &mut log, &log_path, &mut Quiet(progress))?;

        let text = fs::read_to_string(&dot_config).map_err(self.io("read", &dot_config))?;
        if !self.config.loose {
            let wanted = self.config.wanted().map_err(|source| self.config_error(source))?;
            wanted
                .check(&dot_config, &text, &self.config.absent)
                .map_err(|source| self.config_error(source))?;
        }

        progress.start(&Phase {
            what: &format!("build kernel {}", self.id),
            unit: Unit::Lines,
            total: Some(LINES),
        });
        let modular = !self.config.modules.is_empty();
        let targets: &[&str] = if modular { &["bzImage", "modules"] } else { &["bzImage"] };
        self.make(targets, &all, &mut log, &log_path, progress)?;
        progress.finish();
        self.gather(result)?;
        if self.config.keep_tree {
            tree::keep(self.tree, self.objects, &result.join(entry::TREE))?;
        }
        if modular { self.gather_modules(result) } else { Ok(Vec::new()) }
    }

    fn config_error(&self, source: crate::config::ConfigError) -> KernelError {
        KernelError::Config { id: self.id.to_owned(), source }
    }

    fn io(&self, what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> KernelError {
        let error = CacheError::io(what, path);
        move |source| KernelError::Cache(error(source))
    }

    fn gather(&self, result: &Path) -> Result<(), KernelError> {
        for (from, to) in [
            ("arch/x86/boot/bzImage", entry::IMAGE),
            (".config", entry::CONFIG),
            ("System.map", entry::SYMBOLS),
        ] {
            let from = self.objects.join(from);
            fs::copy(&from, result.join(to)).map_err(self.io("copy", &from))?;
        }
        let kunit = self.tree.join(entry::KUNIT);
        if kunit.is_dir() {
            tree::copy(&kunit, &result.join(entry::KUNIT), &|_| true)?;
        }
        Ok(())
    }

    fn gather_modules(&self, result: &Path) -> Result<Vec<PathBuf>, KernelError> {
        let order = modules::load_order(self.objects, &self.config.modules)
            .map_err(|source| KernelError::Module { id: self.id.to_owned(), source })?;
        let dir = result.join(entry::MODULES);
        fs::create_dir_all(&dir).map_err(self.io("make the directory", &dir))?;
        let take = |from: PathBuf| {
            let place = Path::new(entry::MODULES).join(from.file_name().unwrap_or_default());
            let to = result.join(&place);
            fs::copy(&from, &to).map_err(self.io("copy", &from))?;
            sign::sign(self.objects, &to)
                .map_err(|source| KernelError::Sign { id: self.id.to_owned(), source })?;
            Ok(place)
        };
        order.into_iter().map(take).collect()
    }

    fn make(
        &self,
        targets: &[&str],
        options: &Path,
        log: &mut File,
        log_path: &Path,
        progress: &mut dyn Progress,
    ) -> Result<(), KernelError> {
        let mut objects = OsString::from("O=");
        objects.push(self.objects);
        let mut command = make::command(self.tree, self.objects, self.config.compiler, self.jobs);
        command.arg(objects).args(targets).env("KCONFIG_ALLCONFIG", options);
        make::run(command, log, progress).map_err(|error| match error {
            MakeError::Run(source) => KernelError::RunMake { id: self.id.to_owned(), source },
            MakeError::Log(source) => self.io("write", log_path)(source),
            MakeError::Interrupted => KernelError::Interrupted,
            MakeError::Failed { status, tail } => {
                let log = match fs::copy(log_path, self.failed_log) {
                    Ok(_) => self.failed_log,
                    Err(_) => log_path,
                };
                KernelError::Make {
                    id: self.id.to_owned(),
                    target: targets.join(" "),
                    status: status.to_string(),
                    log: log.to_owned(),
                    tail,
                }
            }
        })
    }
}

fn is_in_path(tool: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(tool).is_file()))
}
