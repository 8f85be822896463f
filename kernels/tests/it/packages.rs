//! Kernels as distributions ship them: packages of each layout, a kernel with its modules, and packages that were made to
//! do harm.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use cpio::newc::{ModeFileType, trailer};
use object::write::{Object, StandardSegment};
use object::{Architecture, BinaryFormat, Endianness, SectionKind};
use rstest::rstest;
use scrubjay_kernels::{
    Asked, Catalogue, Image, KernelError, Manifest, Origin, Silent, UnpackError, asked, asked_one,
    tell_apart, unpack, with_modules,
};

use crate::pack::{File, cpio, deb_of, entry, rpm_of, tarball};
use crate::support::{Bench, boot_image, read, xz};

const RELEASE: &str = "7.3.4-1-amd64";
/// With CXL, fwctl and the guest channel as modules, which the kernel does not unpack.
const CONFIG: &str = "CONFIG_X86_64=y\nCONFIG_FWCTL=m\nCONFIG_CXL_BUS=y\nCONFIG_CXL_PCI=m\nCONFIG_CXL_MEM=m\n\
                      CONFIG_CXL_FEATURES=y\nCONFIG_CXL_PORT=y\nCONFIG_VIRTIO_PCI=m\n";

fn file(name: &str, content: impl AsRef<[u8]>) -> File {
    (name.to_owned(), content.as_ref().to_vec())
}

fn image(release: &str) -> Vec<u8> {
    boot_image(&format!("{release} (a@b) #1"))
}

/// A module of [`RELEASE`], signed.
fn module(depends: &str) -> Vec<u8> {
    module_of(Architecture::X86_64, RELEASE, depends)
}

fn module_of(architecture: Architecture, release: &str, depends: &str) -> Vec<u8> {
    let mut object = Object::new(BinaryFormat::Elf, architecture, Endianness::Little);
    let segment = object.segment_name(StandardSegment::Data).to_vec();
    let section = object.add_section(segment, b".modinfo".to_vec(), SectionKind::ReadOnlyData);
    let info = format!("depends={depends}\0vermagic={release} SMP preempt\0");
    object.append_section_data(section, info.as_bytes(), 1);
    [object.write().expect("an object"), b"~Module signature appended~\n".to_vec()].concat()
}

fn zst(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("packed")
}

/// The modules of a kernel below a directory.
fn modules(dir: &str) -> Vec<File> {
    vec![
        file(&format!("{dir}/modules.builtin"), "kernel/drivers/cxl/cxl_port.ko\n"),
        file(&format!("{dir}/kernel/drivers/fwctl/fwctl.ko.xz"), xz(&module(""))),
        file(&format!("{dir}/kernel/drivers/cxl/cxl_pci.ko.zst"), zst(&module("cxl_mem,fwctl"))),
        file(&format!("{dir}/kernel/drivers/cxl/cxl_mem.ko"), module("")),
        file(&format!("{dir}/kernel/drivers/virtio/virtio_pci.ko"), module("")),
        file(&format!("{dir}/kernel/drivers/net/other.ko"), "not even a module"),
    ]
}

/// A Debian package of that name, with these files.
fn deb(name: &str, architecture: &str, files: &[File]) -> Vec<u8> {
    deb_of(name, architecture, "data.tar.xz", &xz(&tarball(files)))
}

fn rpm(name: &str, files: &[File]) -> Vec<u8> {
    rpm_of(name, "x86_64", "zstd", &zst(&cpio(files)))
}

