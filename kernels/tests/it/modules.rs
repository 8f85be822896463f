//! A kernel with modules and a tree to build them against, and modules that are built anew.

use std::fs;
use std::path::{Path, PathBuf};

use rstest::rstest;
use scrubjay_kernels::{Image, Manifest, Resolver, Silent, Source, Workshop, WorkshopError};

use crate::support::{Bench, boot_image, read};

/// As Kbuild does: modules of the tree, or of the directory `M`, with the objects of each in a `.mod` file. Each build
/// of a directory leaves a line in the log.
const MAKEFILE: &str = r#"
allnoconfig:
	cat $(KCONFIG_ALLCONFIG) > $(O)/.config
bzImage:
	mkdir -p $(O)/arch/x86/boot $(O)/include/config $(O)/scripts
	cp image $(O)/arch/x86/boot/bzImage
	: > $(O)/System.map
	: > $(O)/modules.builtin
	echo symbols > $(O)/Module.symvers
	echo used > $(O)/include/config/auto.conf
	echo tool > $(O)/scripts/fixdep
	echo 'CONFIG_MODULE_SIG_HASH="sha512"' >> $(O)/.config
	mkdir -p $(O)/certs
	echo key > $(O)/certs/signing_key.pem
	echo certificate > $(O)/certs/signing_key.x509
	cp scripts/sign.sh $(O)/scripts/sign-file
	chmod +x $(O)/scripts/sign-file
	echo by-product > $(O)/scripts/fixdep.o
ifdef M
modules:
	@test -f include/config/auto.conf && test -f Module.symvers
	@echo $(notdir $(M)) >> LOG
	@cd $(M) && for source in $$(find . -name '*.c'); do sh $(CURDIR)/scripts/module.sh $$source . || exit 1; done
else
modules:
	for source in $$(find drivers -name '*.c'); do sh scripts/module.sh $$source $(O) || exit 1; done
endif
"#;

/// Makes `NAME.ko` of `NAME.c`.
const SCRIPT: &str = r#"set -e
stem=$2/${1%.c}
mkdir -p $(dirname $stem)
gcc -O1 -c $1 -o $stem.o
cp $stem.o $stem.ko
echo ${1%.c}.o > $stem.mod
"#;

/// Signs as the kernel's program does: what decides a signature is put behind the module.
const SIGNER: &str = "#!/bin/sh\necho signed $1 $(cat $2) $(cat $3) >> $4\n";
const SIGNATURE: &[u8] = b"signed sha512 key certificate\n";

fn source(name: &str, depends: &str) -> String {
    format!(
        "static const char info[] __attribute__((section(\".modinfo\"), used)) = \"name={name}\\0depends={depends}\";\n\
         int answer_of_{name} = 1;\n"
    )
}

/// A manifest whose tree has two modules, one of which needs the other.
fn modular(bench: &Bench) -> Manifest {
    let Source::LocalTree { path } = bench.tree("true") else { panic!("a tree") };
    let makefile = MAKEFILE.replace("LOG", &bench.path("built").display().to_string());
    for (name, content) in [
        ("Makefile", makefile),
        ("Kbuild", String::new()),
        ("scripts/module.sh", SCRIPT.to_owned()),
        ("scripts/sign.sh", SIGNER.to_owned()),
        ("include/linux/module.h", String::new()),
        ("include/dt-bindings/clock.h", String::new()),
        ("drivers/cxl/core/cxl_core.c", source("cxl_core", "fwctl")),
        ("drivers/cxl/core/core.h", String::new()),
        ("drivers/fwctl/fwctl.c", source("fwctl", "")),
        ("drivers/net/dummy.c", source("dummy", "")),
    ] {
        let file = path.join(name);
        fs::create_dir_all(file.parent().expect("a parent")).expect("made");
        fs::write(file, content).expect("written");
    }
    let mut manifest = bench.manifest(Source::LocalTree { path });
    let config = manifest.config.as_mut().expect("a config");
    config.modules = vec!["cxl_core".to_owned()];
    config.keep_tree = true;
    manifest
}

fn built() -> (Bench, Manifest, Image) {
    let bench = Bench::new();
    let manifest = modular(&bench);
    let image = bench.resolver().obtain(&manifest, &mut Silent).expect("built");
    (bench, manifest, image)
}

fn workshop(bench: &Bench, manifest: &Manifest, image: &Image) -> Workshop {
    Workshop::new(&bench.resolver(), manifest, image).expect("a workshop")
}

fn names(image: &Image) -> Vec<&str> {
    image.modules.iter().filter_map(|path| path.file_name()?.to_str()).collect()
}

#[test]
fn a_modular_kernel_comes_with_its_modules_in_order_and_with_what_they_are_built_against() {
    let (bench, manifest, image) = built();
    assert_eq!(names(&image), ["fwctl.ko", "cxl_core.ko"], "those wanted, each behind what it needs");
    for module in &image.modules {
        assert!(read(module).ends_with(SIGNATURE), "{}", module.display());
    }
    let tree = image.tree.as_deref().expect("a tree");
    let here = ["Makefile", "Module.symvers", "include/config/auto.conf", "include/linux/module.h"];
    let here = here.iter().chain(&["scripts/fixdep", "scripts/module.sh", "drivers/cxl/core/core.h"]);
    for name in here {
        assert!(tree.join(name).is_file(), "{name}");
    }
    for name in ["scripts/fixdep.o", "include/dt-bindings", "drivers/net", "drivers/fwctl/fwctl.ko"] {
        assert!(!tree.join(name).exists(), "{name}");
    }
    assert_eq!(bench.resolver().find(&manifest).expect("no error"), Some(image));
}

