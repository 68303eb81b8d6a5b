//! The way of one request through its redirects, and what is refused on it. Pure: no network here.
//!
//! Every hop is judged like the first URL, because whoever answers for one host may name any other.

use std::net::IpAddr;

use packd_wire::ErrorKind;

use super::address::{Realm, is_public, literal};
use crate::config::HostPatterns;
use crate::config::SafeUrl;

/// How many redirects are followed.
const MAX_HOPS: usize = 10;

/// Why a URL is not asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RouteError {
    /// Neither https nor http.
    #[error("`{url}` is neither https nor http")]
    Scheme {
        /// The URL.
        url: SafeUrl,
    },
    /// Plain http where it is not allowed.
    #[error("`{url}` is plain http, which is not allowed here")]
    PlainHttp {
        /// The URL.
        url: SafeUrl,
    },
    /// The host is none of those that may be asked.
    #[error("host `{host}` of `{url}` is not allowed")]
    Host {
        /// The host.
        host: String,
        /// The URL.
        url: SafeUrl,
    },
    /// Credentials in a URL end up in too many places.
    #[error("`{url}` holds a user name or password")]
    Credentials {
        /// The URL.
        url: SafeUrl,
    },
    /// From a protected connection to an open one, whatever else is allowed.
    #[error("`{from}` redirects from https to plain http, `{to}`")]
    Downgrade {
        /// Where the redirect came from.
        from: SafeUrl,
        /// Where it leads.
        to: SafeUrl,
    },
    /// A public server led to this host, or to a private network.
    #[error("`{host}` is at {address}, where no public server may lead")]
    Private {
        /// The host.
        host: String,
        /// Its address.
        address: IpAddr,
    },
    /// The redirects lead to where they have been.
    #[error("the redirects of `{url}` go round in a loop through `{again}`")]
    Loop {
        /// The first URL.
        url: SafeUrl,
        /// The URL that came a second time.
        again: SafeUrl,
    },
    /// More redirects than are followed.
    #[error("`{url}` redirects more than {MAX_HOPS} times")]
    TooMany {
        /// The first URL.
        url: SafeUrl,
    },
    /// A redirect without a `Location`, or with one that is no URL.
    #[error("`{url}` redirects, and does not say where to")]
    Nowhere {
        /// Where the redirect came from.
        url: SafeUrl,
    },
}

impl RouteError {
    /// The stable name sent over the API.
    #[must_use]
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Scheme { .. }
            | Self::PlainHttp { .. }
            | Self::Host { .. }
            | Self::Credentials { .. }
            | Self::Downgrade { .. }
            | Self::Private { .. }
            | Self::Loop { .. }
            | Self::TooMany { .. }
            | Self::Nowhere { .. } => ErrorKind::SourceRefused,
        }
    }

    /// One thing to try.
    #[must_use]
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::PlainHttp { .. } => {
                "use https, or set `allow_http: true` for this registry (`net.allow_http` for a URL given directly)"
            }
            Self::Host { .. } => "add the host to `net.allowed_hosts` if it is to be trusted",
            Self::Private { .. } => {
                "name the host in `net.private_hosts` if what public servers say of it is to be trusted"
            }
            Self::Credentials { .. } => {
                "put the credentials into the registry's `headers`, for example `Authorization: \"Bearer ${cred:NAME}\"`"
            }
            Self::Scheme { .. } => "name it by an https:// URL",
            Self::Downgrade { .. } => {
                "tell whoever runs the server, or name the file where it lies in the end, by https"
            }
            Self::Loop { .. } | Self::TooMany { .. } | Self::Nowhere { .. } => {
                "tell whoever runs the server, or name the file where it lies in the end"
            }
        }
    }
}

/// Where a request is, and where it has been.
#[derive(Debug)]
pub(super) struct Route<'a> {
    /// The first URL first, the present one last.
    visited: Vec<SafeUrl>,
    rules: Rules<'a>,
    realm: Realm,
}

/// What holds at every hop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    /// Whether plain http will do.
    pub(super) allow_http: bool,
    /// The only hosts that may be asked.
    pub(super) hosts: &'a HostPatterns,
    /// The hosts that may lie in a private network whoever leads there.
    pub(super) trusted: &'a HostPatterns,
}

impl<'a> Route<'a> {
    /// Begins at `url`, if it may be asked.
    pub(super) fn start(url: &SafeUrl, realm: Realm, rules: Rules<'a>) -> Result<Self, RouteError> {
        let route = Self {
            visited: vec![url.clone()],
            rules,
            realm,
        };
        route.judge(url)?;
        Ok(route)
    }

