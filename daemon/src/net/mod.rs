//! The one HTTP client of the daemon: indexes and archives come through here. What comes by ssh and git's own protocol
//! keeps to its rules: [`Http::addresses`] says where it may connect to, and [`Http::rate`] how fast it may be.
//!
//! It decides whom packd talks to (`route`, `address`, `lookup`), whom it trusts (`client`), how long it
//! waits and how much it takes (`body`), and how fast (`rate`). It does not know what the bytes mean, and it never tries again: whether a failed
//! request is repeated is the queue's decision, which asks [`NetError::is_transient`].

mod address;
mod body;
mod certificate;
mod client;
mod error;
mod exchange;
mod lookup;
mod rate;
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

use reqwest::StatusCode;
use reqwest::header::{
    ACCEPT_ENCODING, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED, LOCATION, RETRY_AFTER,
};
use tokio::sync::OnceCell;
use tokio::time::timeout;

pub(crate) use self::address::Realm;
use self::address::{literal, realm_from};
pub(crate) use self::body::Body;
use self::body::{Deadline, Drip};
use self::client::Blueprint;
pub(crate) use self::error::{NetError, Reason, SetupError};
pub(crate) use self::exchange::{Exchange, Exchanged};
pub(crate) use self::rate::Rate;
pub(crate) use self::resume::Mark;
use self::resume::Resume;
use self::route::{Route, RouteError, Rules};
pub(crate) use crate::config::SafeUrl;
use crate::config::{self, HostPatterns, Secret};

/// The longest pause a server can ask for: a job that waits for ever is a lost job.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(1);

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

/// One GET request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// What to get.
    pub url: SafeUrl,
    /// Headers with credentials. They are sent to the origin of `url` only, wherever it redirects to.
    pub headers: Vec<(String, Secret)>,
    /// Whether plain http will do.
    pub allow_http: bool,
    /// What is known already; a server that has nothing newer answers [`Outcome::NotModified`].
    pub validators: Option<Validators>,
    /// The largest body that is accepted.
    pub max_bytes: u64,
    /// The time for everything, redirects and body included. `None`: that of `net.total_timeout`.
    pub within: Option<Duration>,
    /// Where it may lead, which depends on who named the URL.
    pub realm: Realm,
    /// What there is already of the body. A server whose resource has not changed sends only the rest.
    pub partial: Option<Partial>,
}

/// The beginning of a body, from an earlier answer.
#[derive(Debug, Clone)]
pub(crate) struct Partial {
    /// Of which state of the resource it is.
    pub mark: Mark,
    /// How many bytes of it there are: more than none, and less than all.
    pub bytes: u64,
}

impl Request {
    /// A plain request for `url`: https only, without headers, validators and total deadline.
    #[must_use]
    pub(crate) fn new(url: SafeUrl, max_bytes: u64) -> Self {
        Self {
            url,
            headers: Vec::new(),
            allow_http: false,
            validators: None,
            max_bytes,
            within: None,
            realm: Realm::default(),
            partial: None,
        }
    }
}

/// What identifies the state of a resource; as the server sent it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Validators {
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<String>,
}

/// An answer that is no error.
#[derive(Debug)]
pub(crate) struct Response {
    /// What came.
    pub outcome: Outcome,
    /// The URL that answered, after redirects.
    pub url: SafeUrl,
    /// The length of the body, if the server announced it.
    pub content_length: Option<u64>,
    /// To be sent with the next request.
    pub validators: Validators,
    /// Where what it says may lead.
    pub realm: Realm,
    /// How many bytes of the body were there already, and do not come again.
    pub begins_at: u64,
    /// What to go on with if this body does not come whole; none when the server cannot do that.
    pub mark: Option<Mark>,
}

