//! Results as XML of `JUnit`'s form.

use super::*;
use crate::report::CaseStatus;

#[test]
fn junit_counts_the_test_cases() {
    let tally = junit::parse(
        r#"<?xml version="1.0" encoding="utf-8"?>
        <testsuites name="all" tests="5" failures="1" errors="1" time="1.5">
          <testsuite name="inner" tests="5" failures="1" errors="1" skipped="1">
            <properties><property name="a" value="b"/></properties>
            <testcase classname="pkg.T" name="a" time="0.25"/>
            <testcase classname="pkg.T" name="b &amp; c"><failure message="1 &lt; 2">trace
line</failure><system-out><![CDATA[out <b>]]></system-out></testcase>
            <testcase name="d"><error>broke &#33;</error><system-err>err</system-err></testcase>
            <testcase name="e"><skipped message="not here"/></testcase>
            <testcase name="f"><rerunFailure message="x"/></testcase>
            <system-out>noise</system-out>
          </testsuite>
        </testsuites>"#,
    )
    .unwrap();
    assert_eq!(counts(&tally), [5, 2, 2, 1]);
    let cases: Vec<_> = tally
        .cases
        .iter()
        .map(|case| {
            (
                case.name.as_str(),
                case.status,
                case.error_message.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        cases,
        [
            ("pkg.T.a", CaseStatus::Passed, None),
            (
                "pkg.T.b & c",
                CaseStatus::Failed,
                Some("1 < 2\ntrace\nline")
            ),
            ("d", CaseStatus::Error, Some("broke !")),
            ("e", CaseStatus::Skipped, Some("not here")),
            ("f", CaseStatus::Passed, None),
        ]
    );
    assert_eq!(tally.cases[0].duration_ms, 250);
    assert_eq!(tally.cases[1].stdout.as_deref(), Some("out <b>"));
    assert_eq!(tally.cases[2].stderr.as_deref(), Some("err"));
}

#[test]
fn junit_is_read_in_the_encoding_that_it_declares() {
    let name = |document: &[u8]| {
        let tally = junit::parse(&junit::decoded(document).unwrap()).unwrap();
        tally.cases[0].name.clone()
    };
    assert_eq!(
        name(b"<?xml version='1.0' encoding='ISO-8859-1'?><testsuite><testcase name='caf\xe9'/></testsuite>"),
        "caf\u{e9}"
    );
    let plain = "<testsuite><testcase name='caf\u{e9}'/></testsuite>";
    assert_eq!(name(plain.as_bytes()), "caf\u{e9}");
    let wide: Vec<u8> = std::iter::once(0xfeff)
        .chain(plain.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(name(&wide), "caf\u{e9}", "a byte order mark tells it too");
    let unknown = junit::decoded(b"<?xml version=\"1.0\" encoding=\"klingon\"?><testsuite/>");
    let said = unknown.unwrap_err().to_string();
    assert!(said.contains("encoding `klingon` is not known"), "{said}");
}

#[test]
fn junit_has_other_shapes_too() {
    for (text, expected) in [
        ("<testsuite/>", [0; 4]),
        ("<testsuites></testsuites>", [0; 4]),
        ("<testsuite><testcase name='a'/></testsuite>", [1, 1, 0, 0]),
        (
            "<x:testsuite xmlns:x='u'><x:testcase name='a'/></x:testsuite>",
            [1, 1, 0, 0],
        ),
        (
            "<testsuite tests='3'><testcase name='a'/></testsuite>",
            [3, 1, 0, 0],
        ),
        (
            "<testsuites><testsuite tests='2'><testcase name='a'/><testcase name='b'/></testsuite>\
             <testsuite tests='1'><testcase name='c'/></testsuite></testsuites>",
            [3, 3, 0, 0],
        ),
        (
            "<testsuite tests='1'><testsuite tests='1'><testcase name='a'/></testsuite></testsuite>",
            [1, 1, 0, 0],
        ),
        (
            "<testsuites tests='1'><testsuite tests='3'><testcase name='a'/></testsuite></testsuites>",
            [3, 1, 0, 0],
        ),
        (
            "<testsuite tests='1' failures='1' errors='1'><testcase name='a'><failure/><error/></testcase></testsuite>",
            [1, 0, 1, 0],
        ),
        (
            "<testsuite><testcase name='a'><skipped/><failure/></testcase></testsuite>",
            [1, 0, 1, 0],
        ),
    ] {
        assert_eq!(counts(&junit::parse(text).unwrap()), expected, "{text}");
    }
}

#[test]
fn junit_that_is_broken_or_dangerous_is_refused() {
    let bomb = "<!DOCTYPE t [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><testsuite><testcase name='&b;'/></testsuite>";
    let deep = format!("<testsuite>{}", "<a>".repeat(100));
    for (text, why) in [
        ("", "ends too early"),
        ("hello", "ends too early"),
        ("<html></html>", "root"),
        ("<testsuite>", "ends too early"),
        ("<testsuite><testcase name='a'></testsuite>", "JUnit"),
        ("<testsuite/><testsuite/>", "root"),
        ("<testsuite><testcase/></testsuite>", "no name"),
        (
            "<testsuite><testcase name='a' name='b'/></testsuite>",
            "JUnit",
        ),
        ("<testsuite><testcase name='&x;'/></testsuite>", "JUnit"),
        ("<testsuite>&x;</testsuite>", "entity"),
        (
            "<testsuite failures='1' tests='1'><testcase name='a'/></testsuite>",
            "contradict",
        ),
        (
            "<testsuite errors='2'><testcase name='b'/></testsuite>",
            "2 failed by the attributes, and 0",
        ),
        (
            "<testsuite errors='2'><testcase name='b'><error/></testcase></testsuite>",
            "2 failed by the attributes, and 1",
        ),
        (
            "<testsuites errors='3'><testsuite><testcase name='a'/></testsuite></testsuites>",
            "contradict",
        ),
        (
            "<testsuites failures='1'><testsuite tests='1'><testcase name='a'/></testsuite></testsuites>",
            "contradict",
        ),
        (
            "<testsuites><testsuite><testcase name='a'><failure/></testcase></testsuite>\
             <testsuite failures='1'><testcase name='b'/></testsuite></testsuites>",
            "contradict",
        ),
        (
            "<!DOCTYPE testsuite SYSTEM 'file:///etc/passwd'><testsuite/>",
            "document type",
        ),
        (bomb, "document type"),
        (&deep, "levels"),
    ] {
        let said = refused(junit::parse, text);
        assert!(said.contains(why), "{text}: {said}");
    }
}