fn catalogue() -> Catalogue {
    Catalogue::load(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the manifests read")
}

/// Lays packages into a directory of their own, and gives the word for the first.
fn lay(bench: &Bench, kind: &str, packages: &[(&str, Vec<u8>)]) -> String {
    let dir = bench.path("packages");
    fs::create_dir_all(&dir).expect("made");
    for (name, bytes) in packages {
        fs::write(dir.join(name), bytes).expect("written");
    }
    format!("{kind}:{}", dir.join(packages[0].0).display())
}

fn manifest(word: &str) -> Result<Manifest, String> {
    match asked_one(word, &catalogue()).map_err(|error| told(&error))? {
        Asked::Made(manifest) => Ok(manifest.into_owned()),
        Asked::File { .. } => panic!("{word} is a file"),
    }
}

/// An error with its causes.
fn told(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn obtain(bench: &Bench, word: &str) -> Result<Image, String> {
    bench.resolver().obtain(&manifest(word)?, &mut Silent).map_err(|error| told(&error))
}

fn names(image: &Image) -> Vec<&str> {
    image.modules.iter().filter_map(|path| path.file_name()?.to_str()).collect()
}

/// In the order of loading, those that the kernel cannot unpack unpacked.
const TAKEN: [&str; 4] = ["virtio_pci.ko", "fwctl.ko", "cxl_mem.ko", "cxl_pci.ko"];

/// Debian's layout up to 6.18, and that of `bindeb-pkg`.
fn debian(dir: &str) -> Vec<File> {
    let mut files = vec![
        file(&format!("./boot/System.map-{RELEASE}"), "0 A a"),
        file(&format!("./boot/config-{RELEASE}"), CONFIG),
        file(&format!("./boot/vmlinuz-{RELEASE}"), image(RELEASE)),
    ];
    files.extend(modules(&format!("{dir}/{RELEASE}")));
    files
}

#[rstest]
#[case::below_the_root("./lib/modules")]
#[case::below_usr("./usr/lib/modules")]
fn a_debian_package_gives_image_config_symbols_and_the_modules_that_a_guest_needs(#[case] dir: &str) {
    let bench = Bench::new();
    let name = "linux-image-7.3.4-1-amd64_7.3.4-1_amd64.deb";
    let word = lay(&bench, "deb", &[(name, deb("linux-image-7.3.4-1-amd64", "amd64", &debian(dir)))]);
    let wanted = manifest(&word).expect("a package");
    assert_eq!(wanted.id, "linux-image-7.3.4-1-amd64=7.3.4-1");
    assert!(!wanted.history.unmodified, "a package is no release as it was made");
    let image = obtain(&bench, &word).expect("taken");
    assert_eq!((image.release.as_str(), names(&image)), (RELEASE, TAKEN.to_vec()));
    assert!(image.modules.iter().all(|path| read(path).ends_with(b"~Module signature appended~\n")));
    let entry = image.bzimage.parent().expect("an entry");
    assert_eq!(read(&entry.join("config")), CONFIG.as_bytes());
    assert_eq!(read(&entry.join("System.map")), b"0 A a");
    let Origin::Packages { packages, .. } = &image.provenance.origin else {
        panic!("{:?}", image.provenance)
    };
    let [package] = packages.as_slice() else { panic!("{packages:?}") };
    assert!(package.starts_with("linux-image-7.3.4-1-amd64=7.3.4-1 ("), "{package}");
    assert!(package.contains(name) && package.contains("source linux, sha256 "), "{package}");
    assert_eq!(bench.resolver().find(&wanted).expect("no error"), Some(image));
}

/// The parts of a kernel that is split as Debian's are from 6.19, and the names of their files.
fn split() -> Vec<(&'static str, Vec<u8>)> {
    let dir = format!("./usr/lib/modules/{RELEASE}");
    let (mut base, mut kernel) = (Vec::new(), Vec::new());
    for (name, bytes) in modules(&dir) {
        if name.ends_with(".builtin") { base.push((name, bytes)) } else { kernel.push((name, bytes)) }
    }
    base.push(file(&format!("{dir}/config"), CONFIG));
    let binary = [file(&format!("{dir}/vmlinuz"), image(RELEASE))];
    vec![
        ("linux-image-7.3.4-1-amd64_7.3.4-1_amd64.deb", deb("linux-image-7.3.4-1-amd64", "amd64", &[])),
        ("linux-base-7.3.4-1-amd64_7.3.4-1_amd64.deb", deb("linux-base-7.3.4-1-amd64", "amd64", &base)),
        ("linux-binary-7.3.4-1-amd64_7.3.4-1_amd64.deb", deb("linux-binary-7.3.4-1-amd64", "amd64", &binary)),
        (
            "linux-modules-7.3.4-1-amd64_7.3.4-1_amd64.deb",
            deb("linux-modules-7.3.4-1-amd64", "amd64", &kernel),
        ),
    ]
}

#[test]
fn a_kernel_that_is_split_is_found_together_by_any_of_its_packages() {
    let bench = Bench::new();
    let mut packages = split();
    for _ in 0..packages.len() {
        let image = obtain(&bench, &lay(&bench, "deb", &packages)).expect("taken");
        assert_eq!(names(&image), TAKEN);
        packages.rotate_left(1);
    }
}

#[test]
fn packages_that_are_listed_need_not_lie_together() {
    let bench = Bench::new();
    let places: Vec<String> = split()
        .into_iter()
        .enumerate()
        .map(|(number, (name, bytes))| {
            let dir = bench.path(&format!("{number}+{number}"));
            fs::create_dir(&dir).expect("made");
            fs::write(dir.join(name), bytes).expect("written");
            dir.join(name).display().to_string()
        })
        .collect();
    for sign in [",", "+"] {
        let image = obtain(&bench, &format!("deb:{}", places.join(sign))).expect("taken");
        assert_eq!(names(&image), TAKEN);
    }
}

#[rstest]
#[case::zstd("zstd", zst)]
#[case::xz("xz", xz)]
#[case::plain("none", <[u8]>::to_vec)]
fn an_rpm_is_taken_with_the_modules_beside_it(#[case] compressor: &str, #[case] pack: fn(&[u8]) -> Vec<u8>) {
    let bench = Bench::new();
    let dir = format!("./lib/modules/{RELEASE}");
    let core = [file(&format!("{dir}/config"), CONFIG), file(&format!("{dir}/vmlinuz"), image(RELEASE))];
    let packages = [
        (
            "kernel-core-7.3.4-1.fc45.x86_64.rpm",
            rpm_of("kernel-core", "x86_64", compressor, &pack(&cpio(&core))),
        ),
        ("kernel-modules-core-7.3.4-1.fc45.x86_64.rpm", rpm("kernel-modules-core", &modules(&dir))),
    ];
    let word = lay(&bench, "rpm", &packages);
    assert_eq!(manifest(&word).expect("a package").id, "kernel-core-7.3.4-1.fc45.x86_64");
    assert_eq!(names(&obtain(&bench, &word).expect("taken")), TAKEN);
}

/// A package of a kernel without modules, with this config.
fn without_modules(config: Option<&str>, image: Vec<u8>) -> Vec<u8> {
    let mut files = vec![file(&format!("boot/vmlinuz-{RELEASE}"), image)];
    files.extend(config.map(|config| file(&format!("boot/config-{RELEASE}"), config)));
    deb("linux-image", "amd64", &files)
}

#[test]
fn a_kernel_without_fwctl_by_its_config_needs_no_modules() {
    let bench = Bench::new();
    let config = CONFIG.replace("CONFIG_FWCTL=m", "# CONFIG_FWCTL is not set");
    let word = lay(&bench, "deb", &[("a.deb", without_modules(Some(&config), image(RELEASE)))]);
    let image = obtain(&bench, &word).expect("taken");
    let why = image.shipped_without_fwctl().expect("known before it boots");
    assert!(why.contains("CONFIG_FWCTL is not set") && image.modules.is_empty(), "{why}");
}

#[test]
fn where_a_package_has_no_config_the_one_within_the_image_is_taken() {
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("packed")
    };
    let own = CONFIG.replace("=m", "=y");
    let kernel = gzip(&[b"IKCFG_ST".as_slice(), &gzip(own.as_bytes()), b"IKCFG_ED"].concat());
    let mut whole = image(RELEASE);
    whole[0x24c..0x250].copy_from_slice(&(kernel.len() as u32).to_le_bytes());
    whole.extend(&kernel);
    let bench = Bench::new();
    let image =
        obtain(&bench, &lay(&bench, "deb", &[("a.deb", without_modules(None, whole))])).expect("taken");
    assert_eq!(read(&image.config.expect("a config")), own.as_bytes());
}

#[test]
fn two_packages_of_one_name_and_version_are_called_by_what_the_user_wrote() {
    let bench = Bench::new();
    let words = ["old", "new"].map(|name| {
        let dir = bench.path(name);
        fs::create_dir(&dir).expect("made");
        let config = CONFIG.replace("=m", "=y") + &format!("# {name}\n");
        fs::write(dir.join("a.deb"), without_modules(Some(&config), image(RELEASE))).expect("written");
        format!("deb:{}", dir.join("a.deb").display())
    });
    let catalogue = catalogue();
    let all = asked(&words, &catalogue).expect("both");
    assert_eq!(all.iter().map(Asked::id).collect::<Vec<_>>(), words);
    let [mut old, mut new] = words.clone().map(|word| asked_one(&word, &catalogue).expect("one"));
    tell_apart([&mut old, &mut new].into_iter());
    assert_eq!([old.id(), new.id()], [&words[0], &words[1]]);
}

#[test]
fn an_image_that_is_named_by_its_file_takes_the_modules_of_a_directory() {
    let bench = Bench::new();
    let root = bench.path("root");
    for (name, bytes) in debian("lib/modules") {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, bytes).expect("written");
    }
    let word = format!("vmlinuz:{}/boot/vmlinuz-{RELEASE}", root.display());
    let catalogue = catalogue();
    for dir in ["lib/modules", &format!("lib/modules/{RELEASE}")] {
        let mut kernel = asked_one(&word, &catalogue).expect("an image");
        with_modules([&mut kernel].into_iter(), &root.join(dir), &catalogue).expect("modules");
        let Asked::Made(manifest) = &kernel else { panic!("{kernel:?}") };
        assert!(manifest.id == word && !manifest.history.unmodified);
        let image = bench.resolver().obtain(manifest, &mut Silent).expect("taken");
        assert_eq!((names(&image), image.release.as_str()), (TAKEN.to_vec(), RELEASE));
        assert!(matches!(image.provenance.origin, Origin::Installed { .. }));
    }
    let mut kernel = asked_one(&word, &catalogue).expect("an image");
    let error = with_modules([&mut kernel].into_iter(), &root.join("no"), &catalogue).expect_err("none");
    assert!(error.to_string().contains("is no directory"), "{error}");
}

