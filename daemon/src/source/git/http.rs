//! Smart HTTP over packd's own client, so that TLS, proxy, redirects, allowed hosts and budgets are those of
//! every other download.
//!
//! The library below works on a thread and asks there; [`serve`] answers on the runtime. A request goes
//! through a channel, its answer comes through a [`super::super::pipe`].

use std::any::Any;
use std::io::{self, BufRead, BufReader, Cursor, Read, Write};

use bytes::Bytes;
use gix::error::{ErrorExt, Result};
use gix_transport::client::blocking_io::http::{GetResponse, Http, PostBodyDataKind, PostResponse};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout_at;

use super::error::GitError;
use super::guard::Guard;
use super::{Reach, Repository};
use crate::config::SafeUrl;
use crate::net::{Exchange, Exchanged, NetError, Realm};
use crate::source::pipe::{Inlet, Outlet, pipe};

/// The longest request: what is wanted, and what is there already.
const LONGEST_REQUEST: usize = 16 << 20;
/// What a server's first answer is asked for at.
const ADVERTISEMENT: &str = "/info/refs?service=git-upload-pack";

/// A request of the library.
#[derive(Debug)]
pub(super) struct Ask {
    url: String,
    /// `Name: value`, as the library puts them.
    headers: Vec<String>,
    /// The body of a POST.
    body: Option<Vec<u8>>,
    answer: oneshot::Sender<Answer>,
}

/// An answer that is no error. An error is with the [`Guard`].
#[derive(Debug)]
struct Answer {
    /// The URL that answered.
    url: SafeUrl,
    content_type: Option<String>,
    body: Outlet,
}

/// What comes from the library's end.
pub(super) type Asked = mpsc::Receiver<Ask>;

/// The library's end. Clones ask at the same place.
#[derive(Debug, Clone)]
pub(super) struct Web {
    asks: mpsc::Sender<Ask>,
    base: Option<String>,
}

/// The two ends of a conversation.
pub(super) fn channel() -> (Web, Asked) {
    let (asks, asked) = mpsc::channel(1);
    (Web { asks, base: None }, asked)
}

impl Web {
    fn ask(
        asks: &mpsc::Sender<Ask>,
        url: String,
        headers: Vec<String>,
        body: Option<Vec<u8>>,
    ) -> io::Result<Answer> {
        let ended = || io::Error::new(io::ErrorKind::ConnectionAborted, "the request failed");
        let (answer, answered) = oneshot::channel();
        let ask = Ask {
            url,
            headers,
            body,
            answer,
        };
        asks.blocking_send(ask).map_err(|_| ended())?;
        answered.blocking_recv().map_err(|_| ended())
    }
}

/// The head and the body of an answer, asked for at the first read of either.
#[derive(Debug)]
pub(super) enum Part {
    /// There already.
    Head(Cursor<Vec<u8>>),
    /// There already.
    Body(BufReader<Outlet>),
    /// Asked for by the first read.
    Later(Later),
}

#[derive(Debug)]
pub(super) struct Later {
    which: Which,
    answer: std::sync::Arc<std::sync::Mutex<Pending>>,
}

#[derive(Debug, Clone, Copy)]
enum Which {
    Head,
    Body,
}

/// A POST whose body is being written, or its answer in two parts.
#[derive(Debug)]
struct Pending {
    request: Option<(mpsc::Sender<Ask>, String, Vec<String>)>,
    written: std::sync::mpsc::Receiver<Vec<u8>>,
    head: Option<Part>,
    body: Option<Part>,
}

impl Pending {
    fn part(&mut self, which: Which) -> io::Result<Part> {
        if let Some((asks, url, headers)) = self.request.take() {
            let body = self.written.recv().map_err(io::Error::other)?;
            let (head, body) = parts(Web::ask(&asks, url, headers, Some(body))?);
            (self.head, self.body) = (Some(head), Some(body));
        }
        let part = match which {
            Which::Head => self.head.take(),
            Which::Body => self.body.take(),
        };
        part.ok_or_else(|| io::Error::other("the request failed"))
    }
}

