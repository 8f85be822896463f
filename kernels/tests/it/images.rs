//! Images that are not built: prebuilt ones, files named by a path, a distribution's packages.

use std::fs;
use std::path::{Path, PathBuf};

use object::write::{Object, StandardSegment};
use object::{Architecture, BinaryFormat, Endianness, SectionKind};
use rstest::rstest;
use scrubjay_kernels::{
    Image, ImageError, KernelError, Manifest, ModuleError, Origin, Resolver, Silent, Source, State,
};

use crate::support::{Bench, boot_image, xz};

/// A directory of prebuilt images with one of `holds` where `version` belongs.
fn prebuilt(bench: &Bench, version: &str, holds: &[u8]) -> Resolver {
    let dir = bench.path("prebuilt").join(version);
    fs::create_dir_all(&dir).expect("made");
    fs::write(dir.join("bzImage"), holds).expect("written");
    fs::write(dir.join("config"), "CONFIG_FWCTL=y\n").expect("written");
    Resolver { prebuilt: Some(bench.path("prebuilt")), ..bench.resolver() }
}

#[test]
fn a_prebuilt_image_stands_in_for_a_kernel_that_is_not_built() {
    let bench = Bench::new();
    let resolver = prebuilt(&bench, "7.3.4", &boot_image("7.3.4 (a@b) #1"));
    let manifest = bench.manifest(bench.tree("false"));
    let image = resolver.obtain(&manifest, &mut Silent).expect("nothing has to be built");
    assert_eq!(image.bzimage, bench.path("prebuilt/7.3.4/bzImage"));
    assert_eq!(image.config, Some(bench.path("prebuilt/7.3.4/config")));
    assert_eq!(image.option("CONFIG_FWCTL").as_deref(), Some("y"));
    assert_eq!(image.option("CONFIG_FWCT"), None);
    assert_eq!(image.provenance.origin, Origin::Prebuilt);
    let state = resolver.state(&manifest).expect("a state");
    assert_eq!(state, State::Prebuilt { path: image.bzimage });
}

#[test]
fn ones_own_kernel_goes_before_a_prebuilt_one_and_can_be_built_beside_it() {
    let bench = Bench::new();
    let resolver = prebuilt(&bench, "7.3.4", &boot_image("7.3.4 (a@b) #1"));
    let manifest = bench.manifest(bench.tree("true"));
    let built = resolver.build(&manifest, &mut Silent).expect("built");
    assert!(matches!(built.provenance.origin, Origin::Built { .. }));
    assert_eq!(resolver.find(&manifest).expect("no error"), Some(built));
}

#[test]
fn a_prebuilt_image_of_another_version_is_an_error_and_not_passed_over() {
    let bench = Bench::new();
    let resolver = prebuilt(&bench, "7.3.4", &boot_image("7.2.1 (a@b) #1"));
    let error = resolver.find(&bench.manifest(bench.tree("true"))).expect_err("another version").to_string();
    assert!(error.contains("prebuilt/7.3.4/bzImage") && error.contains("7.2.1"), "{error}");
}

#[test]
fn a_directory_of_prebuilt_images_that_is_not_there_is_an_error() {
    let bench = Bench::new();
    let path = bench.path("typing-error");
    let error = Resolver::with(bench.resolver().cache, Some(path.clone())).expect_err("it is not there");
    assert!(matches!(&error, KernelError::NoKernelCache { path: named } if *named == path), "{error}");
}

#[rstest]
#[case::text(b"#!/bin/sh\necho hello\n".to_vec())]
#[case::empty(Vec::new())]
#[case::long(vec![b'x'; 100_000])]
fn a_file_that_is_no_kernel_is_refused_by_name(#[case] bytes: Vec<u8>) {
    let bench = Bench::new();
    let path = bench.path("bzImage");
    fs::write(&path, &bytes).expect("written");
    let error = Image::from_file(&path).expect_err("no kernel");
    let text = error.to_string();
    assert!(text.starts_with("not a kernel image: ") && text.contains(&*path.to_string_lossy()), "{text}");

    let resolver = prebuilt(&bench, "7.3.4", &bytes);
    let error = resolver.obtain(&bench.manifest(bench.tree("true")), &mut Silent).expect_err("no kernel");
    assert!(matches!(error, KernelError::Image(ImageError::NotAKernel { .. })), "{error}");
}

#[test]
fn a_file_that_is_not_there_is_an_error_with_its_name() {
    let error = Image::from_file(Path::new("/nowhere/bzImage")).expect_err("not there");
    assert!(
        matches!(&error, ImageError::Read { .. }) && error.to_string().contains("/nowhere/bzImage"),
        "{error}"
    );
}

#[rstest]
#[case("bzImage", "config")]
#[case("bzImage", ".config")]
#[case("vmlinuz-7.3.4", "config-7.3.4")]
fn an_image_named_by_its_path_tells_its_release_and_finds_its_config(
    #[case] name: &str,
    #[case] config: &str,
) {
    let bench = Bench::new();
    fs::write(bench.path(name), boot_image("7.3.4-mine (a@b) #1")).expect("written");
    fs::write(bench.path(config), "CONFIG_FWCTL=y\n").expect("written");
    let image = Image::from_file(&bench.path(name)).expect("an image");
    assert_eq!(image.release, "7.3.4-mine");
    assert_eq!(image.config, Some(bench.path(config)));
    assert_eq!(image.provenance.origin, Origin::File);
}

