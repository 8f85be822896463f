//! The config that a kernel carries within itself (`CONFIG_IKCONFIG`): gzip between two marks. (kernel/configs.c,
//! `kernel_config_data`.)

use std::io::Read;

use flate2::read::GzDecoder;

use crate::payload::unpack;

/// What stands before the packed config, and behind it.
const START: &[u8] = b"IKCFG_ST";
const END: &[u8] = b"IKCFG_ED";

/// The largest config that is believed, in bytes: ten times a distribution's.
pub const LARGEST_CONFIG: u64 = 4 << 20;

/// The text of the config that a bzImage carries. Nothing where it carries none, or is packed in a way that is not known
/// here; a config that is a module is not in the image.
pub fn config(image: &[u8]) -> Option<String> {
    within(&unpack(image)?)
}

fn within(kernel: &[u8]) -> Option<String> {
    let from = kernel.windows(START.len()).position(|mark| mark == START)? + START.len();
    let rest = &kernel[from..];
    let end = rest.windows(END.len()).position(|mark| mark == END)?;
    let mut text = String::new();
    let count = GzDecoder::new(&rest[..end]).take(LARGEST_CONFIG + 1).read_to_string(&mut text).ok()?;
    (count as u64 <= LARGEST_CONFIG).then_some(text)
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::read::GzEncoder;
    use rstest::rstest;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        GzEncoder::new(text, Compression::best()).read_to_end(&mut packed).unwrap();
        packed
    }

    #[test]
    fn the_config_stands_between_its_marks() {
        let kernel = [b"code IKCFG".as_slice(), START, &gzip(b"CONFIG_A=y\n"), END, b"more"].concat();
        assert_eq!(within(&kernel).as_deref(), Some("CONFIG_A=y\n"));
    }

    #[rstest]
    #[case::no_mark([b"code".as_slice(), &gzip(b"CONFIG_A=y\n"), END].concat())]
    #[case::no_end([START, &gzip(b"CONFIG_A=y\n")].concat())]
    #[case::cut([START, &gzip(b"CONFIG_A=y\n")[..12], END].concat())]
    #[case::not_packed([START, b"CONFIG_A=y\n", END].concat())]
    #[case::no_text([START, &gzip(b"\xff\xfe"), END].concat())]
    #[case::without_end([START, &gzip(&vec![b'#'; LARGEST_CONFIG as usize + 1]), END].concat())]
    fn what_is_no_config_is_nothing(#[case] kernel: Vec<u8>) {
        assert_eq!(within(&kernel), None);
    }
}
