//! Lists of names with wildcards: the refs that may come from a registry, the hosts that may be asked.

/// Patterns of refs. `*` stands for any run of characters, also none. No pattern at all allows any ref.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefPatterns(Vec<String>);

impl RefPatterns {
    /// Whether a pack of this ref is allowed.
    #[must_use]
    pub fn allows(&self, pack_ref: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|pattern| matches(pattern, pack_ref))
    }

    /// The patterns as they were written.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// Takes patterns made of the characters of a ref and `*`.
    ///
    /// # Errors
    /// The first pattern that could never match a ref.
    pub fn new(patterns: Vec<String>) -> Result<Self, String> {
        let legal =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '*');
        match patterns
            .iter()
            .find(|pattern| pattern.is_empty() || !pattern.chars().all(legal))
        {
            Some(pattern) => Err(pattern.clone()),
            None => Ok(Self(patterns)),
        }
    }
}

/// Patterns of host names. `*.example.org` is every name below it. No pattern at all allows any host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostPatterns(Vec<String>);

impl HostPatterns {
    /// Whether this host may be asked. Case does not matter, nor does a final dot.
    #[must_use]
    pub fn allows(&self, host: &str) -> bool {
        self.0.is_empty() || self.has(host)
    }

    /// Whether one of the patterns is about this host; none is when there are none.
    #[must_use]
    pub fn has(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        self.0
            .iter()
            .any(|pattern| match pattern.strip_prefix('*') {
                Some(below) => host.len() > below.len() && host.ends_with(below),
                None => *pattern == host,
            })
    }

    /// The patterns, in lower case.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// Takes host names and addresses, and `*.` before a name.
    ///
    /// # Errors
    /// The first one that is neither.
    pub fn new(patterns: &[String]) -> Result<Self, String> {
        let legal = |pattern: &String| {
            let name = pattern.strip_prefix("*.").unwrap_or(pattern);
            url::Host::parse(name).is_ok() && !name.contains('*')
        };
        match patterns.iter().find(|pattern| !legal(pattern)) {
            Some(pattern) => Err(pattern.clone()),
            None => Ok(Self(
                patterns.iter().map(|p| p.to_ascii_lowercase()).collect(),
            )),
        }
    }
}

/// Whether `text` is what `pattern` says. Linear but for one step back to the last `*`.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // where to go on when what follows the last `*` did not fit: the `*` takes one more character
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            retry = Some((p, t));
            p += 1;
        } else if pattern.get(p) == Some(&text[t]) {
            p += 1;
            t += 1;
        } else if let Some((star, taken)) = retry {
            retry = Some((star, taken + 1));
            p = star + 1;
            t = taken + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, for all its cost.
    fn defined(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, _) => text.is_empty(),
            (Some((b'*', rest)), None) => defined(rest, text),
            (Some((b'*', rest)), Some((_, left))) => defined(rest, text) || defined(pattern, left),
            (Some((byte, rest)), Some((first, left))) => byte == first && defined(rest, left),
            (Some(_), None) => false,
        }
    }

    proptest! {
        #[test]
        fn matching_is_what_it_is_defined_as(pattern in "[ab*]{0,8}", text in "[ab]{0,10}") {
            let expected = defined(pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(matches(&pattern, &text), expected, "`{}` against `{}`", pattern, text);
        }
    }

    fn refs(patterns: &[&str]) -> Result<RefPatterns, String> {
        RefPatterns::new(patterns.iter().map(ToString::to_string).collect())
    }

    fn hosts(patterns: &[&str]) -> Result<HostPatterns, String> {
        let patterns: Vec<_> = patterns.iter().map(ToString::to_string).collect();
        HostPatterns::new(&patterns)
    }

    #[test]
    fn refs_match_as_a_shell_would() {
        for (pattern, text, expected) in [
            ("slack", "slack", true),
            ("slack", "slack2", false),
            ("slack", "my_slack", false),
            ("acme_*", "acme_mail", true),
            ("acme_*", "acme_", true),
            ("acme_*", "acme", false),
            ("*", "anything", true),
            ("*_mail", "acme_mail", true),
            ("*_mail", "acme_mailer", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b", false),
            ("*aab", "aaaab", true),
        ] {
            let allowed = refs(&[pattern]).map(|patterns| patterns.allows(text));
            assert_eq!(allowed, Ok(expected), "`{pattern}` against `{text}`");
        }
    }

    #[test]
    fn no_pattern_allows_everything_and_several_allow_what_one_of_them_allows() {
        assert!(
            RefPatterns::default().allows("slack"),
            "no pattern means any ref"
        );
        assert!(
            HostPatterns::default().allows("example.org"),
            "no pattern means any host"
        );
        assert_eq!(refs(&["a*", "slack"]).map(|p| p.allows("slack")), Ok(true));
    }

    #[test]
    fn what_could_never_match_is_refused() {
        for pattern in ["", "Slack", "a/b", "a?", "a.b"] {
            assert_eq!(
                refs(&[pattern]),
                Err(pattern.to_owned()),
                "`{pattern}` is no pattern of refs"
            );
        }
        for pattern in [
            "",
            "https://example.org",
            "exa mple.org",
            "*.*.org",
            "a*.example.org",
        ] {
            assert_eq!(
                hosts(&[pattern]),
                Err(pattern.to_owned()),
                "`{pattern}` is no pattern of hosts"
            );
        }
    }

    #[test]
    fn hosts_match_whole_labels() {
        for (pattern, host, expected) in [
            ("example.org", "example.org", true),
            ("Example.org", "EXAMPLE.ORG.", true),
            ("example.org", "packs.example.org", false),
            ("*.example.org", "packs.example.org", true),
            ("*.example.org", "a.b.example.org", true),
            ("*.example.org", "example.org", false),
            ("*.example.org", ".example.org", false),
            ("*.example.org", "badexample.org", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("[::1]", "[::1]", true),
        ] {
            let allowed = hosts(&[pattern]).map(|patterns| patterns.allows(host));
            assert_eq!(allowed, Ok(expected), "`{pattern}` against `{host}`");
        }
    }
}
