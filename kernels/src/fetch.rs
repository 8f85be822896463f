//! Resumable downloads: a part file kept across interruptions, checked by length always and by SHA-256 where known.
//!
//! Knows HTTP and files; knows nothing of kernels or archives.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ureq::http::header::{
    ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, IF_RANGE, LAST_MODIFIED,
    RANGE,
};

use crate::cache::{CacheError, Lock};
use crate::digest;
use crate::progress::{Phase, Progress, Unit};

/// A file that was fetched, or was here already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Where it lies.
    pub path: PathBuf,
    /// Its SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

/// Why a download failed.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The server was not reached, or the connection broke; the part file is kept.
    #[error(
        "cannot download {url}: {why}; check the network and run the command again: it goes on where it stopped"
    )]
    Network {
        /// The address.
        url: String,
        /// What went wrong.
        why: String,
    },
    /// The server answered with something else than the file.
    #[error("{url} answered with HTTP status {status}")]
    Status {
        /// The address.
        url: String,
        /// The status.
        status: u16,
    },
    /// The server does not say how long the file is, and no digest is known.
    #[error(
        "{url} does not say how long it is, so a cut one would go unnoticed; give its sha256 in the manifest"
    )]
    NoLength {
        /// The address.
        url: String,
    },
    /// The file is longer than any that a kernel is made from.
    #[error(
        "{url} is longer than {LARGEST} bytes, so it is no kernel's source or package; it is not downloaded on"
    )]
    TooLong {
        /// The address.
        url: String,
    },
    /// The file is not the one that the manifest names.
    #[error(
        "{url} has the SHA-256 {found}, the manifest says {wanted}; the file was removed: if the manifest is right, \
         the mirror is not"
    )]
    Digest {
        /// The address.
        url: String,
        /// The digest of what came.
        found: String,
        /// The digest of the manifest.
        wanted: String,
    },
    /// A file of the cache cannot be read or written.
    #[error("cannot write the download {}; what came is kept, and the next run goes on from there", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why; a full disk shows here.
        source: std::io::Error,
    },
    /// The cache's lock cannot be taken.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The caller asked to stop; the part file is kept.
    #[error("the download of {url} was interrupted; run the command again: it goes on where it stopped")]
    Interrupted {
        /// The address.
        url: String,
    },
}

impl FetchError {
    /// Whether another address or source may do better.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self, Self::File { .. } | Self::Cache(_) | Self::Interrupted { .. })
    }
}

/// A connection is given up after so long without a byte.
const SILENCE: Duration = Duration::from_secs(60);
/// The largest file that is fetched, in bytes: above any package, source or debug information of a kernel.
pub(crate) const LARGEST: u64 = 4 << 30;
/// Broken connections are taken up again so often, as long as each brought something.
const RESUMES: usize = 5;

/// Downloads with one client: proxies from the environment, redirects followed.
#[derive(Debug)]
pub(crate) struct Downloader {
    agent: ureq::Agent,
}

