//! Small kernels, packages and servers for the tests.

use crate::pack;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use scrubjay_kernels::{
    Cache, Compiler, Config, DebianPackage, Fwctl, Manifest, Place, Release, Resolver, Source,
};
use tempfile::TempDir;

/// The version that the small trees build.
pub(crate) const VERSION: &str = "7.3.4";

/// A boot image's first sectors, as far as anybody reads them.
pub(crate) fn boot_image(version: &str) -> Vec<u8> {
    let mut bytes = vec![0; 0x400];
    bytes[0x1f1] = 1;
    bytes[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    bytes[0x202..0x206].copy_from_slice(b"HdrS");
    bytes[0x206..0x208].copy_from_slice(&0x020f_u16.to_le_bytes());
    bytes[0x20e..0x210].copy_from_slice(&0x100_u16.to_le_bytes());
    bytes[0x236] = 1;
    bytes[0x300..0x300 + version.len()].copy_from_slice(version.as_bytes());
    bytes
}

/// A directory with a cache, a catalogue's fragment and whatever a test adds.
pub(crate) struct Bench {
    pub(crate) root: PathBuf,
    /// Kept while it is one's own.
    _own: Option<TempDir>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let bench = Self { root: dir.path().to_owned(), _own: Some(dir) };
        fs::write(bench.path("reference.config"), "CONFIG_FWCTL=y\nCONFIG_CXL_FEATURES=y\n")
            .expect("written");
        bench
    }

    /// The bench of another process, which stays that one's.
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), _own: None }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub(crate) fn resolver(&self) -> Resolver {
        Resolver { cache: Cache::at(self.path("cache")), prebuilt: None, jobs: None }
    }

    /// A manifest that builds from the source given.
    pub(crate) fn manifest(&self, source: Source) -> Manifest {
        let config = source.is_built().then(|| Config {
            own: None,
            loose: false,
            fragment: self.path("reference.config"),
            overlays: Vec::new(),
            compiler: Compiler::Gcc,
            absent: Default::default(),
            modules: Vec::new(),
            keep_tree: false,
        });
        Manifest {
            id: "7.3".to_owned(),
            path: self.path("7.3.toml"),
            version: VERSION.to_owned(),
            history: Place { release: Release { major: 7, minor: 3 }, unmodified: true },
            fwctl: Fwctl::Present,
            config,
            sources: vec![source],
        }
    }

    /// A local tree with this recipe for bzImage.
    pub(crate) fn tree(&self, recipe: &str) -> Source {
        let path = self.path("tree");
        for (name, content) in tree_files(recipe) {
            let file = path.join(name);
            fs::create_dir_all(file.parent().expect("a parent")).expect("made");
            fs::write(file, content).expect("written");
        }
        Source::LocalTree { path }
    }

    /// What lies in the cache under a kernel's name.
    pub(crate) fn entries(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path("cache/kernels")) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .filter(|name| !name.starts_with(".lock"))
            .collect();
        names.sort();
        names
    }

    /// Puts a package where downloads are kept, and gives the source that names it.
    pub(crate) fn package(&self, name: &str, files: &[(&str, &[u8])]) -> DebianPackage {
        let package = DebianPackage {
            package: name.to_owned(),
            version: "7.3.4-1".to_owned(),
            architecture: "all".to_owned(),
            source: "linux".to_owned(),
            sha256: None,
        };
        let downloads = self.path("cache/downloads");
        fs::create_dir_all(&downloads).expect("made");
        let data = xz(&tarball(files));
        fs::write(downloads.join(package.file_name()), deb("data.tar.xz", &data)).expect("written");
        package
    }
}

/// The files of a tree that behaves as Kbuild does: `allnoconfig` takes the fragment, `bzImage` does `recipe` and
/// then has an image.
pub(crate) fn tree_files(recipe: &str) -> Vec<(&'static str, Vec<u8>)> {
    let makefile = format!(
        "allnoconfig:\n\tgrep -v UNKNOWN $(KCONFIG_ALLCONFIG) > $(O)/.config\n\
         bzImage:\n\t@echo '  CC      init/main.o'\n\t{recipe}\n\tmkdir -p $(O)/arch/x86/boot\n\
         \tcp image $(O)/arch/x86/boot/bzImage\n\t: > $(O)/System.map\n\
         olddefconfig:\n\ttrue\nmrproper:\n\trm -rf .config include/config\n"
    );
    vec![
        ("Makefile", makefile.into_bytes()),
        ("Kconfig", b"# options".to_vec()),
        ("arch/x86/Makefile", Vec::new()),
        ("image", boot_image("7.3.4 (scrubjay@scrubjay) #1 SMP")),
        ("tools/testing/kunit/kunit.py", b"# the parser".to_vec()),
        ("tools/testing/kunit/test_data/a.log", b"TAP".to_vec()),
    ]
}

