//! Requests of the git protocol: with a body, headers of its own, and credentials by host.
//!
//! What holds for every request holds here: hosts, schemes and redirects are judged by [`super::route`], the
//! body is counted and never waited for without end.

use std::sync::Arc;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{
    AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
};

use super::body::{Deadline, Drip};
use super::get::{pause, secret_headers, text};
use super::route::Route;
use super::{Body, Client, Http, NetError, Realm, blocking};
use crate::config::{HostSecrets, SafeUrl, Secret};

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    /// What to ask.
    pub url: SafeUrl,
    /// Headers that are no secret.
    pub headers: Vec<(String, String)>,
    /// Headers with credentials, for the origin of `url` only.
    pub secrets: Vec<(String, Secret)>,
    /// The body of a POST; without one it is a GET. Only a GET follows redirects.
    pub body: Option<Bytes>,
    /// Whether plain http will do.
    pub allow_http: bool,
    /// The largest body that is accepted.
    pub max_bytes: u64,
    /// Where it may lead, which depends on who named the URL.
    pub realm: Realm,
}

/// An answer that is no error.
#[derive(Debug)]
pub(crate) struct Exchanged {
    /// The URL that answered, after redirects.
    pub url: SafeUrl,
    /// What it says that it is.
    pub content_type: Option<String>,
    /// Where what comes of it may lead.
    pub realm: Realm,
    /// The body, not read yet.
    pub body: Body,
}

impl Http {
    /// Asks, follows the redirects of a GET, and returns at the beginning of the body. Safe to drop while it
    /// waits. `credentials` go to the hosts they are for, whoever redirects there, and over https only.
    ///
    /// # Errors
    /// [`NetError`]; [`NetError::is_transient`] says whether asking again can help.
    pub(crate) async fn exchange(
        &self,
        exchange: Exchange,
        credentials: &HostSecrets,
    ) -> Result<Exchanged, NetError> {
        let client = self.client();
        let refused = |source| NetError::Route { source };
        let rules = client.rules(exchange.allow_http);
        let mut route = Route::start(&exchange.url, exchange.realm, rules).map_err(refused)?;
        let secrets = secret_headers(&exchange.secrets).await?;
        loop {
            let answer = client.put(&exchange, &route, &secrets, credentials).await?;
            route.answered_from(client.realm_of(route.here(), &answer));
            let url = route.here().clone();
            match answer.status().as_u16() {
                200 => return client.begin(&exchange, answer, url, route.realm()),
                301 | 302 | 303 | 307 | 308 if exchange.body.is_none() => {
                    let location = text(answer.headers(), &LOCATION);
                    route.follow(location.as_deref()).map_err(refused)?;
                    tracing::debug!(from = %exchange.url, to = %route.here(), "redirected");
                }
                status => {
                    let retry_after = text(answer.headers(), &RETRY_AFTER)
                        .and_then(|text| pause(&text, jiff::Timestamp::now()));
                    return Err(NetError::Status {
                        url,
                        status,
                        retry_after,
                    });
                }
            }
        }
    }
}

impl Client {
    /// One request at the present place of the route.
    async fn put(
        &self,
        exchange: &Exchange,
        route: &Route<'_>,
        secrets: &HeaderMap,
        credentials: &HostSecrets,
    ) -> Result<reqwest::Response, NetError> {
        let url = route.here();
        let mut headers = HeaderMap::new();
        for (name, value) in &exchange.headers {
            let refused = || NetError::Header { name: name.clone() };
            headers.insert(
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?,
                HeaderValue::from_str(value).map_err(|_| refused())?,
            );
        }
        if route.at_origin() {
            headers.extend(secrets.clone());
        }
        // on the way everybody could read them otherwise, whoever allowed plain http
        let may = url.as_url().scheme() == "https";
        if let Some(secret) = credentials
            .get(url.host(), url.as_url().port())
            .filter(|_| may)
        {
            headers.insert(AUTHORIZATION, authorization(secret).await?);
        }
        let method = match exchange.body {
            Some(_) => Method::POST,
            None => Method::GET,
        };
        let client = self.built(route.realm()).await?;
        let mut ask = client
            .request(method, url.as_url().clone())
            .headers(headers);
        if let Some(body) = &exchange.body {
            ask = ask.body(body.clone());
        }
        self.answer(url, ask).await
    }

    /// Takes the head of an answer apart.
    fn begin(
        &self,
        exchange: &Exchange,
        answer: reqwest::Response,
        url: SafeUrl,
        realm: Realm,
    ) -> Result<Exchanged, NetError> {
        let announced = answer.content_length();
        if announced.is_some_and(|bytes| bytes > exchange.max_bytes) {
            return Err(NetError::TooLarge {
                url,
                limit: exchange.max_bytes,
                announced,
            });
        }
        let content_type = text(answer.headers(), &CONTENT_TYPE);
        let body = Body {
            resume: None,
            resumed: false,
            announced,
            response: answer,
            url: url.clone(),
            max_bytes: exchange.max_bytes,
            idle: self.idle_timeout,
            deadline: Deadline::after(self.total_timeout),
            received: 0,
            drip: Drip::default(),
            rate: Arc::clone(&self.rate),
        };
        Ok(Exchanged {
            url,
            content_type,
            realm,
            body,
        })
    }
}

/// `Authorization` of what the configuration says: `user:password`, or a whole value with its scheme.
async fn authorization(secret: &Secret) -> Result<HeaderValue, NetError> {
    let name = || "Authorization".to_owned();
    let secret = secret.clone();
    let text = blocking(move || secret.expand()).await;
    let text = text.map_err(|source| NetError::Secret {
        name: name(),
        source,
    })?;
    let whole = ["Basic ", "Bearer ", "Token ", "token "]
        .iter()
        .any(|scheme| text.starts_with(scheme));
    let text = if whole {
        text
    } else {
        use base64::Engine as _;
        format!(
            "Basic {}",
            base64::engine::general_purpose::STANDARD.encode(text)
        )
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| NetError::Header { name: name() })?;
    value.set_sensitive(true);
    Ok(value)
}