    /// The URL to ask now.
    pub(super) fn here(&self) -> &SafeUrl {
        &self.visited[self.visited.len() - 1]
    }

    /// Whether the URL to ask now belongs to whom the request's headers are meant for.
    pub(super) fn at_origin(&self) -> bool {
        self.here().origin() == self.visited[0].origin()
    }

    /// What may be connected to now.
    pub(super) fn realm(&self) -> Realm {
        self.realm
    }

    /// Notes where the answer came from. What a public server leads to leads to no private one any more.
    pub(super) fn answered_from(&mut self, realm: Realm) {
        if realm == Realm::Public {
            self.realm = Realm::Public;
        }
    }

    /// Follows a redirect, if it may be followed.
    pub(super) fn follow(&mut self, location: Option<&str>) -> Result<(), RouteError> {
        let from = self.here();
        let to = location
            .and_then(|location| from.join(location).ok())
            .ok_or_else(|| RouteError::Nowhere { url: from.clone() })?;
        if from.scheme() == "https" && to.scheme() == "http" {
            return Err(RouteError::Downgrade {
                from: from.clone(),
                to,
            });
        }
        self.judge(&to)?;
        if self.visited.contains(&to) {
            return Err(RouteError::Loop {
                url: self.visited[0].clone(),
                again: to,
            });
        }
        if self.visited.len() > MAX_HOPS {
            return Err(RouteError::TooMany {
                url: self.visited[0].clone(),
            });
        }
        self.visited.push(to);
        Ok(())
    }