impl Downloader {
    /// A client; `proxy` (an address) is used where the environment names none.
    pub(crate) fn new(proxy: Option<&str>) -> Self {
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(30)))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE));
        if let Some(proxy) = proxy.and_then(|address| ureq::Proxy::new(address).ok())
            && ureq::Proxy::try_from_env().is_none()
        {
            config = config.proxy(Some(proxy));
        }
        Self { agent: config.build().into() }
    }

    /// Fetches the first of the addresses that has the file into `dest`, unless it is there. While it comes it is
    /// `dest` with `.part` added, which the next call takes up.
    ///
    /// # Errors
    /// That of an address that failed, or the first that no other address can mend.
    pub(crate) fn fetch(
        &self,
        urls: &[String],
        dest: &Path,
        sha256: Option<&str>,
        progress: &mut dyn Progress,
    ) -> Result<Fetched, FetchError> {
        let lock_path = lock_beside(dest);
        let _lock = Lock::take(&lock_path, "this download", progress).map_err(|error| match error {
            CacheError::Interrupted => {
                FetchError::Interrupted { url: urls.first().cloned().unwrap_or_default() }
            }
            error => FetchError::Cache(error),
        })?;
        if let Some(fetched) = self.here_already(dest, sha256, progress)? {
            return Ok(fetched);
        }
        let mut last = None;
        for url in urls {
            match self.fetch_one(url, dest, sha256, progress) {
                // That the file is not there says less than that somebody could not be asked.
                Err(error @ FetchError::Status { .. }) => last = last.or(Some(error)),
                Err(error) if !error.is_local() => last = Some(error),
                result => return result,
            }
        }
        Err(last.unwrap_or_else(|| FetchError::Network {
            url: dest.display().to_string(),
            why: "no address is known for it".to_owned(),
        }))
    }

    fn here_already(
        &self,
        dest: &Path,
        sha256: Option<&str>,
        progress: &mut dyn Progress,
    ) -> Result<Option<Fetched>, FetchError> {
        let failed = |source| FetchError::File { path: dest.to_owned(), source };
        if !dest.is_file() {
            return Ok(None);
        }
        let found = digest::of_file(dest).map_err(failed)?;
        if sha256.is_none_or(|wanted| wanted == found) {
            return Ok(Some(Fetched { path: dest.to_owned(), sha256: found }));
        }
        progress.note(&format!(
            "{} does not have the digest of the manifest; downloading it anew",
            dest.display()
        ));
        fs::remove_file(dest).map_err(failed)?;
        Ok(None)
    }

    fn fetch_one(
        &self,
        url: &str,
        dest: &Path,
        sha256: Option<&str>,
        progress: &mut dyn Progress,
    ) -> Result<Fetched, FetchError> {
        let part = Part::open(dest)?;
        let mut resumes = 0;
        loop {
            let before = part.length()?;
            match self.transfer(url, &part, sha256.is_some(), progress) {
                Ok(()) => break,
                Err(FetchError::Network { .. }) if part.length()? > before && resumes < RESUMES => {
                    resumes += 1
                }
                Err(error) => return Err(error),
            }
        }
        progress.finish();
        let found = digest::of_file(&part.path).map_err(|source| part.failed(source))?;
        if let Some(wanted) = sha256
            && wanted != found
        {
            part.remove()?;
            return Err(FetchError::Digest { url: url.to_owned(), found, wanted: wanted.to_owned() });
        }
        fs::rename(&part.path, dest).map_err(|source| part.failed(source))?;
        // Only of use beside a part.
        let _ = fs::remove_file(&part.validator_path);
        Ok(Fetched { path: dest.to_owned(), sha256: found })
    }

    /// One request: from where the part ends to the end of the file.
    fn transfer(
        &self,
        url: &str,
        part: &Part,
        digest_known: bool,
        progress: &mut dyn Progress,
    ) -> Result<(), FetchError> {
        let network = |why: String| FetchError::Network { url: url.to_owned(), why };
        let have = part.length()?;
        // A compressed transfer would have another length than the file.
        let mut request = self.agent.get(url).header(ACCEPT_ENCODING, "identity");
        if have > 0 {
            request = request.header(RANGE, format!("bytes={have}-"));
            if let Some(validator) = part.validator(url) {
                request = request.header(IF_RANGE, validator);
            }
        }
        let response = request.call().map_err(|error| network(error.to_string()))?;
        let status = response.status().as_u16();
        let headers = response.headers();
        let (start, total) = match status {
            200 => (0, number(headers, &CONTENT_LENGTH)),
            206 => match content_range(headers) {
                Some((first, total)) if first == have => (have, Some(total)),
                _ => return Err(network("a part of the file came that was not asked for".to_owned())),
            },
            416 if have > 0 => {
                // Either all is here, which the server says with the length, or the part is of another file.
                if unsatisfied_range(headers) == Some(have) {
                    return Ok(());
                }
                part.remove()?;
                return self.transfer(url, part, digest_known, progress);
            }
            status => return Err(FetchError::Status { url: url.to_owned(), status }),
        };
        if total.is_none() && !digest_known {
            return Err(FetchError::NoLength { url: url.to_owned() });
        }
        let too_long = || FetchError::TooLong { url: url.to_owned() };
        if total.is_some_and(|total| total > LARGEST) {
            return Err(too_long());
        }
        part.note_validator(url, headers);
        let mut file = part.write_from(start)?;
        let name = part.name();
        progress.start(&Phase { what: &format!("download {name}"), unit: Unit::Bytes, total });
        progress.advance(start);
        let mut done = start;
        let mut body = response.into_body();
        let mut reader = body.as_reader();
        let mut buffer = vec![0; 1 << 16];
        loop {
            if progress.cancelled() {
                return Err(FetchError::Interrupted { url: url.to_owned() });
            }
            let count = reader.read(&mut buffer).map_err(|error| network(error.to_string()))?;
            if count == 0 {
                break;
            }
            file.write_all(&buffer[..count]).map_err(|source| part.failed(source))?;
            done += count as u64;
            if total.is_some_and(|total| done > total) {
                break;
            }
            if done > LARGEST {
                drop(file);
                part.remove()?;
                return Err(too_long());
            }
            progress.advance(done);
        }
        match total {
            Some(total) if done > total => {
                part.remove()?;
                Err(network(format!("more than the {total} bytes came that it told of")))
            }
            Some(total) if done != total => Err(network(format!("{done} of {total} bytes came"))),
            _ => file.sync_all().map_err(|source| part.failed(source)),
        }
    }
}