/// A tar archive of regular files.
pub(crate) fn tarball(files: &[(&str, &[u8])]) -> Vec<u8> {
    let owned = |(name, content): &(&str, &[u8])| ((*name).to_owned(), content.to_vec());
    pack::tarball(&files.iter().map(owned).collect::<Vec<_>>())
}

/// A tree as a compressed tarball with one directory at its top.
pub(crate) fn source_tarball(recipe: &str) -> Vec<u8> {
    let files = tree_files(recipe);
    let names: Vec<String> = files.iter().map(|(name, _)| format!("linux-source-7.3/{name}")).collect();
    let files: Vec<(&str, &[u8])> =
        names.iter().zip(&files).map(|(name, (_, content))| (name.as_str(), content.as_slice())).collect();
    xz(&tarball(&files))
}

/// XZ-compressed bytes.
pub(crate) fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    liblzma::read::XzEncoder::new(bytes, 0).read_to_end(&mut out).expect("compressed");
    out
}

/// A Debian package with this data member.
pub(crate) fn deb(data_name: &str, data: &[u8]) -> Vec<u8> {
    let mut archive = ar::Builder::new(Vec::new());
    let mut add = |name: &str, content: &[u8]| {
        let mut header = ar::Header::new(name.as_bytes().to_vec(), content.len() as u64);
        header.set_mode(0o100_644);
        archive.append(&header, content).expect("appended");
    };
    add("debian-binary", b"2.0\n");
    add("control.tar.xz", &xz(&tarball(&[("./control", b"Package: x\n")])));
    add(data_name, data);
    archive.into_inner().expect("an archive")
}

/// How the server answers.
#[derive(Clone, Copy)]
pub(crate) enum Manner {
    /// Whole files, and parts when asked for them.
    Proper,
    /// Parts of at most so many bytes, whatever is asked for.
    SmallParts(usize),
    /// Whole files always.
    NoRanges,
    /// Breaks off the first answer after so many bytes.
    BreaksOffAt(usize),
    /// Breaks off every answer after so many bytes.
    AlwaysBreaksOffAt(usize),
    /// Status 404.
    Missing,
    /// Says no length.
    NoLength,
    /// Says a length of so many bytes.
    Says(u64),
}

/// A file server on the loopback, for one file under every path.
pub(crate) struct Server {
    pub(crate) address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn start(file: Vec<u8>, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        // Ends with the process; every connection carries one request.
        std::thread::spawn(move || {
            for (index, stream) in listener.incoming().enumerate() {
                let mut stream = stream.expect("a connection");
                let head = read_head(&mut stream);
                let range = head
                    .lines()
                    .find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
                seen.lock().expect("not poisoned").push(range.clone().unwrap_or_default());
                let answer = answer(&file, range.as_deref(), manner, index == 0);
                // A client that hangs up early is part of the tests.
                let _ = stream.write_all(&answer);
            }
        });
        Self { address, requests }
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    /// The range of each request so far; empty where it asked for the whole file.
    pub(crate) fn ranges(&self) -> Vec<String> {
        self.requests.lock().expect("not poisoned").clone()
    }
}

fn read_head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

fn answer(file: &[u8], range: Option<&str>, manner: Manner, first: bool) -> Vec<u8> {
    let start =
        range.and_then(|range| range.trim().strip_suffix('-')).and_then(|start| start.parse::<usize>().ok());
    let total = file.len();
    let (status, extra, body) = match (manner, start) {
        (Manner::Missing, _) => ("404 Not Found", String::new(), &b""[..]),
        (Manner::NoRanges | Manner::NoLength, _) | (_, None) => ("200 OK", String::new(), file),
        (_, Some(start)) if start >= total => {
            ("416 Range Not Satisfiable", format!("Content-Range: bytes */{total}\r\n"), &b""[..])
        }
        (manner, Some(start)) => {
            let end = match manner {
                Manner::SmallParts(count) => total.min(start + count),
                _ => total,
            };
            let range = format!("Content-Range: bytes {start}-{}/{total}\r\n", end - 1);
            ("206 Partial Content", range, &file[start..end])
        }
    };
    let length = match manner {
        Manner::NoLength => String::new(),
        Manner::Says(length) => format!("Content-Length: {length}\r\n"),
        _ => format!("Content-Length: {}\r\n", body.len()),
    };
    let sent = match manner {
        Manner::BreaksOffAt(count) if first => &body[..count.min(body.len())],
        Manner::AlwaysBreaksOffAt(count) => &body[..count.min(body.len())],
        _ => body,
    };
    let mut answer =
        format!("HTTP/1.1 {status}\r\n{length}{extra}ETag: \"v1\"\r\nConnection: close\r\n\r\n").into_bytes();
    answer.extend_from_slice(sent);
    answer
}

/// A file below a directory, whole.
pub(crate) fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