/// What stands in the way of a package; nothing may lie in the cache afterwards, nor beside it.
fn refused(kind: &str, packages: &[(&str, Vec<u8>)]) -> String {
    let bench = Bench::new();
    fs::create_dir(bench.path("other")).expect("made");
    let word = lay(&bench, kind, packages);
    let error = obtain(&bench, &word).expect_err("refused");
    assert!(bench.entries().is_empty(), "{:?}", bench.entries());
    let mut left: Vec<_> =
        fs::read_dir(&bench.root).expect("read").map(|entry| entry.expect("read").file_name()).collect();
    left.retain(|name| {
        !["cache", "other", "packages", "reference.config"].contains(&&*name.to_string_lossy())
    });
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(fs::read_dir(bench.path("other")).expect("read").count(), 0);
    error
}

/// A whole kernel of Debian's with some files more.
fn debian_with(more: &[File]) -> Vec<u8> {
    deb("linux-image", "amd64", &[debian("./lib/modules"), more.to_vec()].concat())
}

/// The same, with one of its files in another form.
fn debian_without(name: &str, instead: &[File]) -> Vec<u8> {
    let mut files = debian("./lib/modules");
    files.retain(|(file, _)| !file.contains(name));
    deb("linux-image", "amd64", &[files, instead.to_vec()].concat())
}