/// Whether there is something to read.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Nothing newer than the request's validators.
    NotModified,
    /// The body, not read yet.
    Body(Box<Body>),
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

    async fn follow(
        self: &Arc<Self>,
        request: &Request,
        deadline: Deadline,
    ) -> Result<Response, NetError> {
        let refused = |source| NetError::Route { source };
        let rules = self.rules(request.allow_http);
        let mut route = Route::start(&request.url, request.realm, rules).map_err(refused)?;
        let secrets = secret_headers(&request.headers).await?;
        let mut partial = request.partial.as_ref();
        loop {
            let answer = self.ask(request, &route, &secrets, partial).await?;
            route.answered_from(self.realm_of(route.here(), &answer));
            match answer.status() {
                StatusCode::MOVED_PERMANENTLY
                | StatusCode::FOUND
                | StatusCode::SEE_OTHER
                | StatusCode::TEMPORARY_REDIRECT
                | StatusCode::PERMANENT_REDIRECT => {
                    let location = text(answer.headers(), &LOCATION);
                    route.follow(location.as_deref()).map_err(refused)?;
                    tracing::debug!(from = %request.url, to = %route.here(), "redirected");
                }
                // not the rest that was asked for: then all of it, once
                StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE
                    if partial.is_some_and(|partial| !partial.is_continued_by(&answer)) =>
                {
                    partial = None;
                }
                _ => return self.read(request, answer, &route, secrets, partial, deadline),
            }
        }
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

    /// Asks at the present place of the route.
    async fn ask(
        &self,
        request: &Request,
        route: &Route<'_>,
        secrets: &HeaderMap,
        partial: Option<&Partial>,
    ) -> Result<reqwest::Response, NetError> {
        let mut headers = HeaderMap::new();
        if route.at_origin() {
            headers.clone_from(secrets);
        }
        let known = request.validators.as_ref();
        for (name, value) in [
            (IF_NONE_MATCH, known.and_then(|known| known.etag.as_deref())),
            (
                IF_MODIFIED_SINCE,
                known.and_then(|known| known.last_modified.as_deref()),
            ),
        ] {
            // what we stored came from a header once; if it does not fit now, the answer is only larger
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
                headers.insert(name, value);
            }
        }
        if let Some(partial) = partial {
            partial.mark.ask_from(partial.bytes, &mut headers);
        }
        self.send(route.here(), route.realm(), headers).await
    }

    /// One request, one answer. The URL has been judged.
    async fn send(
        &self,
        url: &SafeUrl,
        realm: Realm,
        headers: HeaderMap,
    ) -> Result<reqwest::Response, NetError> {
        let ask = self
            .built(realm)
            .await?
            .get(url.as_url().clone())
            .headers(headers);
        self.answer(url, ask).await
    }

    /// Sends a request, and waits for the head of its answer.
    async fn answer(
        &self,
        url: &SafeUrl,
        ask: reqwest::RequestBuilder,
    ) -> Result<reqwest::Response, NetError> {
        // digests are of the bytes as published, so no transfer in another form is wanted
        let identity = HeaderValue::from_static("identity");
        let ask = ask.headers(HeaderMap::from_iter([(ACCEPT_ENCODING, identity)]));
        // connecting has its own timeout within this one
        let patience = self.connect_timeout.saturating_add(self.idle_timeout);
        match timeout(patience, ask.send()).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(NetError::of_request(url, error)),
            Err(_elapsed) => Err(NetError::NoAnswer {
                host: url.host().to_owned(),
                after: patience,
            }),
        }
    }

    /// Takes the head of an answer apart.
    fn read(
        self: &Arc<Self>,
        request: &Request,
        answer: reqwest::Response,
        route: &Route<'_>,
        secrets: HeaderMap,
        partial: Option<&Partial>,
        deadline: Deadline,
    ) -> Result<Response, NetError> {
        let url = route.here().clone();
        let headers = answer.headers();
        let validators = Validators {
            etag: text(headers, &ETAG),
            last_modified: text(headers, &LAST_MODIFIED),
        };
        let partial = match (answer.status().as_u16(), partial) {
            (200, _) => None,
            (206, Some(partial)) => Some(partial),
            (304, _) if request.validators.is_some() => {
                return Ok(Response {
                    outcome: Outcome::NotModified,
                    url,
                    content_length: None,
                    validators,
                    realm: route.realm(),
                    begins_at: 0,
                    mark: None,
                });
            }
            (status, _) => {
                let retry_after = text(headers, &RETRY_AFTER)
                    .and_then(|text| pause(&text, jiff::Timestamp::now()));
                return Err(NetError::Status {
                    url,
                    status,
                    retry_after,
                });
            }
        };
        let announced = match partial {
            Some(partial) => Some(partial.mark.total),
            None => answer.content_length(),
        };
        if announced.is_some_and(|bytes| bytes > request.max_bytes) {
            return Err(NetError::TooLarge {
                url,
                limit: request.max_bytes,
                announced,
            });
        }
        let secrets = if route.at_origin() {
            secrets
        } else {
            HeaderMap::new()
        };
        let begins_at = partial.map_or(0, |partial| partial.bytes);
        let mark = match partial {
            Some(partial) => Some(partial.mark.clone()),
            None => Mark::of(&answer),
        };
        let resume = mark
            .clone()
            .map(|mark| Resume::new(self, &url, route.realm(), secrets, mark));
        let body = Body {
            resume,
            resumed: false,
            response: answer,
            url: url.clone(),
            announced,
            max_bytes: request.max_bytes,
            idle: self.idle_timeout,
            deadline,
            received: begins_at,
            drip: Drip::default(),
            rate: Arc::clone(&self.rate),
        };
        Ok(Response {
            outcome: Outcome::Body(Box::new(body)),
            url,
            content_length: announced,
            validators,
            realm: route.realm(),
            begins_at,
            mark,
        })
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

/// Puts the headers together. What they refer to may lie in files, which are read off the runtime.
async fn secret_headers(headers: &[(String, Secret)]) -> Result<HeaderMap, NetError> {
    if headers.is_empty() {
        return Ok(HeaderMap::new());
    }
    let headers = headers.to_vec();
    blocking(move || {
        let mut map = HeaderMap::with_capacity(headers.len());
        for (name, secret) in headers {
            let text = secret.expand().map_err(|source| NetError::Secret {
                name: name.clone(),
                source,
            })?;
            let key = HeaderName::from_bytes(name.as_bytes()).ok();
            let value = HeaderValue::from_str(&text).ok();
            let (Some(key), Some(mut value)) = (key, value) else {
                return Err(NetError::Header { name });
            };
            value.set_sensitive(true);
            map.append(key, value);
        }
        Ok(map)
    })
    .await
}

/// Runs `work` off the runtime's thread. It is short, so that nothing has to stop it.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// `Retry-After`, which is a number of seconds or a date (RFC 9110, 10.2.3).
fn pause(text: &str, now: jiff::Timestamp) -> Option<Duration> {
    let text = text.trim();
    let pause = if let Ok(seconds) = text.parse() {
        Duration::from_secs(seconds)
    } else {
        let until = jiff::fmt::rfc2822::DateTimeParser::new()
            .parse_timestamp(text)
            .ok()?;
        // a date in the past means now
        Duration::try_from(until.duration_since(now)).unwrap_or_default()
    };
    Some(pause.min(LONGEST_RETRY_AFTER))
}
