#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use proptest::prelude::*;

use super::*;

const ABC_256: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const ABC_512: &str = "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                       2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

#[test]
fn known_answers() {
    assert_eq!(Digest::sha256_of(b"abc").to_string(), ABC_256);
    let mut reader = Reader::new(&b"abc"[..], &[Algorithm::Sha512, Algorithm::Sha256]);
    io::copy(&mut reader, &mut io::sink()).unwrap();
    assert_eq!(reader.bytes_read(), 3);
    let texts: Vec<String> = reader.finish().iter().map(ToString::to_string).collect();
    assert_eq!(texts, [ABC_512, ABC_256]);
}

#[test]
fn text_and_json_round_trip() {
    for text in [ABC_256, ABC_512] {
        let digest: Digest = text.parse().unwrap();
        assert_eq!(digest.to_string(), text);
        let json = serde_json::to_string(&digest).unwrap();
        assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
        assert_eq!(digest.short(), digest.hex()[..12]);
    }
    let capitals = ABC_256.to_uppercase().parse::<Digest>().unwrap();
    assert_eq!(
        capitals.to_string(),
        ABC_256,
        "capitals are read, small letters are written"
    );
}

#[test]
fn what_is_no_digest_is_refused() {
    let hex = &ABC_256["sha256:".len()..];
    let table = [
        (
            hex.to_owned(),
            DigestError::NoAlgorithm {
                text: hex.to_owned(),
            },
        ),
        (
            "md5:00".to_owned(),
            DigestError::Weak {
                name: "md5".to_owned(),
            },
        ),
        (
            "SHA1:00".to_owned(),
            DigestError::Weak {
                name: "SHA1".to_owned(),
            },
        ),
        (
            format!("blake3:{hex}"),
            DigestError::UnknownAlgorithm {
                name: "blake3".to_owned(),
            },
        ),
        (
            "sha256:00".to_owned(),
            DigestError::Malformed {
                algorithm: Algorithm::Sha256,
                hex: "00".to_owned(),
            },
        ),
        (
            format!("sha512:{hex}"),
            DigestError::Malformed {
                algorithm: Algorithm::Sha512,
                hex: hex.to_owned(),
            },
        ),
        (
            format!("sha256:{hex}:"),
            DigestError::Malformed {
                algorithm: Algorithm::Sha256,
                hex: format!("{hex}:"),
            },
        ),
    ];
    for (text, error) in table {
        assert_eq!(text.parse::<Digest>().unwrap_err(), error, "for `{text}`");
        assert!(error.hint().is_some(), "each has something to try");
    }
}

proptest! {
    #[test]
    fn a_digest_reads_back(content in any::<[u8; 8]>(), wide in any::<bool>()) {
        let mut hasher = Hasher::new(if wide { Algorithm::Sha512 } else { Algorithm::Sha256 });
        hasher.update(&content);
        let digest = hasher.finish();
        let printed = digest.to_string();
        prop_assert_eq!(printed.parse::<Digest>().unwrap(), digest);
        prop_assert_eq!(printed.to_uppercase().parse::<Digest>().unwrap(), digest, "capitals are read");
    }

    #[test]
    fn no_text_panics_and_what_is_read_prints_in_small_letters(text in "\\PC{0,40}|sha(256|512):[0-9a-fA-F]{60,130}") {
        match text.parse::<Digest>() {
            Ok(digest) => prop_assert_eq!(digest.to_string(), text.to_ascii_lowercase()),
            Err(error) => prop_assert!(error.to_string().len() < 400, "{error}"),
        }
    }
}
