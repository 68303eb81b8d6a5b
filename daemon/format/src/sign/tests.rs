#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::Cursor;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::digest::Digest;

const INDEX: &[u8] = br#"{"packs":[]}"#;
const POLICY: Policy<'static> = Policy {
    index: "index.json",
    max_stale: SignedDuration::ZERO,
};

fn day(number: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + number * 86_400).unwrap()
}

/// Somebody with a key.
struct Person(minisign::KeyPair);

impl Person {
    fn new() -> Self {
        Self(minisign::KeyPair::generate_unencrypted_keypair().unwrap())
    }

    fn key(&self) -> Key {
        let boxed = self.0.pk.to_box().unwrap().to_string();
        boxed.parse().unwrap()
    }

    fn sign(&self, bytes: &[u8]) -> Signature {
        let signed = minisign::sign(None, &self.0.sk, Cursor::new(bytes), Some("x"), None);
        Signature {
            key: self.key().id(),
            bytes: signed.unwrap().to_bytes(),
        }
    }
}

fn signed(bytes: Vec<u8>, people: &[&Person]) -> Signed {
    let signatures = people.iter().map(|person| person.sign(&bytes)).collect();
    Signed { bytes, signatures }
}

fn root(roots: &[&Person], indexers: &[&Person]) -> Root {
    let mut root = Root::new(RegistryId::of([7; 16]), day(0), day(365));
    for person in roots {
        root.add(RoleName::Root, person.key(), None);
    }
    for person in indexers {
        root.add(RoleName::Index, person.key(), None);
    }
    root
}

fn meta(root: &Root, version: u64) -> IndexMeta {
    let index = Described {
        path: "index.json".into(),
        length: INDEX.len() as u64,
        sha256: Digest::sha256_of(INDEX),
    };
    let registry = (root.registry_id.clone(), root.version);
    IndexMeta::new(registry, version, (day(0), day(30)), index)
}

fn shown(root: &Root, version: u64, by: &[&Person]) -> Fetched {
    Fetched {
        meta: Some(signed(meta(root, version).to_bytes(), by)),
        ..Fetched::default()
    }
}

fn refused(result: Result<Accepted, Refused>) -> Refused {
    result.expect_err("it was believed")
}

#[test]
fn what_the_right_key_signed_is_believed_and_nothing_else() {
    let (owner, indexer, other) = (Person::new(), Person::new(), Person::new());
    let root = root(&[&owner], &[&indexer]);
    let held = Held::default();
    let look = |fetched: &Fetched| verify(&root, fetched, &held, day(1), POLICY);

    let good = look(&shown(&root, 1, &[&indexer])).unwrap();
    assert_eq!(good.held.meta.as_ref().unwrap().version, 1);
    assert_eq!(good.expires, day(30));
    check_index(&good.meta.unwrap().index, INDEX).unwrap();

    for by in [&[][..], &[&other], &[&owner]] {
        let why = refused(look(&shown(&root, 1, by)));
        assert_eq!(why.reason(), Reason::Unsigned, "{why}");
    }
    let mut changed = shown(&root, 1, &[&indexer]);
    changed.meta.as_mut().unwrap().bytes.push(b' ');
    assert!(matches!(refused(look(&changed)), Refused::Threshold { count, .. } if count.bad == 1));
    // under the name of a key that is allowed
    let mut forged = shown(&root, 1, &[&other]);
    forged.meta.as_mut().unwrap().signatures[0].key = indexer.key().id();
    assert_eq!(refused(look(&forged)).reason(), Reason::Unsigned);
    assert_eq!(
        refused(look(&Fetched::default())),
        Refused::Missing { file: META.into() }
    );
}

#[test]
fn one_key_counts_once_however_often_it_signs() {
    let (owner, one, two) = (Person::new(), Person::new(), Person::new());
    let mut root = root(&[&owner], &[&one, &two]);
    root.roles.index.threshold = 2;
    let look = |fetched: &Fetched| verify(&root, fetched, &Held::default(), day(1), POLICY);

    let why = refused(look(&shown(&root, 1, &[&one, &one])));
    assert!(matches!(why, Refused::Threshold { count, threshold: 2, .. } if count.good == 1));
    // its signature under the other one's name
    let mut twice = shown(&root, 1, &[&one, &one]);
    twice.meta.as_mut().unwrap().signatures[1].key = two.key().id();
    assert!(matches!(refused(look(&twice)), Refused::Threshold { count, .. } if count.good == 1));
    look(&shown(&root, 1, &[&two, &one])).unwrap();
}

