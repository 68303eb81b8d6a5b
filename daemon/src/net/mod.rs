//! The one HTTP client of the daemon: indexes and archives come through here. What comes by ssh and git's own protocol
//! keeps to its rules: [`Http::addresses`] says where it may connect to, and [`Http::rate`] how fast it may be.
//!
//! It decides whom packd talks to (`route`, `address`, `lookup`), whom it trusts (`client`), how long it waits and how
//! much it takes (`get`, `body`), and how fast (`rate`). It does not know what the bytes mean, and it never tries again:
//! whether a failed request is repeated is the queue's decision, which asks [`NetError::is_transient`].

mod address;
mod body;
mod certificate;
mod client;
mod error;
mod exchange;
mod get;
mod lookup;
mod rate;
mod request;
mod resume;
mod route;

#[cfg(test)]
pub(crate) mod loopback;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::timeout;

pub(crate) use self::address::Realm;
use self::address::{literal, realm_from};
pub(crate) use self::body::Body;
use self::body::Deadline;
use self::client::Blueprint;
pub(crate) use self::error::{NetError, Reason, SetupError};
pub(crate) use self::exchange::{Exchange, Exchanged};
pub(crate) use self::rate::Rate;
pub(crate) use self::request::{Outcome, Partial, Request, Response, Validators};
pub(crate) use self::resume::Mark;
use self::route::{RouteError, Rules};
pub(crate) use crate::config::SafeUrl;
use crate::config::{self, HostPatterns};

/// The HTTP client. Cheap to clone; clones share connections and settings.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    current: Arc<RwLock<Arc<Client>>>,
    /// One for all settings there ever are: what came before a change is paid for after it.
    rate: Arc<Rate>,
}

/// A client with the settings of one moment. A request keeps the one it began with.
#[derive(Debug)]
struct Client {
    blueprint: Blueprint,
    /// Built at the first request: reading the system's certificates would delay the start of every
    /// packd, also of one that never downloads.
    library: OnceCell<reqwest::Client>,
    /// The same for what public servers lead to, with connections of its own.
    public_library: OnceCell<reqwest::Client>,
    hosts: HostPatterns,
    connect_timeout: Duration,
    idle_timeout: Duration,
    total_timeout: Duration,
    rate: Arc<Rate>,
}

/// Why a host has no address to connect to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AddressError {
    /// Nobody knows it.
    #[error(transparent)]
    Unknown(io::Error),
    /// It may not be connected to.
    #[error(transparent)]
    Private {
        /// Why.
        source: RouteError,
    },
}

impl Http {
    /// A client with these settings. Opens nothing yet.
    ///
    /// # Errors
    /// [`SetupError`]: the settings are wrong.
    pub(crate) fn new(net: &config::Net) -> Result<Self, SetupError> {
        let rate = Arc::new(Rate::default());
        let client = Arc::new(Client::new(net, Arc::clone(&rate))?);
        rate.limit(net.rate_limit.map(config::ByteSize::bytes));
        Ok(Self {
            current: Arc::new(RwLock::new(client)),
            rate,
        })
    }

    /// Makes requests with these settings from now on, by every clone; what is under way goes on with
    /// those it began with. Reads `net.ca_file` again, also when its name is the same. Blocks.
    ///
    /// # Errors
    /// [`SetupError`]: the settings are wrong, and the ones before stay in force.
    pub(crate) fn renew(&self, net: &config::Net) -> Result<(), SetupError> {
        let client = Arc::new(Client::new(net, Arc::clone(&self.rate))?);
        self.rate.limit(net.rate_limit.map(config::ByteSize::bytes));
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = client;
        Ok(())
    }

    /// The client of this moment.
    fn client(&self) -> Arc<Client> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a host may be asked at all: `net.allowed_hosts`.
    #[must_use]
    pub(crate) fn allows(&self, host: &str) -> bool {
        self.client().hosts.allows(host)
    }

    /// The addresses of a host, of those that whoever is in this realm may connect to. It has
    /// `net.connect_timeout` for it.
    ///
    /// # Errors
    /// [`AddressError`].
    pub(crate) async fn addresses(
        &self,
        host: &str,
        port: u16,
        realm: Realm,
    ) -> Result<Vec<SocketAddr>, AddressError> {
        let client = self.client();
        let all = timeout(
            client.connect_timeout,
            tokio::net::lookup_host((host, port)),
        );
        let all = all
            .await
            .unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into()))
            .map_err(AddressError::Unknown)?;
        lookup::choose(realm, client.blueprint.trusted(), host, all.collect()).map_err(|refused| {
            AddressError::Private {
                source: RouteError::Private {
                    host: refused.host,
                    address: refused.address,
                },
            }
        })
    }

    /// How fast everything together may come.
    pub(crate) fn rate(&self) -> Arc<Rate> {
        Arc::clone(&self.rate)
    }

    /// Asks, follows redirects, and returns at the beginning of the body. Safe to drop while it waits.
    ///
    /// # Errors
    /// [`NetError`]; [`NetError::is_transient`] says whether asking again can help.
    pub(crate) async fn get(&self, request: Request) -> Result<Response, NetError> {
        let client = self.client();
        let limit = request.within.unwrap_or(client.total_timeout);
        let deadline = Deadline::after(limit);
        match tokio::time::timeout_at(deadline.at, client.follow(&request, deadline)).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(NetError::Deadline {
                url: request.url,
                limit,
            }),
        }
    }
}

impl Client {
    fn new(net: &config::Net, rate: Arc<Rate>) -> Result<Self, SetupError> {
        Ok(Self {
            blueprint: Blueprint::new(net)?,
            library: OnceCell::new(),
            public_library: OnceCell::new(),
            hosts: net.allowed_hosts.clone(),
            connect_timeout: net.connect_timeout,
            idle_timeout: net.idle_timeout,
            total_timeout: net.total_timeout,
            rate,
        })
    }

    /// What holds at every hop.
    fn rules(&self, allow_http: bool) -> Rules<'_> {
        Rules {
            allow_http,
            hosts: &self.hosts,
            trusted: self.blueprint.trusted(),
        }
    }

    /// Where what was answered may lead. What was reached through a proxy counts as public: where it really
    /// came from, and whether the proxy lets it lead anywhere, is the proxy's to know.
    fn realm_of(&self, url: &SafeUrl, answer: &reqwest::Response) -> Realm {
        if let Some(address) = literal(url.as_url()) {
            return realm_from(address);
        }
        let remote = answer.remote_addr().map(|remote| remote.ip());
        match remote.filter(|remote| self.blueprint.given().has(url.host(), *remote)) {
            Some(remote) => realm_from(remote),
            None => Realm::Public,
        }
    }

    async fn built(&self, realm: Realm) -> Result<&reqwest::Client, NetError> {
        let build = || async {
            let blueprint = self.blueprint.clone();
            let client = blocking(move || blueprint.build(realm)).await;
            client.map_err(|error| NetError::Setup {
                source: Reason::of(error),
            })
        };
        let library = match realm {
            Realm::Anywhere => &self.library,
            Realm::Public => &self.public_library,
        };
        library.get_or_try_init(build).await
    }
}

/// Runs `work` off the runtime's thread. It is short, so that nothing has to stop it.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}