/// One entry of a tarball that is no file.
fn special(kind: tar::EntryType, name: &str, link: &str) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(0);
    header.set_path(name).expect("a path");
    header.as_gnu_mut().expect("a GNU header").linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_cksum();
    header.as_bytes().to_vec()
}

/// A kernel whose image is something else than a file.
fn image_is(kind: tar::EntryType, link: &str) -> Vec<u8> {
    let mut files = debian("./lib/modules");
    files.retain(|(file, _)| !file.contains("vmlinuz"));
    let data = [special(kind, &format!("boot/vmlinuz-{RELEASE}"), link), tarball(&files)].concat();
    deb_of("linux-image", "amd64", "data.tar", &data)
}

fn cut(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() - 40);
    bytes
}

#[rstest]
#[case::up(debian_with(&[file("./lib/modules/../../../other/harm", "x")]), "leads outside")]
#[case::absolute(debian_with(&[file("/other/harm", "x")]), "leads outside")]
#[case::up_as_a_version(debian_with(&[file("lib/modules/../vmlinuz", "x")]), "leads outside")]
#[case::a_link_for_an_image(image_is(tar::EntryType::Symlink, "/etc/hostname"), "no vmlinuz")]
#[case::a_hard_link_for_an_image(image_is(tar::EntryType::Link, "/etc/hostname"), "no vmlinuz")]
#[case::a_device_for_an_image(image_is(tar::EntryType::Char, ""), "no vmlinuz")]
#[case::a_fifo_for_an_image(image_is(tar::EntryType::Fifo, ""), "no vmlinuz")]
#[case::a_file_twice(debian_with(&[file(&format!("boot/vmlinuz-{RELEASE}"), "x")]), "twice")]
#[case::cut_short(cut(debian_with(&[])), "cannot unpack")]
#[case::without_end(
    debian_with(&[file("usr/share/zeroes", vec![0; 2 * unpack::SMALL as usize])]), "far more")]