fn parts(answer: Answer) -> (Part, Part) {
    let kind = answer.content_type.unwrap_or_default();
    let head = format!(
        "content-type: {}\n",
        kind.split(';').next().unwrap_or_default().trim()
    );
    (
        Part::Head(Cursor::new(head.into_bytes())),
        Part::Body(BufReader::with_capacity(64 * 1024, answer.body)),
    )
}

impl Part {
    fn reader(&mut self) -> io::Result<&mut dyn BufRead> {
        if let Self::Later(later) = self {
            let mut pending = later
                .answer
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            let part = pending.part(later.which)?;
            drop(pending);
            *self = part;
        }
        match self {
            Self::Head(head) => Ok(head),
            Self::Body(body) => Ok(body),
            Self::Later(_) => Err(io::Error::other("the request failed")),
        }
    }
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader()?.read(buffer)
    }
}

impl BufRead for Part {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader()?.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        // what was not filled cannot be consumed
        if let Ok(reader) = self.reader() {
            reader.consume(amount);
        }
    }
}

/// Collects the body of a POST; dropping it is its end.
#[derive(Debug)]
pub(super) struct Collector {
    bytes: Vec<u8>,
    written: std::sync::mpsc::Sender<Vec<u8>>,
}

impl Write for Collector {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > LONGEST_REQUEST {
            return Err(io::Error::other("the request is too long"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // nobody who reads the answer is nobody who wants it
        let _unread = self.written.send(std::mem::take(&mut self.bytes));
    }
}

impl Http for Web {
    type Headers = Part;
    type ResponseBody = Part;
    type PostBody = Collector;

    fn get(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<GetResponse<Part, Part>> {
        let headers = headers.into_iter().map(|line| line.as_ref().to_owned());
        let answer = Self::ask(&self.asks, url.to_owned(), headers.collect(), None)
            .map_err(ErrorExt::raise)?;
        let tail = url.strip_prefix(base_url).unwrap_or_default();
        self.base = answer
            .url
            .as_url()
            .as_str()
            .strip_suffix(tail)
            .map(ToOwned::to_owned);
        let (headers, body) = parts(answer);
        Ok(GetResponse { headers, body })
    }

    fn post(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _kind: PostBodyDataKind,
    ) -> Result<PostResponse<Part, Part, Collector>> {
        let headers = headers.into_iter().map(|line| line.as_ref().to_owned());
        let (write, written) = std::sync::mpsc::channel();
        let answer = std::sync::Arc::new(std::sync::Mutex::new(Pending {
            request: Some((self.asks.clone(), url.to_owned(), headers.collect())),
            written,
            head: None,
            body: None,
        }));
        let later = |which| {
            Part::Later(Later {
                which,
                answer: std::sync::Arc::clone(&answer),
            })
        };
        Ok(PostResponse {
            post_body: Collector {
                bytes: Vec::new(),
                written: write,
            },
            headers: later(Which::Head),
            body: later(Which::Body),
        })
    }

    fn configure(&mut self, _config: &dyn Any) -> Result {
        Ok(())
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.base.clone()
    }
}

/// Where the conversation was led: the library asks on at the place that a redirect named.
struct Led {
    /// Scheme, host and port of the repository itself.
    origin: Option<url::Origin>,
    /// Where it may be, once it was led away from there.
    realm: Realm,
}

impl Led {
    fn new(repository: &Repository) -> Self {
        let parsed = url::Url::parse(&repository.url.to_string());
        Self {
            origin: parsed.ok().map(|url| url.origin()),
            realm: repository.realm,
        }
    }

