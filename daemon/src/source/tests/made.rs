//! Archives, made byte by byte where that matters.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

pub(super) fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, *content).unwrap();
    }
    archive.into_inner().unwrap()
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A zip archive with one stored file. The CRC is the caller's, so that it can be wrong.
pub(super) fn zip(name: &str, content: &[u8], crc: u32) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    let name_length = u16::try_from(name.len()).unwrap();
    let mut common = Vec::new();
    for field in [20, 0, 0, 0, 0x21] {
        common.extend(u16::to_le_bytes(field));
    }
    common.extend(crc.to_le_bytes());
    common.extend(u32::from(length).to_le_bytes());
    common.extend(u32::from(length).to_le_bytes());
    common.extend(name_length.to_le_bytes());
    common.extend(0u16.to_le_bytes());

    let mut bytes = b"PK\x03\x04".to_vec();
    bytes.extend(&common);
    bytes.extend(name.as_bytes());
    bytes.extend(content);
    let start = u32::try_from(bytes.len()).unwrap();
    bytes.extend(b"PK\x01\x02\x14\x03");
    bytes.extend(&common);
    bytes.extend([0; 6]);
    bytes.extend((0o10_0644u32 << 16).to_le_bytes());
    bytes.extend(0u32.to_le_bytes());
    bytes.extend(name.as_bytes());
    let size = u32::try_from(bytes.len()).unwrap() - start;
    bytes.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    bytes.extend(size.to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}

pub(super) fn sample() -> Vec<u8> {
    gzip(&tar(&[
        ("pack.yaml", b"ref: slack\n"),
        ("actions/post.yaml", b"name: post\n"),
    ]))
}

pub(super) fn zip_sample() -> Vec<u8> {
    let content = b"ref: slack\n";
    let mut crc = flate2::Crc::new();
    crc.update(content);
    zip("pack.yaml", content, crc.sum())
}

/// Bytes that do not compress.
pub(super) fn noise(count: usize) -> Vec<u8> {
    let mut state = 1u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..count).map(|_| next()).collect()
}
