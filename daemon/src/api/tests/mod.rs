//! The API over a socket in a temporary folder, asked by raw bytes; and its routes, asked directly.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod changes;
mod connections;
mod requests;
mod uploads;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use http_body_util::BodyExt as _;
use packd_wire::{Problem, Role};
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use super::access::Started;
use super::caller::{Caller, Link};
use super::directory::Directory;
use super::limit::Rank;
use super::peer::Peer;
use super::{Opened, Parts, State, Times, routes, serve};
use crate::config::{self, Config, Layout};
use crate::event::Hub;
use crate::net::Http;
use crate::pulse::Pulse;
use crate::queue::Queue;
use crate::registry::Registries;
use crate::store::{self, Database};
use crate::update::Updates;

/// Longer than anything here takes, shorter than anybody's patience.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// An API with nothing installed and no worker: jobs stay queued.
pub(crate) struct Daemon {
    pub(crate) state: State,
    router: Router,
    folder: TempDir,
}

/// The same, listening.
pub(crate) struct Served {
    pub(crate) daemon: Daemon,
    stop: CancellationToken,
    serving: JoinSet<()>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Daemon {
    pub(crate) fn new() -> Self {
        Self::with(Config::default(), Times::default())
    }

    pub(crate) fn with(config: Config, times: Times) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = Arc::new(Layout::within(folder.path()));
        store::tree::make_folders(&layout).unwrap();
        let (database, _threads) = Database::open(&layout.db()).unwrap();
        let config = config::Shared::new(config);
        let hub = Hub::default();
        let http = Http::new(&config.current().net).unwrap();
        let rate = http.rate();
        let here = crate::registry::Here {
            host: crate::host::Host::new("a host"),
            scratch: std::env::temp_dir(),
            known: std::env::temp_dir(),
        };
        let registries = Registries::new(database.clone(), http, config.clone(), hub.clone(), here);
        let queue = Queue::new(database.clone(), hub.clone());
        let parts = Parts {
            rate,
            updates: Updates::new(
                config.clone(),
                database.clone(),
                registries.clone(),
                queue.clone(),
                hub.clone(),
                crate::host::Host::new("a host"),
            ),
            registries,
            queue,
            reload: Arc::new(|| {
                Box::pin(async {
                    Ok(packd_wire::ReloadView {
                        changed: vec![],
                        warnings: vec![],
                    })
                })
            }),
            layout,
            config,
            database,
            hub,
        };
        let state = State::with(parts, times, Directory::default(), Started::ByHand);
        Self {
            router: routes::router(&state),
            state,
            folder,
        }
    }

    /// Asks a route as somebody with a role.
    pub(crate) async fn ask_as(&self, role: Role, uid: u32, request: Request<Body>) -> Answered {
        let mut request = request;
        request.extensions_mut().insert(self.caller(role, uid));
        let Ok(response) = self.router.clone().call(request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answered {
            status: parts.status.as_u16(),
            head: format!("{:?}", parts.headers),
            body,
        }
    }

    pub(crate) async fn get(&self, target: &str) -> Answered {
        self.ask_as(
            Role::Admin,
            0,
            Request::get(target).body(Body::empty()).unwrap(),
        )
        .await
    }

    pub(crate) async fn post(&self, target: &str, json: &str) -> Answered {
        self.ask_as(Role::Admin, 0, post(target, json)).await
    }

    pub(crate) fn caller(&self, role: Role, uid: u32) -> Caller {
        let slot = self.state.connections.try_take(uid, Rank::Admin).unwrap();
        let peer = Peer {
            uid,
            pid: Some(1),
            groups: vec![uid],
            user: Some(format!("user{uid}")),
        };
        Caller {
            link: Arc::new(Link::new(peer, Arc::default(), slot)),
            role,
        }
    }

    pub(crate) fn uploads(&self) -> Vec<String> {
        let entries = fs_err::read_dir(self.state.parts.layout.uploads()).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

impl Served {
    pub(crate) fn new() -> Self {
        Self::with(Config::default(), Times::default())
    }

    pub(crate) fn with(config: Config, times: Times) -> Self {
        let daemon = Daemon::with(config, times);
        let listener = UnixListener::bind(daemon.folder.path().join("packd.sock")).unwrap();
        let stop = CancellationToken::new();
        let mut serving = JoinSet::new();
        serving.spawn(serve(
            vec![Opened {
                door: Arc::default(),
                listener,
            }],
            mpsc::channel(1).1,
            daemon.state.clone(),
            Pulse::default(),
            stop.clone(),
        ));
        Self {
            daemon,
            stop,
            serving,
        }
    }

    pub(crate) async fn connect(&self) -> UnixStream {
        UnixStream::connect(self.daemon.folder.path().join("packd.sock"))
            .await
            .unwrap()
    }

    /// Sends bytes on a connection of their own and reads until the other end closes it.
    pub(crate) async fn send(&self, bytes: impl AsRef<[u8]>) -> Vec<u8> {
        let mut stream = self.connect().await;
        // the server may have heard enough before everything is said
        drop(stream.write_all(bytes.as_ref()).await);
        rest(&mut stream).await
    }

    pub(crate) async fn ask(&self, request: &str) -> Answered {
        Answered::parse(&self.send(request).await)
    }

    pub(crate) async fn get(&self, target: &str) -> Answered {
        self.ask(&format!(
            "GET {target} HTTP/1.1\r\nHost: packd\r\nConnection: close\r\n\r\n"
        ))
        .await
    }

    /// Tells the server to stop and waits until it has.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(PATIENCE, self.serving.join_next())
            .await
            .unwrap();
        ended.unwrap().unwrap();
    }
}

impl Answered {
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or_default();
        Self {
            status,
            head: head.to_lowercase(),
            body: body.as_bytes().to_vec(),
        }
    }

    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn problem(&self) -> Problem {
        let problem: Problem = self.json();
        assert_eq!(
            problem.status, self.status,
            "the problem says the status of the response"
        );
        problem
    }
}

pub(crate) fn post(target: &str, json: &str) -> Request<Body> {
    Request::post(target)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(json.to_owned()))
        .unwrap()
}

/// Everything until the other end closes.
pub(crate) async fn rest(stream: &mut UnixStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let reading = stream.read_to_end(&mut bytes);
    tokio::time::timeout(PATIENCE, reading)
        .await
        .expect("the connection is closed in time")
        .expect("and ends, which is not a reset");
    bytes
}
