//! Format `junit-xml`: what pytest, jest, surefire and most others can write.
//!
//! The tests are the elements `testcase`. What a suite says of its failures and errors in attributes must not be more than
//! is there; tests that it only counts have not passed. A document type is refused, so there are no entities but the five that XML itself has.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::{MAX_CASES, MAX_TEXT, ResultError, Tally, checked, milliseconds, some};
use crate::report::{CaseStatus, Counts, TestCase};

const FORMAT: &str = "JUnit document";

/// How many bytes may come before the end of the declaration of the encoding.
const MAX_DECLARATION: usize = 1024;

/// How deep elements may lie in each other.
const MAX_DEPTH: usize = 64;

/// The text of a document, in the encoding that it declares; UTF-8 if it declares none.
pub(super) fn decoded(bytes: &[u8]) -> Result<Cow<'_, str>, ResultError> {
    let head = &bytes[..bytes.len().min(MAX_DECLARATION)];
    let head = String::from_utf8_lossy(head);
    let declared = head
        .trim_start()
        .strip_prefix("<?xml")
        .and_then(|rest| rest.split_once("?>"))
        .and_then(|(declaration, _)| declaration.split_once("encoding"))
        .and_then(|(_, rest)| rest.trim_start().strip_prefix('='))
        .and_then(|rest| rest.split(['"', '\'']).nth(1));
    let encoding = match declared {
        None => UTF_8,
        Some(label) => Encoding::for_label_no_replacement(label.as_bytes()).ok_or_else(|| {
            let label = label.escape_default();
            malformed(&format!("its encoding `{label}` is not known"))
        })?,
    };
    // a byte order mark goes before what is declared
    Ok(encoding.decode(bytes).0)
}

/// Reads a document.
pub(super) fn parse(text: &str) -> Result<Tally, ResultError> {
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}').trim_start());
    let mut document = Document::default();
    loop {
        let event = reader.read_event().map_err(|error| malformed(&error))?;
        match event {
            Event::Start(element) => document.open(&element)?,
            Event::Empty(element) => {
                document.open(&element)?;
                document.close()?;
            }
            Event::End(_) => document.close()?,
            Event::Text(text) => document.text(&text.xml10_content()),
            Event::CData(text) => document.text(&text.xml10_content()),
            Event::GeneralRef(entity) => {
                let character = entity
                    .resolve_char_ref()
                    .map_err(|error| malformed(&error))?;
                let name = entity.xml10_content();
                let known = quick_xml::escape::resolve_xml_entity(&name);
                match (character, known) {
                    (Some(character), _) => document.text(character.encode_utf8(&mut [0; 4])),
                    (None, Some(text)) => document.text(text),
                    (None, None) => return Err(malformed(&"it uses an entity of its own")),
                }
            }
            Event::DocType(_) => return Err(malformed(&"it has a document type")),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    document.finish()
}

fn malformed(why: &dyn std::fmt::Display) -> ResultError {
    ResultError::Malformed {
        format: FORMAT,
        why: why.to_string(),
    }
}

/// What an element is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    /// `testsuites` or `testsuite`.
    Suite,
    Case,
    /// `failure`, `error` or `skipped`: why a test did not pass.
    Reason,
    Stdout,
    Stderr,
    Other,
}

/// What a suite says in its attributes, and what there was before it.
#[derive(Debug, Clone, Copy)]
struct Told {
    tests: u64,
    failed: u64,
    total_before: u64,
    reasons_before: u64,
}

#[derive(Debug, Default)]
struct Document {
    open: Vec<Element>,
    /// A root element has been there.
    rooted: bool,
    /// The suites that are open.
    suites: Vec<Told>,
    /// How many tests the suites that are done have, counted or listed.
    total: u64,
    /// How many elements `failure` and `error` there were.
    reasons: u64,
    case: Option<TestCase>,
    cases: Vec<TestCase>,
    text: String,
}

impl Document {
    fn open(&mut self, element: &BytesStart<'_>) -> Result<(), ResultError> {
        let name = element.local_name();
        let parent = self.open.last().copied();
        if parent.is_none() {
            if !matches!(name.as_ref(), "testsuites" | "testsuite") || self.rooted {
                return Err(malformed(
                    &"its root is not one `testsuites` or `testsuite`",
                ));
            }
            self.rooted = true;
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(malformed(&format!(
                "it has more than {MAX_DEPTH} levels of elements"
            )));
        }
        let kind = match (parent, name.as_ref()) {
            (None | Some(Element::Suite), "testsuites" | "testsuite") => Element::Suite,
            (Some(Element::Suite), "testcase") => Element::Case,
            (Some(Element::Case), "failure" | "error" | "skipped") => Element::Reason,
            (Some(Element::Case), "system-out") => Element::Stdout,
            (Some(Element::Case), "system-err") => Element::Stderr,
            _ => Element::Other,
        };
        let attributes = Attributes::read(element)?;
        match kind {
            Element::Suite => self.suite(&attributes),
            Element::Case => self.case(&attributes)?,
            Element::Reason => self.reason(name.as_ref(), &attributes),
            Element::Stdout | Element::Stderr | Element::Other => {}
        }
        if kind != Element::Other {
            self.text.clear();
        }
        self.open.push(kind);
        Ok(())
    }