#[test]
fn the_older_kind_of_signature_and_what_is_no_signature_are_refused() {
    let (owner, indexer) = (Person::new(), Person::new());
    let root = root(&[&owner], &[&indexer]);
    let bytes = meta(&root, 1).to_bytes();
    let good = String::from_utf8(indexer.sign(&bytes).bytes).unwrap();
    let mut lines: Vec<&str> = good.lines().collect();
    // `ED` is the hashed kind, `Ed` the other
    let older = lines[1].replacen("RU", "RW", 1);
    lines[1] = &older;
    for text in [lines.join("\n"), "a".repeat(5000), String::new()] {
        let fetched = Fetched {
            meta: Some(Signed {
                bytes: bytes.clone(),
                signatures: vec![Signature {
                    key: indexer.key().id(),
                    bytes: text.into_bytes(),
                }],
            }),
            ..Fetched::default()
        };
        let why = refused(verify(&root, &fetched, &Held::default(), day(1), POLICY));
        assert_eq!(why.reason(), Reason::Unsigned, "{why}");
    }
}

#[test]
fn a_signed_document_of_another_kind_is_not_taken_for_this_one() {
    let everything = Person::new();
    let mut root = root(&[&everything], &[&everything]);
    root.add(RoleName::Fresh, everything.key(), None);
    let meta = meta(&root, 1).to_bytes();
    let mark = MetaMark {
        version: 1,
        length: meta.len() as u64,
        sha256: Digest::sha256_of(&meta),
    };
    let times = (day(0), day(30));
    let fresh = Fresh::new(root.registry_id.clone(), 1, times, mark).to_bytes();
    let look = |meta: &[u8], fresh: &[u8]| {
        let fetched = Fetched {
            roots: Vec::new(),
            fresh: Some(signed(fresh.to_vec(), &[&everything])),
            meta: Some(signed(meta.to_vec(), &[&everything])),
        };
        verify(&root, &fetched, &Held::default(), day(1), POLICY)
    };
    look(&meta, &fresh).unwrap();
    for (meta, fresh) in [
        (root.to_bytes().as_slice(), fresh.as_slice()),
        (&fresh, &fresh),
        (&meta, &meta),
        (
            &String::from_utf8(meta.clone())
                .unwrap()
                .replace("meta/1", "meta/2")
                .into_bytes(),
            &fresh,
        ),
    ] {
        assert!(matches!(refused(look(meta, fresh)), Refused::Schema { .. }));
    }
}

#[test]
fn what_was_seen_is_never_undercut() {
    let (owner, indexer) = (Person::new(), Person::new());
    let root = root(&[&owner], &[&indexer]);
    let five = shown(&root, 5, &[&indexer]);
    let held = verify(&root, &five, &Held::default(), day(1), POLICY)
        .unwrap()
        .held;
    let look = |fetched: &Fetched| verify(&root, fetched, &held, day(2), POLICY);

    look(&five).unwrap();
    look(&Fetched::default()).unwrap();
    assert!(matches!(
        refused(look(&shown(&root, 4, &[&indexer]))),
        Refused::Rollback {
            found: 4,
            seen: 5,
            ..
        }
    ));
    let mut other = meta(&root, 5);
    other.expires = day(31);
    let other = Fetched {
        meta: Some(signed(other.to_bytes(), &[&indexer])),
        ..Fetched::default()
    };
    assert!(matches!(
        refused(look(&other)),
        Refused::Equivocation { version: 5, .. }
    ));
    look(&shown(&root, 6, &[&indexer])).unwrap();
}

