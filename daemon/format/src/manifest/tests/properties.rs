//! What holds whatever the bytes are.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _answer = Manifest::parse(&bytes);
    }

    #[test]
    fn any_yaml_like_text_is_answered(text in "[a-z:\\-\\[\\]{},&*!|>'\"# \n\t0-9.]{0,200}") {
        let _answer = Manifest::parse(format!("ref: a\nversion: 1.0.0\n{text}").as_bytes());
    }

    #[test]
    fn what_is_written_is_read(
        name in "[a-z][a-z0-9_-]{0,20}",
        numbers in proptest::array::uniform3(0_u32..200),
        description in "[ -~\u{e0}-\u{ff}]{0,60}",
        keywords in proptest::collection::vec("[a-z0-9.]{1,8}", 0..5),
        quoted in any::<bool>(),
    ) {
        let [major, minor, patch] = numbers;
        let version = format!("{major}.{minor}.{patch}");
        let shown = if quoted { format!("\"{version}\"") } else { version.clone() };
        let text = format!(
            "ref: \"{name}\"\nversion: {shown}\ndescription: {}\nkeywords: {}\n",
            serde_json::to_string(&description).unwrap(),
            serde_json::to_string(&keywords).unwrap(),
        );
        let manifest = Manifest::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(manifest.pack_ref.as_str(), name);
        prop_assert_eq!(manifest.version.to_string(), version);
        prop_assert_eq!(manifest.description.unwrap_or_default(), description.trim());
        prop_assert_eq!(manifest.keywords, keywords);
    }

    #[test]
    fn an_unquoted_partial_version_never_loses_a_digit(major in 0_u32..50, minor in 0_u32..200) {
        let manifest = Manifest::parse(format!("ref: a\nversion: {major}.{minor}\n").as_bytes()).unwrap();
        prop_assert_eq!(manifest.version.to_string(), format!("{major}.{minor}.0"));
    }

    #[test]
    fn a_dependency_reads_back(
        name in "[a-z][a-z0-9_-]{0,20}",
        requirement in "(@(\\*|latest)|(@|@\\^|~|@~|>=|@<)[1-9]\\.[0-9](\\.[0-9])?|=1\\.2\\.3|=main|=release/2|=1a2b3c4d|)",
        from in "(|https://example\\.org/packs/|git@example\\.org:|ssh://git@example\\.org/[a-z]{90}/)",
    ) {
        let text = format!("{from}{name}{requirement}");
        match text.parse::<Dependency>() {
            Ok(dependency) => {
                prop_assert_eq!(dependency.to_string().parse::<Dependency>().unwrap(), dependency);
            }
            Err(error) => prop_assert!(!from.is_empty(), "{text}: {error}"),
        }
    }

    #[test]
    fn whatever_is_a_dependency_reads_back(text in "\\PC{0,20}|[a-z:/=@.<>~^0-9 ?#-]{0,24}") {
        if let Ok(dependency) = text.parse::<Dependency>() {
            let printed = dependency.to_string();
            prop_assert_eq!(printed.parse::<Dependency>().unwrap(), dependency, "{} -> {}", text, printed);
        }
    }
}