    fn suite(&mut self, attributes: &Attributes) {
        self.suites.push(Told {
            tests: attributes.tests.unwrap_or(0),
            failed: attributes.failed(),
            total_before: self.total,
            reasons_before: self.reasons,
        });
    }

    fn close_suite(&mut self) -> Result<(), ResultError> {
        let Some(told) = self.suites.pop() else {
            return Ok(());
        };
        let reasons = self.reasons - told.reasons_before;
        // one test can both fail and break, so it is not the tests that are compared
        if told.failed > reasons {
            let why = format!(
                "{} failed by the attributes, and {reasons} by the test cases",
                told.failed
            );
            return Err(ResultError::Contradiction { why });
        }
        // of those that are counted and not listed nothing is known
        self.total = self.total.max(told.total_before.saturating_add(told.tests));
        Ok(())
    }

    fn case(&mut self, attributes: &Attributes) -> Result<(), ResultError> {
        if self.cases.len() >= MAX_CASES {
            return Err(ResultError::TooMany { limit: MAX_CASES });
        }
        let name = match (&attributes.class, &attributes.name) {
            (Some(class), Some(name)) => format!("{class}.{name}"),
            (None, Some(name)) | (Some(name), None) => name.clone(),
            (None, None) => return Err(malformed(&"a `testcase` has no name")),
        };
        self.total = self.total.saturating_add(1);
        let seconds = attributes.time.unwrap_or(0.0);
        self.case = Some(TestCase {
            name: super::bounded(&name),
            status: CaseStatus::Passed,
            duration_ms: milliseconds(seconds),
            error_message: None,
            stdout: None,
            stderr: None,
        });
        Ok(())
    }

    fn reason(&mut self, name: &str, attributes: &Attributes) {
        let Some(case) = &mut self.case else { return };
        if name != "skipped" {
            self.reasons += 1;
        }
        case.status = match (name, case.status) {
            ("error", _) | (_, CaseStatus::Error) => CaseStatus::Error,
            ("failure", _) | (_, CaseStatus::Failed) => CaseStatus::Failed,
            _ => CaseStatus::Skipped,
        };
        if case.error_message.is_none() {
            case.error_message = attributes.message.as_deref().and_then(some);
        }
    }

    fn text(&mut self, text: &str) {
        let wanted = matches!(
            self.open.last(),
            Some(Element::Reason | Element::Stdout | Element::Stderr)
        );
        let room = MAX_TEXT.saturating_sub(self.text.len());
        if wanted {
            self.text.push_str(&text[..text.floor_char_boundary(room)]);
        }
    }

    /// The reader has seen to it that what ends had begun.
    fn close(&mut self) -> Result<(), ResultError> {
        let Some(kind) = self.open.pop() else {
            return Ok(());
        };
        match (kind, &mut self.case) {
            (Element::Suite, _) => self.close_suite()?,
            (Element::Case, case) => self.cases.extend(case.take()),
            (Element::Reason, Some(case)) => {
                if let Some(text) = some(&self.text) {
                    let message = case.error_message.take();
                    case.error_message = Some(match message {
                        Some(message) if !text.contains(&message) => format!("{message}\n{text}"),
                        _ => text,
                    });
                }
            }
            (Element::Stdout, Some(case)) => case.stdout = some(&self.text),
            (Element::Stderr, Some(case)) => case.stderr = some(&self.text),
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> Result<Tally, ResultError> {
        if !self.rooted || !self.open.is_empty() {
            return Err(malformed(&"it ends too early"));
        }
        let counts = checked(Counts {
            total: self.total,
            ..Counts::of(&self.cases)
        })?;
        Ok(Tally {
            counts,
            cases: self.cases,
        })
    }
}

/// The attributes that count.
#[derive(Debug, Default)]
struct Attributes {
    name: Option<String>,
    class: Option<String>,
    message: Option<String>,
    time: Option<f64>,
    tests: Option<u64>,
    failures: Option<u64>,
    errors: Option<u64>,
}

impl Attributes {
    fn read(element: &BytesStart<'_>) -> Result<Self, ResultError> {
        let mut read = Self::default();
        for attribute in element.attributes() {
            let attribute = attribute.map_err(|error| malformed(&error))?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| malformed(&error))?;
            match attribute.key.as_ref() {
                "name" => read.name = Some(value.into_owned()),
                "classname" if !value.is_empty() => read.class = Some(value.into_owned()),
                "message" => read.message = Some(value.into_owned()),
                "time" => read.time = value.replace(',', "").parse().ok(),
                "tests" => read.tests = value.parse().ok(),
                "failures" => read.failures = value.parse().ok(),
                "errors" => read.errors = value.parse().ok(),
                _ => {}
            }
        }
        Ok(read)
    }

    fn failed(&self) -> u64 {
        let (failures, errors) = (self.failures.unwrap_or(0), self.errors.unwrap_or(0));
        failures.saturating_add(errors)
    }
}