#[test]
fn a_manifest_can_name_an_image() {
    let bench = Bench::new();
    let path = bench.path("mine");
    fs::write(&path, boot_image("7.3.4 (a@b)")).expect("written");
    let manifest = bench.manifest(Source::Prebuilt { path: path.clone() });
    assert_eq!(bench.resolver().find(&manifest).expect("no error").expect("found").bzimage, path);
    fs::remove_file(&path).expect("removed");
    assert!(bench.resolver().find(&manifest).expect("no error").is_none());
    let error = bench.resolver().obtain(&manifest, &mut Silent).expect_err("gone");
    assert!(matches!(error, KernelError::Image(ImageError::Read { .. })), "{error}");
}

/// A kernel module as far as its `.modinfo` goes.
fn module(info: &str) -> Vec<u8> {
    let mut object = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
    let segment = object.segment_name(StandardSegment::Data).to_vec();
    let section = object.add_section(segment, b".modinfo".to_vec(), SectionKind::ReadOnlyData);
    let bytes: Vec<u8> =
        info.split(' ').flat_map(|entry| [entry.replace('+', " ").as_bytes(), b"\0"].concat()).collect();
    object.append_section_data(section, &bytes, 1);
    object.write().expect("an object")
}

const MODULES: &str = "./usr/lib/modules/7.3.4-1-amd64";

/// Debian's packages of a kernel whose CXL is modular, and a manifest that takes them.
fn distribution(bench: &Bench, wanted: &[&str]) -> Manifest {
    let place = |name: &str| format!("{MODULES}/{name}");
    let file = |name: &str, content: Vec<u8>| (place(name), content);
    let image = bench.package(
        "linux-binary",
        &[
            (place("vmlinuz").as_str(), boot_image("7.3.4-1-amd64 (deb@ian)").as_slice()),
            (place("config").as_str(), b"# CONFIG_FWCTL is not set\n"),
        ],
    );
    let files = [
        file(
            "modules.builtin",
            b"kernel/drivers/cxl/cxl_port.ko\nkernel/drivers/char/virtio_console.ko\n".to_vec(),
        ),
        file("kernel/drivers/cxl/cxl_pci.ko.xz", xz(&module("name=cxl_pci depends=cxl-mem"))),
        file("kernel/drivers/cxl/cxl_mem.ko", module("name=cxl_mem depends=")),
        file(
            "kernel/drivers/cxl/cxl_acpi.ko.xz",
            xz(&module("depends=cxl_pmem softdep=pre:+cxl_port+cxl_mem")),
        ),
        file("kernel/drivers/cxl/cxl_pmem.ko.xz", xz(&module("depends=libnvdimm,cxl_port"))),
        file("kernel/drivers/nvdimm/libnvdimm.ko.xz", xz(&module("depends="))),
        file("kernel/drivers/broken/broken.ko", module("depends=nothing_like_it")),
        file("kernel/drivers/net/unwanted.ko.xz", b"not even a module".to_vec()),
    ];
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
    let modules = bench.package("linux-modules", &files);
    bench.manifest(Source::DebianImage {
        packages: vec![image, modules],
        modules: wanted.iter().map(|&name| name.to_owned()).collect(),
    })
}

#[test]
fn a_distributions_kernel_comes_with_the_modules_wanted_each_behind_what_it_needs() {
    let bench = Bench::new();
    let manifest = distribution(&bench, &["virtio_console", "cxl_port", "cxl_acpi", "cxl_pci"]);
    let image = bench.resolver().obtain(&manifest, &mut Silent).expect("unpacked");
    assert_eq!(image.release, "7.3.4-1-amd64");
    assert!(matches!(&image.provenance.origin, Origin::DebianImage { packages, .. } if packages.len() == 2));
    let dir = image.bzimage.parent().expect("a directory");
    let order: Vec<PathBuf> =
        ["cxl_mem.ko", "libnvdimm.ko.xz", "cxl_pmem.ko.xz", "cxl_acpi.ko.xz", "cxl_pci.ko.xz"]
            .iter()
            .map(|name| dir.join("modules").join(name))
            .collect();
    assert_eq!(image.modules, order);
    assert_eq!(fs::read_dir(dir.join("modules")).expect("modules").count(), 5, "the others are left out");
    assert_eq!(bench.resolver().find(&manifest).expect("no error"), Some(image));
}

#[test]
fn an_image_of_ours_does_not_stand_in_for_a_distributions_kernel() {
    let bench = Bench::new();
    let resolver = prebuilt(&bench, "7.3.4", &boot_image("7.3.4 (a@b) #1"));
    assert!(resolver.find(&distribution(&bench, &[])).expect("no error").is_none());
}

#[rstest]
#[case::wanted("cxl_nowhere", "cxl_nowhere", "the manifest")]
#[case::needed("broken", "nothing_like_it", "broken")]
fn a_module_that_is_not_there_is_an_error_that_names_who_wants_it(
    #[case] wanted: &str,
    #[case] missing: &str,
    #[case] by: &str,
) {
    let bench = Bench::new();
    let error =
        bench.resolver().obtain(&distribution(&bench, &[wanted]), &mut Silent).expect_err("it is not there");
    let KernelError::Module { source: ModuleError::Missing { name, wanted_by, .. }, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!((name.as_str(), wanted_by.as_str()), (missing, by));
    assert!(bench.entries().is_empty(), "{:?}", bench.entries());
}

#[test]
fn packages_without_a_kernel_in_them_are_refused() {
    let bench = Bench::new();
    let package = bench.package("linux-doc", &[("./usr/share/doc/linux/README", b"x")]);
    let manifest = bench.manifest(Source::DebianImage { packages: vec![package], modules: Vec::new() });
    let error = bench.resolver().obtain(&manifest, &mut Silent).expect_err("no kernel").to_string();
    assert!(error.contains("no vmlinuz"), "{error}");
}