    fn is_home(&self, url: &SafeUrl) -> bool {
        self.origin.as_ref() == Some(&url.as_url().origin())
    }
}

/// Answers what the library asks, until it asks no more.
pub(super) async fn serve(
    reach: &Reach<'_>,
    repository: &Repository,
    mut asked: Asked,
    guard: &Guard,
) {
    let mut led = Led::new(repository);
    while let Some(ask) = asked.recv().await {
        one(reach, repository, &mut led, ask, guard).await;
    }
}

/// What went wrong is with the guard before the library's end is let go: it would say something vaguer first.
async fn one(reach: &Reach<'_>, repository: &Repository, led: &mut Led, ask: Ask, guard: &Guard) {
    let Exchanged {
        url,
        content_type,
        realm,
        mut body,
    } = match exchange(reach, repository, led, &ask, guard).await {
        Ok(exchanged) => exchanged,
        Err(error) => {
            guard.fail(error);
            return;
        }
    };
    if !led.is_home(&url) {
        led.realm = realm;
    }
    let (inlet, outlet) = pipe();
    let answer = Answer {
        url,
        content_type,
        body: outlet,
    };
    if ask.answer.send(answer).is_err() {
        return;
    }
    match pass_on(&mut body, &inlet, guard).await {
        Ok(()) => inlet.end().await,
        Err(error) => {
            guard.fail(error);
        }
    }
}

async fn pass_on(
    body: &mut crate::net::Body,
    inlet: &Inlet,
    guard: &Guard,
) -> std::result::Result<(), GitError> {
    loop {
        let chunk = tokio::select! {
            biased;
            // the library has seen enough, and has its reasons
            () = inlet.closed() => return Ok(()),
            chunk = timeout_at(guard.until().into(), body.chunk()) => chunk,
        };
        let Ok(chunk) = chunk else {
            guard.too_late();
            return Ok(());
        };
        let bytes = match chunk {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(()),
            Err(NetError::TooLarge { .. }) => return Err(guard.too_large()),
            Err(source) => return Err(GitError::Http { source }),
        };
        if guard.took(bytes.len()).is_err() || inlet.send(bytes).await.is_err() {
            return Ok(());
        }
    }
}

async fn exchange(
    reach: &Reach<'_>,
    repository: &Repository,
    led: &Led,
    ask: &Ask,
    guard: &Guard,
) -> std::result::Result<Exchanged, GitError> {
    let malformed = |_| GitError::Library {
        what: "ask the server",
        reason: "the URL that it redirects to is none".to_owned(),
    };
    let url: SafeUrl = ask.url.parse().map_err(malformed)?;
    let plain = ask.headers.iter().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().to_owned(), value.trim().to_owned()))
    });
    let (secrets, realm) = if led.is_home(&url) {
        (repository.headers.clone(), repository.realm)
    } else {
        (Vec::new(), led.realm)
    };
    let exchange = Exchange {
        url,
        headers: plain.collect(),
        secrets,
        body: ask.body.clone().map(Bytes::from),
        allow_http: repository.allow_http,
        max_bytes: guard.left(),
        realm,
    };
    let answer = reach.http.exchange(exchange, &reach.git.credentials);
    let Ok(answered) = timeout_at(guard.until().into(), answer).await else {
        guard.too_late();
        return Err(GitError::Cancelled);
    };
    let answered = answered.map_err(|source| GitError::Http { source })?;
    // a page that says "sign in" is no repository, wherever it was redirected from
    if ask.body.is_none() && !answered.url.as_url().as_str().ends_with(ADVERTISEMENT) {
        return Err(GitError::NoRepository {
            from: answered.url.to_string(),
            why: "it redirects to a page",
        });
    }
    Ok(answered)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use crate::source::git::url::Spelled;

    #[test]
    fn headers_of_a_registry_stay_at_the_origin_of_the_repository() {
        let repository = Repository {
            url: Spelled::parse("https://git.example/org/a.git").unwrap().url,
            headers: Vec::new(),
            allow_http: false,
            realm: Realm::Anywhere,
        };
        let led = Led::new(&repository);
        for (url, is_home) in [
            ("https://git.example/org/a.git/git-upload-pack", true),
            ("https://git.example:443/elsewhere", true),
            ("https://git.example:8443/org/a.git/git-upload-pack", false),
            ("http://git.example/org/a.git/git-upload-pack", false),
            ("https://evil.example/org/a.git/git-upload-pack", false),
        ] {
            assert_eq!(led.is_home(&url.parse().unwrap()), is_home, "{url}");
        }
    }
}