#[test]
fn a_prebuilt_image_does_not_stand_in_for_a_kernel_with_modules() {
    let bench = Bench::new();
    let manifest = modular(&bench);
    let dir = bench.path("prebuilt/7.3.4");
    fs::create_dir_all(&dir).expect("made");
    fs::write(dir.join("bzImage"), boot_image("7.3.4 (a@b) #1")).expect("written");
    let resolver = Resolver { prebuilt: Some(bench.path("prebuilt")), ..bench.resolver() };
    assert_eq!(resolver.find(&manifest).expect("no error"), None);
}

#[test]
fn a_changed_source_gives_the_kernel_with_one_module_replaced() {
    let (bench, manifest, image) = built();
    let workshop = workshop(&bench, &manifest, &image);
    let file = Path::new("drivers/cxl/core/cxl_core.c");
    let text = workshop.source(file).expect("a source").replace("answer_of_", "other_answer_of_");
    let changed = workshop.changed(file, &text, &mut Silent).expect("built");

    assert_eq!((names(&changed), &changed.modules[0]), (names(&image), &image.modules[0]));
    let module = read(&changed.modules[1]);
    let holds = |what: &[u8]| module.windows(what.len()).any(|bytes| bytes == what);
    assert!(holds(b"other_answer_of_cxl_core") && holds(b"depends=fwctl\0intree=Y\0"));
    assert!(module.ends_with(SIGNATURE), "what is signed is what is loaded");
    assert_eq!(
        workshop.source(file).expect("a source"),
        source("cxl_core", "fwctl"),
        "the tree stays as it is"
    );

    let again = workshop.changed(file, &text, &mut Silent).expect("found");
    assert_eq!(again, changed);
    let other = workshop.changed(file, &text.replace("= 1", "= 2"), &mut Silent).expect("built");
    assert_ne!(other.modules[1], changed.modules[1]);
    assert_eq!(read(&bench.path("built")), b"objects\nobjects\nobjects\n", "the unit, and two changes");
}

#[test]
fn an_unchanged_kernel_has_every_module_built_anew_and_marked_as_its_own() {
    let (bench, manifest, image) = built();
    let rebuilt = workshop(&bench, &manifest, &image).unchanged(&mut Silent).expect("built");
    assert_eq!(names(&rebuilt), names(&image));
    for (new, old) in rebuilt.modules.iter().zip(&image.modules) {
        assert_ne!(new, old);
        let module = read(new);
        assert!(module.windows(9).any(|bytes| bytes == b"intree=Y\0") && module.ends_with(SIGNATURE));
    }
}

#[test]
fn a_source_that_does_not_compile_is_an_error_with_the_compilers_words_and_leaves_nothing() {
    let (bench, manifest, image) = built();
    let workshop = workshop(&bench, &manifest, &image);
    let file = Path::new("drivers/fwctl/fwctl.c");
    let error = workshop.changed(file, "int main = ;\n", &mut Silent).expect_err("no C");
    let text = error.to_string();
    assert!(matches!(error, WorkshopError::Make { .. }), "{text}");
    assert!(text.contains("drivers/fwctl/fwctl.c") && text.contains("error: expected expression"), "{text}");
    let left: Vec<PathBuf> = fs::read_dir(bench.path("cache/modules"))
        .and_then(|mut dirs| fs::read_dir(dirs.next().expect("the kernel's")?.path()))
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    assert_eq!(left.iter().filter_map(|path| path.file_name()).collect::<Vec<_>>(), ["drivers-fwctl"]);
}

#[rstest]
#[case::not_kept("drivers/net/dummy.c", "drivers/cxl, drivers/edac, drivers/fwctl")]
#[case::not_there("drivers/cxl/core/mbox.c", "no source drivers/cxl/core/mbox.c")]
#[case::outside("../fwctl.c", "no source ../fwctl.c")]
fn a_source_that_is_not_kept_is_an_error(#[case] file: &str, #[case] said: &str) {
    let (bench, manifest, image) = built();
    let error = workshop(&bench, &manifest, &image).source(Path::new(file)).expect_err("none").to_string();
    assert!(error.contains(said), "{error}");
}

#[test]
fn a_header_is_part_of_every_module_of_its_directory() {
    let (bench, manifest, image) = built();
    let header = Path::new("drivers/cxl/core/core.h");
    let changed = workshop(&bench, &manifest, &image).changed(header, "", &mut Silent).expect("built");
    let of_cxl = |path: &Path| path.file_name().is_some_and(|name| name == "cxl_core.ko");
    for (now, before) in changed.modules.iter().zip(&image.modules) {
        assert_eq!(now != before, of_cxl(now), "{}", now.display());
    }
}

#[test]
fn a_file_that_is_in_no_unit_is_part_of_no_module() {
    let (bench, manifest, image) = built();
    let error = workshop(&bench, &manifest, &image)
        .changed(Path::new("fs/open.c"), "", &mut Silent)
        .expect_err("no unit");
    assert!(matches!(error, WorkshopError::NoModule { .. }), "{error}");
}

#[test]
fn a_kernel_without_a_tree_has_no_workshop() {
    let bench = Bench::new();
    let manifest = bench.manifest(bench.tree("true"));
    let image = bench.resolver().obtain(&manifest, &mut Silent).expect("built");
    let error = Workshop::new(&bench.resolver(), &manifest, &image).expect_err("no tree").to_string();
    assert!(error.contains("keep-tree = true"), "{error}");
}
