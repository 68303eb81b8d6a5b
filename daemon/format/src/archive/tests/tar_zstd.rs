//! Tar archives compressed with zstd, as they are found and as nobody should send them.

use ::zstd::stream::raw::CParameter;

use super::tar_bytes::Tar;
use super::*;

fn tar() -> Vec<u8> {
    Tar::new()
        .dir("top/")
        .file("top/pack.yaml", "ref: x")
        .file("top/big", vec![b'x'; 300_000])
        .link("top/link", "big")
        .end()
}

fn good(case: &str, bytes: &[u8]) {
    let stage = Stage::new();
    let list = accepted(case, unpack_tar(Format::TarZst, bytes, &stage), &stage);
    assert_eq!(
        shown(&list),
        ["top/", "top/big", "top/link -> big", "top/pack.yaml"],
        "{case}"
    );
}

/// Is refused; the reading thread may see it before the entry is parsed, so where it happened may be missing.
fn bad(case: &str, bytes: &[u8], reason: &str) {
    let stage = Stage::new();
    let error = unpack_tar(Format::TarZst, bytes, &stage).expect_err(case);
    let ArchiveError::Damaged { reason: actual, .. } = &error else {
        panic!("{case}: {error}")
    };
    assert_eq!(actual, reason, "{case}");
    stage.check_refused(case);
}

fn skippable(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    [b"\x5a\x2a\x4d\x18", &length[..], content].concat()
}

#[test]
fn frames_in_a_row_are_one_stream() {
    let tar = tar();
    good("one frame", &zstd(&tar));
    let (first, second) = tar.split_at(1_000);
    good("two frames", &[zstd(first), zstd(second)].concat());
    let many: Vec<u8> = tar.chunks(777).flat_map(zstd).collect();
    good("many frames", &many);
    let padded = [zstd(b""), zstd(&tar), zstd(b"")].concat();
    good("empty frames", &padded);
    let plain = ::zstd::bulk::compress(&tar, 3).unwrap();
    good("without a checksum, with the size of the content", &plain);
}

#[test]
fn what_is_cut_off_or_changed_is_refused() {
    let packed = zstd(&tar());
    let early = "its compressed data ends too early";
    for cut in (4..packed.len()).chain([1, 2, 3]) {
        bad(&format!("cut at {cut}"), &packed[..cut], early);
    }
    bad("empty", &[], "it is empty");
    let more = [packed.clone(), b"\x28\xb5".to_vec()].concat();
    bad("half a magic number", &more, early);
    let mut changed = packed.clone();
    *changed.last_mut().unwrap() ^= 1;
    bad(
        "the checksum",
        &changed,
        "its compressed data is damaged: Restored data doesn't match checksum",
    );
}

#[test]
fn what_lies_beside_the_frames_is_refused() {
    let packed = zstd(&tar());
    let hides =
        "its compressed data is damaged: it has a skippable frame, which could hide anything";
    let follows = "its compressed data is damaged: something else follows the last frame";
    for (case, bytes, reason) in [
        (
            "after",
            [packed.clone(), skippable(b"hidden")].concat(),
            hides,
        ),
        ("empty", [packed.clone(), skippable(b"")].concat(), hides),
        (
            "before",
            [skippable(b"hidden"), packed.clone()].concat(),
            hides,
        ),
        (
            "between",
            [packed.clone(), skippable(b"x"), packed.clone()].concat(),
            // the tar archive has ended, and what the other frame has is more of it
            hides,
        ),
        (
            "garbage",
            [packed.clone(), b"garbage".to_vec()].concat(),
            follows,
        ),
        ("one byte", [packed.clone(), vec![0]].concat(), follows),
        ("gzip", [packed.clone(), gzip(b"x")].concat(), follows),
        (
            "another archive",
            [packed.clone(), packed.clone()].concat(),
            "there is more after its end",
        ),
    ] {
        bad(case, &bytes, reason);
    }
    bad(
        "no zstd",
        &[&b"\x28\xb5\x2f\xfd"[..], &[0xff; 30]].concat(),
        "its compressed data is damaged: Unsupported frame parameter",
    );
}

#[test]
fn a_window_larger_than_allowed_is_not_given_memory() {
    let with_window = |log: u32| {
        let mut encoder = ::zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.set_parameter(CParameter::WindowLog(log)).unwrap();
        encoder.write_all(&tar()).unwrap();
        encoder.finish().unwrap()
    };
    good("26", &with_window(26));
    let in_one_piece = |size: u64| {
        // a header that says so, and no content
        let descriptor = 0b1110_0000_u8;
        [&b"\x28\xb5\x2f\xfd"[..], &[descriptor], &size.to_le_bytes()].concat()
    };
    for (case, bytes) in [
        ("27", with_window(27)),
        ("31", with_window(31)),
        ("a piece of 64 MiB and a byte", in_one_piece((64 << 20) + 1)),
        ("a piece of 16 EiB", in_one_piece(u64::MAX)),
        (
            "in a second frame",
            [zstd(&tar()[..1000]), with_window(27)].concat(),
        ),
    ] {
        let stage = Stage::new();
        let error = unpack_tar(Format::TarZst, &bytes, &stage).expect_err(case);
        assert!(
            matches!(
                &error,
                ArchiveError::Limit {
                    what: LimitKind::Window,
                    limit: 0x0400_0000,
                    ..
                }
            ),
            "{case}: {error}"
        );
        assert!(error.hint().is_some(), "{case}: what to do is said");
        stage.check_refused(case);
    }
    bad(
        "a piece of 64 MiB",
        &in_one_piece(64 << 20),
        "its compressed data ends too early",
    );
}

#[test]
fn bombs_are_stopped_and_other_content_is_named() {
    let bomb = zstd(&Tar::new().file("zeros", vec![0; 8 << 20]).end());
    let limits = Limits {
        ratio: 50,
        ratio_after: 1 << 20,
        ..Limits::default()
    };
    let stage = Stage::new();
    let mut input = &bomb[..];
    let source = Source::Stream(Format::TarZst, &mut input);
    refused(
        "ratio",
        unpack(source, &stage.dest(), &limits, &mut ()),
        &stage,
        "the archive has more than 50 times the compressed size, at `zeros`",
    );
    let stage = Stage::new();
    let mut page = b"<!DOCTYPE html><title>Sign in</title>".to_vec();
    page.resize(2048, b' ');
    refused(
        "page",
        unpack_tar(Format::TarZst, &zstd(&page), &stage),
        &stage,
        "this is no tar, tar.gz, tar.zst or zip archive, it looks like zstd of an HTML page",
    );
}

proptest::proptest! {
    #[test]
    fn no_change_of_bytes_escapes_or_panics(at: usize, byte: u8) {
        let mut packed = zstd(&Tar::new().file("dir/a", "abc").link("dir/l", "a").end());
        let at = at % packed.len();
        packed[at] = byte;
        let stage = Stage::new();
        match unpack_tar(Format::TarZst, &packed, &stage) {
            Ok(list) => { accepted("mutated", Ok(list), &stage); }
            Err(_) => stage.check_refused("mutated"),
        }
    }
}
