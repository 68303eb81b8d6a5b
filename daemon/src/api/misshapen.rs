//! The refusal of a body or query that does not have the wanted shape, from serde's words for it.
//!
//! Serde says only in its message what is wrong, in words for who writes Rust. The place comes from
//! `serde_path_to_error`.

use packd_wire::ErrorKind;

use super::problem::Refusal;

/// The most that is repeated of a wrong value.
const LONGEST_VALUE: usize = 60;

/// Refuses `what`, `body` or `query`, for what serde says of the value at `place`: empty or `.` is the whole.
pub(crate) fn misshapen(what: &str, place: &str, message: &str) -> Refusal {
    let message = message
        .rsplit_once(" at line ")
        .map_or(message, |(message, _)| message);
    if let Some((_, rest)) = message.split_once("unknown field `") {
        return unknown(what, rest);
    }
    let subject = match place {
        "" | "." => format!("the {what}"),
        place => format!("`{place}` of the {what}"),
    };
    let detail = if let Some(field) = message.strip_prefix("missing field ") {
        format!("{subject} has no {field}, which it must have")
    } else if let Some(wrong) = wrong_type(message) {
        format!("{subject} {wrong}")
    } else {
        format!("{subject} {}", in_words(message))
    };
    Refusal::new(ErrorKind::BadRequest, detail)
}

fn unknown(what: &str, rest: &str) -> Refusal {
    let (field, rest) = rest.split_once('`').unwrap_or((rest, ""));
    let refusal = Refusal::new(
        ErrorKind::UnknownField,
        format!("the {what} has no field `{field}`"),
    );
    let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
    match packd_format::nearest(field, known.iter().copied()) {
        Some(near) => refusal.hint(format!("did you mean `{near}`?")),
        None if known.is_empty() => refusal.hint(format!("the {what} has no fields here")),
        None => refusal.hint(format!("the fields are: {}", known.join(", "))),
    }
}

/// `must be a string, not 5`, of `invalid type: integer `5`, expected a string`.
fn wrong_type(message: &str) -> Option<String> {
    let rest = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))?;
    let (found, expected) = rest.rsplit_once(", expected ")?;
    let found = match found {
        "map" => "an object",
        "sequence" => "a list",
        "null" | "unit value" => "null",
        scalar => scalar
            .trim_start_matches("integer ")
            .trim_start_matches("floating point ")
            .trim_start_matches("boolean ")
            .trim_start_matches("string "),
    };
    let found = match found.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}…", &found[..end]),
        None => found.to_owned(),
    };
    let expected = match expected {
        "a sequence" => "a list",
        "a map" => "an object",
        "u16" | "u32" | "u64" | "usize" | "i32" | "i64" => "a whole number",
        record if record.starts_with("struct ") => "an object",
        words => words,
    };
    Some(format!("must be {expected}, not {found}"))
}

/// What the standard library says of a text that is no number, or no `true` or `false`.
fn in_words(message: &str) -> String {
    match message {
        "invalid digit found in string" => "must be a whole number".to_owned(),
        "cannot parse integer from empty string" => "must be a whole number, not empty".to_owned(),
        "number too large to fit in target type" => "is too large a number".to_owned(),
        "number too small to fit in target type" => "is too small a number".to_owned(),
        "provided string was not `true` or `false`" => "must be `true` or `false`".to_owned(),
        other => format!("cannot be read: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_field_is_named_with_the_nearest_one() {
        let message = "unknown field `sorce`, expected one of `source`, `version`, `force` at line 1 column 8";
        let refusal = misshapen("body", ".", message);
        let problem = refusal.problem();
        assert_eq!(
            problem.kind,
            ErrorKind::UnknownField,
            "the kind says what is wrong"
        );
        assert_eq!(
            problem.detail, "the body has no field `sorce`",
            "the detail names it"
        );
        assert_eq!(
            problem.hint.as_deref(),
            Some("did you mean `source`?"),
            "the hint names the nearest"
        );
        let far = misshapen("query", "", "unknown field `zzz`, expected `wait`");
        assert_eq!(
            far.problem().hint.as_deref(),
            Some("the fields are: wait"),
            "or all of them"
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place_and_without_rust() {
        for (place, message, expected) in [
            (
                "source",
                "invalid type: integer `5`, expected a string at line 1 column 11",
                "`source` of the body must be a string, not `5`",
            ),
            (
                "registries[1]",
                "invalid type: map, expected a string at line 1 column 11",
                "`registries[1]` of the body must be a string, not an object",
            ),
            (
                "registries",
                "invalid type: null, expected a sequence",
                "`registries` of the body must be a list, not null",
            ),
            (
                ".",
                "invalid type: sequence, expected struct InstallRequest",
                "the body must be an object, not a list",
            ),
            (
                ".",
                "missing field `source` at line 1 column 2",
                "the body has no `source`, which it must have",
            ),
            (
                "source",
                "duplicate field `source` at line 1 column 27",
                "`source` of the body cannot be read: duplicate field `source`",
            ),
            (
                "limit",
                "invalid digit found in string",
                "`limit` of the body must be a whole number",
            ),
        ] {
            let refusal = misshapen("body", place, message);
            assert_eq!(refusal.problem().detail, expected, "{message}");
            assert_eq!(refusal.problem().kind, ErrorKind::BadRequest, "{message}");
        }
        let long = format!(
            "invalid type: string \"{}\", expected a boolean",
            "x".repeat(100_000)
        );
        let refusal = misshapen("body", "force", &long);
        let detail = &refusal.problem().detail;
        assert!(
            detail.len() < 200,
            "not everything is repeated: {}",
            detail.len()
        );
    }
}