#[test]
fn other_keys_count_anew_so_that_a_stolen_one_cannot_use_up_the_numbers() {
    let (owner, stolen, new) = (Person::new(), Person::new(), Person::new());
    let first = root(&[&owner], &[&stolen]);
    let far = shown(&first, u64::MAX, &[&stolen]);
    let held = verify(&first, &far, &Held::default(), day(1), POLICY)
        .unwrap()
        .held;
    let mut second = first.clone();
    second.version = 2;
    second.add(RoleName::Index, new.key(), None);
    assert!(second.remove(RoleName::Index, &stolen.key().id()));
    let roots = vec![signed(second.to_bytes(), &[&owner])];
    let look = |meta| {
        let fetched = Fetched {
            roots: roots.clone(),
            fresh: None,
            meta,
        };
        verify(&first, &fetched, &held, day(2), POLICY)
    };
    let accepted = look(shown(&second, 1, &[&new]).meta).unwrap();
    assert_eq!(accepted.held.meta.unwrap().version, 1);
    assert_eq!(accepted.root.version, 2);
    // what the old key signed is not believed any more, fetched or held
    assert_eq!(refused(look(far.meta)).reason(), Reason::Unsigned);
    assert_eq!(refused(look(None)).reason(), Reason::Unsigned);
}

#[test]
fn a_root_needs_the_old_keys_and_its_own() {
    let (old, new, indexer) = (Person::new(), Person::new(), Person::new());
    let first = root(&[&old], &[&indexer]);
    let mut second = root(&[&new], &[&indexer]);
    second.version = 2;
    let bytes = second.to_bytes();
    succeeds(&first, &signed(bytes.clone(), &[&old, &new])).unwrap();
    for by in [&[&old][..], &[&new], &[&indexer]] {
        let why = succeeds(&first, &signed(bytes.clone(), by)).unwrap_err();
        assert!(
            matches!(why, Refused::Threshold { role: "root", .. }),
            "{why}"
        );
    }
    for version in [0, 1, 3] {
        second.version = version;
        let why = succeeds(&first, &signed(second.to_bytes(), &[&old, &new])).unwrap_err();
        assert_eq!(why.reason(), Reason::Malformed, "{why}");
    }
    second.version = 2;
    second.registry_id = RegistryId::of([8; 16]);
    let why = succeeds(&first, &signed(second.to_bytes(), &[&old, &new])).unwrap_err();
    assert!(matches!(why, Refused::OtherRegistry { .. }), "{why}");
}

#[test]
fn only_the_last_root_must_not_have_expired() {
    let (owner, indexer) = (Person::new(), Person::new());
    let mut first = root(&[&owner], &[&indexer]);
    first.expires = day(1);
    let mut second = first.clone();
    (second.version, second.expires) = (2, day(365));
    let look = |roots| {
        let fetched = Fetched {
            roots,
            ..shown(&first, 1, &[&indexer])
        };
        verify(&first, &fetched, &Held::default(), day(2), POLICY)
    };
    look(vec![signed(second.to_bytes(), &[&owner])]).unwrap();
    assert!(matches!(refused(look(Vec::new())), Refused::Expired { .. }));
    let many = vec![signed(second.to_bytes(), &[&owner]); MAX_ROOTS + 1];
    assert!(matches!(refused(look(many)), Refused::TooManyRoots { .. }));
}

#[test]
fn what_has_expired_is_believed_only_as_long_as_the_operator_allows() {
    let (owner, indexer) = (Person::new(), Person::new());
    let root = root(&[&owner], &[&indexer]);
    let fetched = shown(&root, 1, &[&indexer]);
    let look = |at, held: &Held, hours| {
        let policy = Policy {
            max_stale: SignedDuration::from_hours(hours),
            ..POLICY
        };
        verify(&root, &fetched, held, at, policy)
    };
    let nothing = Held::default();
    look(day(29), &nothing, 0).unwrap();
    assert_eq!(
        refused(look(day(30), &nothing, 0)).reason(),
        Reason::Expired
    );
    let patient = look(day(31), &nothing, 48).unwrap();
    assert!(matches!(patient.warnings[0], Warning::Stale { .. }));
    assert_eq!(patient.expires, day(30), "patience is counted from there");
    assert_eq!(
        refused(look(day(32), &nothing, 48)).reason(),
        Reason::Expired
    );

    // a clock that goes back does not make it younger
    let held = Held {
        registry_id: Some(root.registry_id.clone()),
        seen: Some(day(31)),
        ..Held::default()
    };
    let why = refused(look(day(3), &held, 0));
    assert_eq!(why.reason(), Reason::Expired, "{why}");
    let held = Held {
        seen: Some(day(20)),
        ..held
    };
    let odd = look(day(3), &held, 0).unwrap();
    assert!(matches!(odd.warnings[0], Warning::Clock { .. }));
    assert_eq!(odd.held.seen, Some(day(20)), "it is remembered");
    assert!(look(day(19), &held, 0).unwrap().warnings.is_empty());
}

