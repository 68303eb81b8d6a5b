//! Builds the HTTP library's client from the settings: trust, proxy, timeouts, and nothing automatic.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, NoProxy, Proxy};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::address::Realm;
use super::error::{Reason, SetupError};
use super::lookup::{Given, Lookup};
use crate::config;
use crate::config::{Environment, HostPatterns, SafeUrl};

const USER_AGENT: &str = concat!("packd/", env!("CARGO_PKG_VERSION"));

/// The most that is read of `net.ca_file`.
const ROOTS_BYTES: u64 = 16 * 1024 * 1024;

/// Idle connections are worth keeping while the packs of one job come from one host, not longer.
const KEEP_IDLE: Duration = Duration::from_secs(20);
const KEEP_IDLE_PER_HOST: usize = 4;

/// The settings of [`config::Net`] that the library needs, read and checked, so that building a client
/// from them needs nothing but the system's certificates.
#[derive(Debug, Clone)]
pub(super) struct Blueprint {
    connect_timeout: Duration,
    way: Way,
    extra_roots: Vec<Certificate>,
    /// Hosts that may lie in a private network whoever names them: those of the operator, and the proxies.
    trusted: Arc<HostPatterns>,
    given: Given,
}

/// Where the environment names proxies.
const PROXY_VARIABLES: [&str; 6] = [
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
];

/// What stands between this host and the servers.
#[derive(Debug, Clone)]
enum Way {
    Environment,
    Straight,
    Through(Box<Proxy>),
}

impl Blueprint {
    pub(super) fn new(net: &config::Net) -> Result<Self, SetupError> {
        let way = match &net.proxy {
            config::Proxy::Environment => Way::Environment,
            config::Proxy::None => Way::Straight,
            config::Proxy::Url(url) => {
                let unusable = |error| SetupError::Proxy {
                    url: SafeUrl::from(url.clone()),
                    source: Reason::of(error),
                };
                let proxy = Proxy::all(url.clone()).map_err(unusable)?;
                Way::Through(proxy.no_proxy(NoProxy::from_env()).into())
            }
        };
        let extra_roots = net
            .ca_file
            .as_deref()
            .map(read_roots)
            .transpose()?
            .unwrap_or_default();
        Ok(Self {
            connect_timeout: net.connect_timeout,
            way,
            extra_roots,
            trusted: trusted(net).into(),
            given: Given::default(),
        })
    }

    /// What names turned out to be, for every client that is built from this.
    pub(super) fn given(&self) -> &Given {
        &self.given
    }

    /// The hosts that may lie in a private network whoever names them.
    pub(super) fn trusted(&self) -> &HostPatterns {
        &self.trusted
    }

    /// Builds the client. Reads the system's certificates (`SSL_CERT_FILE` and `SSL_CERT_DIR` say
    /// where), which takes some milliseconds: not for the runtime's thread.
    pub(super) fn build(self, realm: Realm) -> Result<Client, reqwest::Error> {
        // the library takes the process-wide provider; a second call finds the first one's, which is the same
        if rustls::crypto::ring::default_provider()
            .install_default()
            .is_err()
        {
            tracing::trace!("the TLS provider was installed before");
        }
        let without_roots = self.builder(realm);
        self.builder(realm).tls_certs_merge(self.extra_roots).build().or_else(|error| {
            // a host without a single root certificate can still use `http` where that is allowed; each
            // `https` server then fails as one of an unknown authority, with the hint that helps
            let client = without_roots.tls_certs_only([]).build()?;
            tracing::warn!(reason = %Reason::of(error), "no certificate authorities on this host: https will not work");
            Ok(client)
        })
    }

    fn builder(&self, realm: Realm) -> ClientBuilder {
        let lookup = Lookup::new(realm, Arc::clone(&self.trusted), self.given.clone());
        let builder = Client::builder()
            .dns_resolver(lookup)
            .user_agent(USER_AGENT)
            // hops are judged one by one in `route`, and headers go to their own origin only
            .redirect(reqwest::redirect::Policy::none())
            // query values of one URL are no business of the next server
            .referer(false)
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(KEEP_IDLE)
            .pool_max_idle_per_host(KEEP_IDLE_PER_HOST);
        match &self.way {
            Way::Environment => builder,
            Way::Straight => builder.no_proxy(),
            Way::Through(proxy) => builder.proxy(Proxy::clone(proxy)),
        }
    }
}

/// The hosts of `net.private_hosts`, and the proxies: they are looked up too, and nobody else names them.
fn trusted(net: &config::Net) -> HostPatterns {
    let proxies: Vec<url::Url> = match &net.proxy {
        config::Proxy::None => Vec::new(),
        config::Proxy::Url(url) => vec![url.clone()],
        config::Proxy::Environment => {
            let environment = Environment::of_process();
            let named = PROXY_VARIABLES
                .iter()
                .filter_map(|name| environment.get(name));
            // as the library reads them: a host alone means http
            named
                .filter_map(|text| {
                    let has_scheme = text.contains("://");
                    let scheme = if has_scheme { "" } else { "http://" };
                    url::Url::parse(&format!("{scheme}{text}")).ok()
                })
                .collect()
        }
    };
    let hosts = proxies.iter().filter_map(url::Url::host_str);
    let all: Vec<String> = (net.private_hosts.as_slice().iter().map(String::as_str))
        .chain(hosts)
        .map(str::to_owned)
        .collect();
    HostPatterns::new(&all).unwrap_or_else(|_| net.private_hosts.clone())
}

/// Reads and checks a PEM bundle now, so that a mistake shows when the settings are read and not at
/// the first download.
fn read_roots(path: &std::path::Path) -> Result<Vec<Certificate>, SetupError> {
    let invalid = || SetupError::InvalidCa {
        path: path.to_owned(),
    };
    let mut pem = Vec::new();
    config::open_regular(path)
        .and_then(|file| file.take(ROOTS_BYTES).read_to_end(&mut pem))
        .map_err(|source| SetupError::ReadCa { source })?;
    let mut check = RootCertStore::empty();
    let mut roots = Vec::new();
    for der in CertificateDer::pem_slice_iter(&pem) {
        let der = der.map_err(|_| invalid())?;
        roots.push(Certificate::from_der(&der).map_err(|_| invalid())?);
        check.add(der).map_err(|_| invalid())?;
    }
    if roots.is_empty() {
        Err(invalid())
    } else {
        Ok(roots)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    fn net_with_ca(content: &[u8]) -> (tempfile::TempDir, config::Net) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        fs_err::write(&path, content).unwrap();
        (
            folder,
            config::Net {
                ca_file: Some(path),
                ..config::Net::default()
            },
        )
    }

    #[test]
    fn a_ca_file_that_is_none_is_refused_when_the_settings_are_read() {
        for content in [
            &b""[..],
            b"hello",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            b"-----BEGIN CERTIFICATE-----\n",
        ] {
            let (_folder, net) = net_with_ca(content);
            let error = Blueprint::new(&net).unwrap_err();
            assert!(
                matches!(error, SetupError::InvalidCa { .. }),
                "{content:?} gave {error:?}"
            );
        }
        let missing = config::Net {
            ca_file: Some("/nowhere/ca.pem".into()),
            ..config::Net::default()
        };
        assert!(matches!(
            Blueprint::new(&missing).unwrap_err(),
            SetupError::ReadCa { .. }
        ));
    }

    #[test]
    fn settings_at_their_defaults_give_a_client() {
        assert!(
            Blueprint::new(&config::Net::default())
                .unwrap()
                .build(Realm::Anywhere)
                .is_ok()
        );
    }
}