    fn judge(&self, url: &SafeUrl) -> Result<(), RouteError> {
        match url.scheme() {
            "https" => {}
            "http" if self.rules.allow_http => {}
            "http" => return Err(RouteError::PlainHttp { url: url.clone() }),
            _ => return Err(RouteError::Scheme { url: url.clone() }),
        }
        if url.has_credentials() {
            return Err(RouteError::Credentials { url: url.clone() });
        }
        if !self.rules.hosts.allows(url.host()) {
            return Err(RouteError::Host {
                host: url.host().to_owned(),
                url: url.clone(),
            });
        }
        // the addresses of a name are judged where it is looked up
        match literal(url.as_url()).filter(|address| !is_public(*address)) {
            Some(address) if self.realm == Realm::Public && !self.rules.trusted.has(url.host()) => {
                Err(RouteError::Private {
                    host: url.host().to_owned(),
                    address,
                })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use proptest::prelude::*;

    use super::{Realm, Route, RouteError, Rules, SafeUrl};
    use crate::config::HostPatterns;

    fn url(text: &str) -> SafeUrl {
        SafeUrl::parse(text).unwrap()
    }

    fn hosts(patterns: &[&str]) -> HostPatterns {
        let patterns: Vec<_> = patterns.iter().map(ToString::to_string).collect();
        HostPatterns::new(&patterns).unwrap()
    }

    fn start<'a>(
        text: &str,
        allow_http: bool,
        hosts: &'a HostPatterns,
    ) -> Result<Route<'a>, RouteError> {
        let rules = Rules {
            allow_http,
            hosts,
            // counts for what a public server leads to only
            trusted: hosts,
        };
        Route::start(&url(text), Realm::Anywhere, rules)
    }

    #[test]
    fn what_may_not_be_asked_is_refused() {
        let acme = hosts(&["packs.example", "*.cdn.example"]);
        let any = HostPatterns::default();
        for (text, allow_http, hosts, expected) in [
            ("https://packs.example/", false, &any, "allowed"),
            ("http://packs.example/", false, &any, "PlainHttp"),
            ("http://packs.example/", true, &any, "allowed"),
            ("file:///etc/shadow", true, &any, "Scheme"),
            ("ftp://packs.example/", true, &any, "Scheme"),
            ("data:text/plain,x", true, &any, "Scheme"),
            ("https://bob@packs.example/", false, &any, "Credentials"),
            ("https://bob:x@packs.example/", false, &any, "Credentials"),
            ("https://packs.example/", false, &acme, "allowed"),
            ("https://eu.cdn.example/", false, &acme, "allowed"),
            ("https://cdn.example/", false, &acme, "Host"),
            ("https://packs.example.evil.example/", false, &acme, "Host"),
            ("https://127.0.0.1/", false, &acme, "Host"),
        ] {
            let verdict = match start(text, allow_http, hosts) {
                Ok(_) => "allowed".to_owned(),
                Err(error) => format!("{error:?}"),
            };
            assert!(
                verdict.starts_with(expected),
                "`{text}` must be {expected}, and is {verdict}"
            );
        }
    }

    #[test]
    fn each_hop_is_judged_like_the_first() {
        let acme = hosts(&["packs.example"]);
        for (location, expected) in [
            (Some("/other"), "allowed"),
            (Some("other?x=1"), "allowed"),
            (Some("//packs.example:8443/x"), "allowed"),
            (Some("http://packs.example/x"), "Downgrade"),
            (Some("file:///etc/shadow"), "Scheme"),
            (Some("https://evil.example/"), "Host"),
            (Some("https://me:pw@packs.example/"), "Credentials"),
            (Some("https://packs.example/start#again"), "Loop"),
            (Some("https://"), "Nowhere"),
            (None, "Nowhere"),
        ] {
            let mut route = start("https://packs.example/start", true, &acme).unwrap();
            let verdict = match route.follow(location) {
                Ok(()) => "allowed".to_owned(),
                Err(error) => format!("{error:?}"),
            };
            assert!(
                verdict.starts_with(expected),
                "{location:?} must be {expected}, and is {verdict}"
            );
        }
    }

    #[test]
    fn ten_redirects_are_followed_and_the_next_is_not() {
        let any = HostPatterns::default();
        let mut route = start("https://packs.example/0", false, &any).unwrap();
        for hop in 1..=10 {
            route.follow(Some(&format!("/{hop}"))).unwrap();
        }
        assert!(matches!(
            route.follow(Some("/11")),
            Err(RouteError::TooMany { .. })
        ));
    }

    #[test]
    fn headers_belong_to_one_scheme_host_and_port() {
        let any = HostPatterns::default();
        for (location, at_origin) in [
            ("/x", true),
            ("https://packs.example:443/x", true),
            ("https://packs.example:8443/x", false),
            ("https://cdn.packs.example/x", false),
        ] {
            let mut route = start("https://packs.example/", false, &any).unwrap();
            route.follow(Some(location)).unwrap();
            assert_eq!(
                route.at_origin(),
                at_origin,
                "`{location}` after https://packs.example/"
            );
        }
    }

    #[test]
    fn a_public_server_leads_into_no_private_network() {
        let any = HostPatterns::default();
        let trusted = hosts(&["10.0.0.7", "[fd00::7]"]);
        let rules = Rules {
            allow_http: true,
            hosts: &any,
            trusted: &trusted,
        };
        for (location, verdict) in [
            ("https://1.1.1.1/", "allowed"),
            ("https://packs.example/", "allowed"),
            ("https://127.0.0.1/", "Private"),
            ("https://2130706433/", "Private"),
            ("https://0x7f.1/", "Private"),
            ("https://169.254.169.254/latest/meta-data", "Private"),
            ("https://[::1]/", "Private"),
            ("https://[::ffff:10.0.0.1]/", "Private"),
            ("https://10.0.0.6/", "Private"),
            ("https://10.0.0.7/", "allowed"),
            ("https://[fd00::7]/", "allowed"),
        ] {
            let begin = || {
                let first = url("https://packs.example/begin");
                Route::start(&first, Realm::Anywhere, rules).unwrap()
            };
            let told = |followed: Result<(), RouteError>| match followed {
                Ok(()) => "allowed".to_owned(),
                Err(error) => format!("{error:?}"),
            };
            let mut private = begin();
            private.answered_from(Realm::Anywhere);
            assert_eq!(
                told(private.follow(Some(location))),
                "allowed",
                "{location}"
            );
            let mut public = begin();
            public.answered_from(Realm::Public);
            let told = told(public.follow(Some(location)));
            assert!(told.starts_with(verdict), "{location}: {told}");
            let named = Route::start(&url(location), Realm::Public, rules);
            assert_eq!(
                named.is_ok(),
                verdict == "allowed",
                "{location} in an index"
            );
        }
        let mut route =
            Route::start(&url("https://packs.example/"), Realm::Anywhere, rules).unwrap();
        route.answered_from(Realm::Public);
        route.follow(Some("https://10.0.0.7/")).unwrap();
        route.answered_from(Realm::Anywhere);
        assert!(
            route.follow(Some("https://10.0.0.6/")).is_err(),
            "a detour over a trusted host is no way round"
        );
    }

    proptest! {
        #[test]
        fn no_redirect_leaves_the_allowed_hosts(location in "\\PC{0,40}") {
            let acme = hosts(&["packs.example"]);
            let mut route = start("https://packs.example/a", false, &acme).unwrap();
            if route.follow(Some(&location)).is_ok() {
                prop_assert_eq!(route.here().host(), "packs.example");
                prop_assert_eq!(route.here().scheme(), "https");
            }
        }
    }
}