#[test]
fn freshness_is_demanded_where_the_root_says_so() {
    let (owner, indexer, nightly) = (Person::new(), Person::new(), Person::new());
    let mut root = root(&[&owner], &[&indexer]);
    root.add(RoleName::Fresh, nightly.key(), None);
    let described = shown(&root, 3, &[&indexer]).meta.unwrap();
    let fresh = |version, of: &[u8]| {
        let mark = MetaMark {
            version: 3,
            length: of.len() as u64,
            sha256: Digest::sha256_of(of),
        };
        let times = (day(0), day(7));
        Fresh::new(root.registry_id.clone(), version, times, mark).to_bytes()
    };
    let look = |fresh: Option<Signed>, held: &Held, at| {
        let fetched = Fetched {
            roots: Vec::new(),
            fresh,
            meta: Some(described.clone()),
        };
        verify(&root, &fetched, held, at, POLICY)
    };
    let held = Held::default();
    let good = signed(fresh(2, &described.bytes), &[&nightly]);
    let accepted = look(Some(good.clone()), &held, day(1)).unwrap();
    assert_eq!(accepted.expires, day(7));
    assert_eq!(
        refused(look(None, &held, day(1))).reason(),
        Reason::Unsigned
    );
    let by_indexer = signed(fresh(2, &described.bytes), &[&indexer]);
    let why = refused(look(Some(by_indexer), &held, day(1)));
    assert_eq!(why.reason(), Reason::Unsigned, "{why}");
    assert_eq!(
        refused(look(Some(good), &held, day(7))).reason(),
        Reason::Expired
    );
    let of_another = signed(fresh(2, b"{}"), &[&nightly]);
    let why = refused(look(Some(of_another), &held, day(1)));
    assert!(matches!(why, Refused::Mismatch(_)), "{why}");
    let older = signed(fresh(1, &described.bytes), &[&nightly]);
    let why = refused(look(Some(older), &accepted.held, day(1)));
    assert_eq!(why.reason(), Reason::Rollback, "{why}");
}

#[test]
fn a_root_that_makes_no_sense_is_refused() {
    let (owner, indexer) = (Person::new(), Person::new());
    let good = root(&[&owner], &[&indexer]);
    let parse = |root: &Root| Root::parse("root", &root.to_bytes());
    assert_eq!(parse(&good).unwrap(), good);
    let spoiled: [fn(&mut Root); 7] = [
        |root| root.version = 0,
        |root| root.expires = root.created,
        |root| root.roles.index.threshold = 0,
        |root| root.roles.index.threshold = 2,
        |root| {
            root.roles
                .root
                .keyids
                .push(root.roles.root.keyids[0].clone());
        },
        |root| root.keys.clear(),
        |root| {
            let (one, two) = (
                root.roles.root.keyids[0].clone(),
                root.roles.index.keyids[0].clone(),
            );
            let entry = root.keys[&one].clone();
            root.keys.insert(two, entry);
        },
    ];
    for (number, spoil) in spoiled.iter().enumerate() {
        let mut root = good.clone();
        spoil(&mut root);
        let why = parse(&root).unwrap_err();
        assert_eq!(why.reason(), Reason::Malformed, "{number}: {why}");
    }
    let text = String::from_utf8(good.to_bytes()).unwrap();
    for odd in [
        text.replace("\"version\": 1", "\"version\": 1, \"version\": 2"),
        text.replace("\"version\": 1", "\"version\": 1, \"more\": 2"),
        text.replace("minisign", "other"),
    ] {
        assert!(Root::parse("root", odd.as_bytes()).is_err(), "{odd}");
    }
    let large = format!("{text}{}", " ".repeat(70_000));
    assert!(matches!(
        Root::parse("root", large.as_bytes()),
        Err(Refused::TooLarge { .. })
    ));
}

