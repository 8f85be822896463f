//! Bytes as a person reads them: hexadecimal, long runs of one byte shortened.
//!
//! `02000000 00*12 a5*4072` is sixteen bytes and then 4,072 untouched ones. The form loses nothing.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::room;

/// The byte that every buffer is filled with before a call, so that what the kernel did not
/// write is seen.
pub const UNTOUCHED: u8 = 0xa5;

/// The shortest run that is written as `hh*N`.
const RUN: usize = 8;

/// A byte string whose text form is hexadecimal with runs (`00*12`).
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bytes(pub Vec<u8>);

/// Why a text is no byte string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BytesError(String);

impl fmt::Display for BytesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BytesError {}

/// The most bytes that a text may stand for: above the 2 MiB that fwctl takes.
pub const LONGEST: usize = 16 << 20;

impl Bytes {
    /// `len` bytes that no one has written to.
    pub fn untouched(len: usize) -> Self {
        Bytes(vec![UNTOUCHED; len])
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes(bytes)
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Bytes(bytes.to_vec())
    }
}

impl std::ops::Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = &self.0[..];
        let mut plain = false; // the last thing written was plain hexadecimal
        let mut first = true;
        while let Some(&byte) = rest.first() {
            let run = rest.iter().take_while(|&&b| b == byte).count();
            let long = run >= RUN;
            if !first && (long || !plain) {
                f.write_str(" ")?;
            }
            if long {
                write!(f, "{byte:02x}*{run}")?;
                rest = &rest[run..];
            } else {
                for _ in 0..run {
                    write!(f, "{byte:02x}")?;
                }
                rest = &rest[run..];
            }
            plain = !long;
            first = false;
        }
        Ok(())
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{self}]")
    }
}

impl FromStr for Bytes {
    type Err = BytesError;

    fn from_str(text: &str) -> Result<Self, BytesError> {
        let mut out = Vec::new();
        for token in text.split_ascii_whitespace() {
            let bad = || {
                BytesError(format!(
                    "`{}` is not a hexadecimal byte string (write `0a0b` or `00*16`)",
                    short(token)
                ))
            };
            let (hex, times) = match token.split_once('*') {
                Some((hex, times)) if hex.len() == 2 => (hex, times.parse::<usize>().map_err(|_| bad())?),
                Some(_) => return Err(bad()),
                None => (token, 1),
            };
            let digits = hex.as_bytes();
            if !digits.len().is_multiple_of(2) {
                return Err(bad());
            }
            let mut bytes = Vec::with_capacity(digits.len() / 2);
            for pair in digits.chunks_exact(2) {
                let nibble = |d: u8| (d as char).to_digit(16).map(|v| v as u8).ok_or_else(bad);
                bytes.push(nibble(pair[0])? << 4 | nibble(pair[1])?);
            }
            if bytes.len().checked_mul(times).is_none_or(|n| n > LONGEST - out.len()) {
                return Err(BytesError(format!("`{}` is longer than {LONGEST} bytes", short(token))));
            }
            room::take(bytes.len() * times)
                .map_err(|full| BytesError(format!("`{}`: {full}", short(token))))?;
            // What is repeated is one byte, and some are repeated a million times.
            match *bytes {
                [byte] => out.resize(out.len() + times, byte),
                _ => out.extend_from_slice(&bytes),
            }
        }
        Ok(Bytes(out))
    }
}

/// A token as far as it is worth reading.
fn short(token: &str) -> &str {
    token.get(..40).unwrap_or(token)
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Bytes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Bytes".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Hexadecimal; `hh*N` stands for N times one byte.",
            "type": "string",
            "pattern": "^ *((([0-9a-fA-F]{2})+|[0-9a-fA-F]{2}\\*[0-9]+)( +|$))*$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::nothing(&[], "")]
    #[case::short(&[1, 2, 0xff], "0102ff")]
    #[case::seven_alike(&[0; 7], "00000000000000")]
    #[case::eight_alike(&[0; 8], "00*8")]
    #[case::run_between(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 2], "01 00*8 02")]
    fn a_byte_string_reads_back_as_it_was_written(#[case] bytes: &[u8], #[case] text: &str) {
        assert_eq!(Bytes::from(bytes).to_string(), text);
        assert_eq!(text.parse::<Bytes>().unwrap().0, bytes);
    }

    #[rstest]
    #[case::odd("abc")]
    #[case::not_hex("zz")]
    #[case::wide_run("0000*4")]
    #[case::endless("00*99999999999999999999")]
    #[case::too_long("00*99999999")]
    #[case::too_long_behind_others("01 00*18446744073709551615")]
    fn what_is_no_byte_string_is_refused(#[case] text: &str) {
        assert!(text.parse::<Bytes>().is_err());
    }
}
