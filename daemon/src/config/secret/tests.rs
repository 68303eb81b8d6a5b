#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;

fn environment(folder: &Path) -> Environment {
    Environment::from_iter([
        ("TOKEN", "t0ken"),
        ("TWO_LINES", "a\nb"),
        (CREDENTIALS, folder.to_str().unwrap()),
    ])
}

fn expand(template: &str, folder: &Path) -> Result<String, String> {
    let secret = Secret::parse(template).unwrap();
    secret
        .expand_in(&environment(folder))
        .map_err(|error| error.to_string())
}

#[test]
fn references_are_put_together_late() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("acme"), "s3cret\n").unwrap();
    let file = folder.path().join("acme");
    for (template, expected) in [
        ("plain".to_owned(), "plain"),
        (String::new(), ""),
        ("Bearer ${cred:acme}".to_owned(), "Bearer s3cret"),
        ("${env:TOKEN}/${cred:acme}!".to_owned(), "t0ken/s3cret!"),
        (
            format!("Basic ${{file:{}}}", file.display()),
            "Basic s3cret",
        ),
        (
            "costs $5, $${env:TOKEN}".to_owned(),
            "costs $5, ${env:TOKEN}",
        ),
    ] {
        assert_eq!(
            expand(&template, folder.path()).as_deref(),
            Ok(expected),
            "`{template}`"
        );
    }

    fs_err::write(&file, "rotated").unwrap();
    assert_eq!(
        expand("${cred:acme}", folder.path()).as_deref(),
        Ok("rotated"),
        "the next use sees a rotated secret"
    );
}

#[test]
fn what_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("lines"), "a\nb\n").unwrap();
    fs_err::write(folder.path().join("large"), "x".repeat(70_000)).unwrap();
    fs_err::write(folder.path().join("bytes"), b"\xff\xfe").unwrap();
    for (template, part) in [
        ("${env:MISSING}", "`MISSING`"),
        ("${env:TWO_LINES}", "`TWO_LINES`"),
        ("${cred:absent}", "/absent"),
        ("${cred:lines}", "one line of text"),
        ("${cred:large}", "at most 64 KiB"),
        ("${cred:bytes}", "one line of text"),
        ("${file:/dev/null}", "one line of text"),
    ] {
        let message = expand(template, folder.path()).unwrap_err();
        assert!(message.contains(part), "`{template}` says `{message}`");
    }
    let secret = Secret::parse("${cred:acme}").unwrap();
    let error = secret.expand_in(&Environment::default()).unwrap_err();
    assert!(
        matches!(error, SecretError::NoCredentials { .. }),
        "{error}"
    );
    assert!(
        error
            .hint()
            .is_some_and(|hint| hint.contains("LoadCredential=acme:")),
        "the hint says how"
    );
}

#[test]
fn what_is_no_template_is_refused_without_repeating_it() {
    for (template, expected) in [
        ("hidden ${env:TOKEN", TemplateError::Open),
        ("hidden ${TOKEN}", TemplateError::Unknown),
        ("hidden ${vault:TOKEN}", TemplateError::Unknown),
        (
            "hidden ${env:A B}",
            TemplateError::Name {
                what: "variable",
                name: "A B".to_owned(),
            },
        ),
        (
            "hidden ${cred:../x}",
            TemplateError::Name {
                what: "credential",
                name: "../x".to_owned(),
            },
        ),
        (
            "hidden ${cred:..}",
            TemplateError::Name {
                what: "credential",
                name: "..".to_owned(),
            },
        ),
        (
            "hidden ${file:x}",
            TemplateError::Relative { path: "x".into() },
        ),
        ("hidden\r\nX-Other: 1", TemplateError::Control),
    ] {
        let error = Secret::parse(template).unwrap_err();
        assert!(
            !error.to_string().contains("hidden"),
            "`{error}` repeats what may be secret"
        );
        assert_eq!(error, expected, "`{template}`");
    }
}

#[test]
fn a_secret_is_masked_wherever_it_is_shown() {
    let secret = Secret::parse("Bearer abc ${cred:acme}").unwrap();
    assert_eq!(format!("{secret:?}"), "Secret(****${cred:acme})");
    assert_eq!(
        format!("{:?}", Secret::parse("s3cret").unwrap()),
        "Secret(****)"
    );
}