#[test]
fn targets_are_read_as_written_and_never_twice() {
    let (owner, indexer) = (Person::new(), Person::new());
    let mut meta = meta(&root(&[&owner], &[&indexer]), 1);
    let digest = Digest::sha256_of(b"x");
    meta.targets
        .insert("packs/a.tar.gz".into(), Target::archive(1, digest));
    meta.targets.insert(
        "https://example.org/b.git#v1".into(),
        Target::git("a".repeat(40), Some(digest)),
    );
    let bytes = meta.to_bytes();
    assert_eq!(IndexMeta::parse(META, &bytes).unwrap(), meta);
    let text = String::from_utf8(bytes).unwrap();
    let twice = text.replace("https://example.org/b.git#v1", "packs/a.tar.gz");
    assert!(IndexMeta::parse(META, twice.as_bytes()).is_err());
    let short = text.replace(&"a".repeat(40), "main");
    assert!(IndexMeta::parse(META, short.as_bytes()).is_err());
}

#[test]
fn an_index_is_described_whole_or_what_is_missing_is_said() {
    let sha = Digest::sha256_of(b"x");
    let commit = "b".repeat(40);
    let index = format!(
        r#"{{"packs":[{{"ref":"a","version":"1.0.0","install_sources":[
            {{"type":"archive","url":"a.tar.gz","checksum":"{sha}","size":1}},
            {{"type":"git","url":"https://example.org/a.git","ref":"v1","commit":"{commit}"}}]}}]}}"#
    );
    let needed = needed(index.as_bytes()).unwrap();
    let places: Vec<&str> = needed.keys().map(String::as_str).collect();
    assert_eq!(places, ["a.tar.gz", "https://example.org/a.git#v1"]);
    let mut meta = meta(&root(&[&Person::new()], &[&Person::new()]), 1);
    assert_eq!(meta.gaps(index.as_bytes()).unwrap().len(), 2);
    for (place, needed) in needed {
        meta.targets.insert(place, needed.target().unwrap());
    }
    assert!(meta.gaps(index.as_bytes()).unwrap().is_empty());
    meta.targets
        .insert("a.tar.gz".into(), Target::archive(2, sha));
    assert_eq!(meta.gaps(index.as_bytes()).unwrap().len(), 1);
}

proptest! {
    /// Whatever one byte of anything that was fetched becomes, nothing is believed that was not signed.
    #[test]
    fn no_changed_byte_is_believed(place in 0_usize..100_000, change in 1_u8..=255, which in 0_u8..2) {
        let (owner, indexer) = (Person::new(), Person::new());
        let first = root(&[&owner], &[&indexer]);
        let mut second = first.clone();
        second.version = 2;
        let mut fetched = shown(&first, 1, &[&indexer]);
        fetched.roots.push(signed(second.to_bytes(), &[&owner]));
        let bytes = match which {
            0 => &mut fetched.roots[0].bytes,
            _ => &mut fetched.meta.as_mut().unwrap().bytes,
        };
        let place = place % bytes.len();
        bytes[place] ^= change;
        prop_assert!(verify(&first, &fetched, &Held::default(), day(1), POLICY).is_err());
    }

    /// Whatever is shown in whatever order, the version that is believed never goes down under the same keys.
    #[test]
    fn versions_never_go_back(versions in proptest::collection::vec(0_u64..6, 1..12)) {
        let (owner, indexer) = (Person::new(), Person::new());
        let root = root(&[&owner], &[&indexer]);
        let mut held = Held::default();
        let mut highest = 0;
        for version in versions {
            let result = verify(&root, &shown(&root, version, &[&indexer]), &held, day(1), POLICY);
            prop_assert_eq!(result.is_ok(), version >= highest);
            if let Ok(accepted) = result {
                highest = version;
                held = accepted.held;
            }
        }
    }

    /// Text from anywhere is refused or read, and never more than that.
    #[test]
    fn any_text_is_judged(text in ".{0,200}") {
        drop(Root::parse("x", text.as_bytes()));
        drop(IndexMeta::parse("x", text.as_bytes()));
        drop(Fresh::parse("x", text.as_bytes()));
        drop(text.parse::<Key>());
    }
}