#[case::of_another_architecture(deb("linux-image", "arm64", &debian("./lib/modules")), "it is for arm64")]
#[case::a_config_of_another_architecture(
    debian_without("config-", &[file(&format!("boot/config-{RELEASE}"), "CONFIG_ARM64=y\n")]),
    "config is for another architecture")]
#[case::a_config_without_end(
    debian_without("config-", &[file(&format!("boot/config-{RELEASE}"), vec![b'#'; 5 << 20])]), "longer than any")]
#[case::an_image_that_is_none(
    debian_without("vmlinuz", &[file(&format!("boot/vmlinuz-{RELEASE}"), "MZ")]), "not a kernel image")]
#[case::an_image_of_another_version(
    debian_without("vmlinuz", &[file(&format!("boot/vmlinuz-{RELEASE}"), image("7.3.5"))]),
    "calls itself 7.3.5")]
#[case::several_images(
    debian_with(&[file("boot/vmlinuz-7.3.5", image("7.3.5"))]), "several kernels in its packages")]
#[case::no_image(debian_without("vmlinuz", &[]), "no vmlinuz")]
#[case::no_modules(
    without_modules(Some(CONFIG), image(RELEASE)),
    "no modules of 7.3.4-1-amd64, but its config says"
)]
#[case::one_module_is_not_there(debian_without("cxl_pci", &[]), "no module cxl_pci (CONFIG_CXL_PCI=m)")]
#[case::a_module_of_another_architecture(
    debian_without("cxl_mem", &[file(
        &format!("lib/modules/{RELEASE}/kernel/cxl_mem.ko"), module_of(Architecture::Aarch64, RELEASE, ""))]),
    "for another architecture")]
#[case::a_module_of_another_version(
    debian_without("cxl_mem", &[file(
        &format!("lib/modules/{RELEASE}/kernel/cxl_mem.ko"), module_of(Architecture::X86_64, "7.3.5", ""))]),
    "made for 7.3.5")]
#[case::modules_of_another_version(
    deb("linux-image", "amd64", &[
        vec![file(&format!("boot/vmlinuz-{RELEASE}"), image(RELEASE)), file(&format!("boot/config-{RELEASE}"), CONFIG)],
        modules("lib/modules/7.3.5")].concat()),
    "modules of another version, 7.3.5")]
#[case::something_else(b"PK\x03\x04 is no package".to_vec(), "neither a Debian package nor an RPM")]
#[case::nothing(Vec::new(), "neither a Debian package nor an RPM")]
#[case::a_name_that_moves_a_cursor(deb("linux\x1b[2J", "amd64", &[]), "is no name")]
fn a_debian_package_that_is_no_kernels_is_refused_and_leaves_nothing(
    #[case] bytes: Vec<u8>,
    #[case] said: &str,
) {
    let error = refused("deb", &[("a.deb", bytes)]);
    assert!(error.contains(said), "{error}");
}

/// An RPM of a whole kernel with these entries before the others.
fn rpm_with(entries: &[Vec<u8>]) -> Vec<u8> {
    let files = cpio(&debian("./lib/modules"));
    rpm_of("kernel", "x86_64", "none", &[entries.concat(), files].concat())
}

#[rstest]
#[case::up(rpm_with(&[entry("./lib/../../other/harm", ModeFileType::Regular, b"x")]), "leads outside")]
#[case::absolute(rpm_with(&[entry("/other/harm", ModeFileType::Regular, b"x")]), "leads outside")]
#[case::a_file_twice(
    rpm_with(&[entry(&format!("./boot/vmlinuz-{RELEASE}"), ModeFileType::Regular, b"x")]), "twice")]