/// The unfinished file, and beside it what the server called the version that it is a part of.
struct Part {
    path: PathBuf,
    validator_path: PathBuf,
}

impl Part {
    fn open(dest: &Path) -> Result<Self, FetchError> {
        let part = Self { path: with_suffix(dest, ".part"), validator_path: with_suffix(dest, ".part.of") };
        if let Some(dir) = dest.parent() {
            fs::create_dir_all(dir).map_err(|source| part.failed(source))?;
        }
        Ok(part)
    }

    fn failed(&self, source: std::io::Error) -> FetchError {
        FetchError::File { path: self.path.clone(), source }
    }

    fn name(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn length(&self) -> Result<u64, FetchError> {
        match fs::metadata(&self.path) {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// The part, to be written on from `start`; what lies behind is cut off.
    fn write_from(&self, start: u64) -> Result<File, FetchError> {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&self.path)
            .map_err(|source| self.failed(source))?;
        file.set_len(start)
            .and_then(|()| file.seek(SeekFrom::Start(start)))
            .map_err(|source| self.failed(source))?;
        Ok(file)
    }

    fn remove(&self) -> Result<(), FetchError> {
        let _ = fs::remove_file(&self.validator_path);
        fs::remove_file(&self.path).map_err(|source| self.failed(source))
    }

    /// The server's name for the version, where it was the same address that gave it.
    fn validator(&self, url: &str) -> Option<String> {
        let text = fs::read_to_string(&self.validator_path).ok()?;
        let (of, validator) = text.split_once('\n')?;
        (of == url && !validator.is_empty()).then(|| validator.to_owned())
    }

    fn note_validator(&self, url: &str, headers: &HeaderMap) {
        let strong = |name: &HeaderName| {
            headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.starts_with("W/"))
        };
        let result = match strong(&ETAG).or_else(|| strong(&LAST_MODIFIED)) {
            Some(validator) => fs::write(&self.validator_path, format!("{url}\n{validator}")),
            None => fs::remove_file(&self.validator_path),
        };
        if let Err(error) = result {
            // Without it the length and the digest still have to agree.
            tracing::debug!(path = %self.validator_path.display(), %error, "no validator kept");
        }
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn lock_beside(dest: &Path) -> PathBuf {
    let name = dest.file_name().unwrap_or_default().to_string_lossy();
    dest.with_file_name(format!(".lock-{name}"))
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// `bytes FIRST-LAST/TOTAL` as first and total (RFC 9110, 14.4).
fn content_range(headers: &HeaderMap) -> Option<(u64, u64)> {
    let text = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.trim().parse().ok()?, total.trim().parse().ok()?))
}

/// `bytes */TOTAL`, which comes with status 416.
fn unsatisfied_range(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes */")?.trim().parse().ok()
}