#[case::a_link_for_an_image(
    rpm_of("kernel", "x86_64", "none", &trailer(
        entry(&format!("./boot/vmlinuz-{RELEASE}"), ModeFileType::Symlink, b"/etc/hostname")).expect("in memory")),
    "no vmlinuz")]
#[case::a_device_for_an_image(
    rpm_of("kernel", "x86_64", "none", &trailer(
        entry(&format!("./boot/vmlinuz-{RELEASE}"), ModeFileType::Char, b"")).expect("in memory")),
    "no vmlinuz")]
#[case::a_name_of_megabytes(rpm_with(&[entry(&"n".repeat(4 << 20), ModeFileType::Regular, b"")]), "far too long")]
#[case::without_end(
    rpm_of("kernel", "x86_64", "zstd", &zst(&cpio(&[file("./zeroes", vec![0; 2 * unpack::SMALL as usize])]))),
    "far more")]
#[case::cut_in_the_files(cut(rpm_with(&[])), "cannot unpack")]
#[case::cut_in_the_header(rpm_with(&[])[..150].to_vec(), "cut short")]
#[case::of_another_architecture(rpm_of("kernel", "aarch64", "none", b""), "it is for aarch64")]
#[case::a_source_rpm({ let mut bytes = rpm_with(&[]); bytes[7] = 1; bytes }, "a source RPM")]
#[case::no_files(rpm_of("kernel", "x86_64", "none", b"no archive at all"), "cannot unpack")]
fn an_rpm_that_is_no_kernels_is_refused_and_leaves_nothing(#[case] bytes: Vec<u8>, #[case] said: &str) {
    let error = refused("rpm", &[("a.rpm", bytes)]);
    assert!(error.contains(said), "{error}");
}

#[test]
fn a_package_that_is_not_there_is_named_with_how_to_write_it() {
    let error = manifest("deb:no/such.deb").expect_err("none");
    assert!(error.contains("no file no/such.deb; write deb:FILE"), "{error}");
}

#[test]
fn what_was_half_unpacked_is_taken_for_nothing() {
    let bench = Bench::new();
    let whole = debian_with(&[]);
    let word = lay(&bench, "deb", &[("a.deb", cut(whole.clone()))]);
    let wanted = manifest(&word).expect("its control file is whole");
    let error = bench.resolver().obtain(&wanted, &mut Silent).expect_err("cut");
    assert!(
        matches!(error, KernelError::Unpack(UnpackError::Io { .. } | UnpackError::Unexpected { .. })),
        "{error}"
    );
    assert_eq!(bench.resolver().find(&wanted).expect("no error"), None);
    lay(&bench, "deb", &[("a.deb", whole)]);
    assert_eq!(names(&obtain(&bench, &word).expect("whole now")), TAKEN);
}

#[test]
fn a_package_in_another_form_is_taken_anew() {
    let bench = Bench::new();
    let word = lay(&bench, "deb", &[("a.deb", debian_with(&[]))]);
    let first = obtain(&bench, &word).expect("taken");
    lay(&bench, "deb", &[("a.deb", debian_with(&[file("usr/share/doc/changelog", "rebuilt")]))]);
    let second = obtain(&bench, &word).expect("taken");
    assert_ne!(first.bzimage, second.bzimage);
    let places: Vec<&PathBuf> = [&first, &second].into_iter().flat_map(|image| &image.modules).collect();
    assert!(places.iter().all(|path| path.is_file()));
}

#[test]
fn a_damaged_sum_behind_the_last_file_of_an_rpm_is_noticed() {
    let mut packed = Vec::new();
    let mut encoder = zstd::Encoder::new(&mut packed, 1).expect("an encoder");
    encoder.include_checksum(true).expect("a sum");
    encoder.write_all(&cpio(&debian("./lib/modules"))).expect("packed");
    encoder.finish().expect("packed");
    let last = packed.len() - 1;
    packed[last] ^= 0x55;
    let error = refused("rpm", &[("a.rpm", rpm_of("kernel", "x86_64", "zstd", &packed))]);
    assert!(error.contains("cannot unpack"), "{error}");
}
