//! A network that misbehaves: a TCP relay before a site, which stalls or cuts.
//!
//! nginx cannot stop in the middle of a body and go on when told to. The relay
//! does not look into what it carries, so TLS passes through it.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread::{self, JoinHandle},
};

use super::{process::PATIENCE, site::Site};

/// What happens to bytes on their way to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plan {
    /// They pass.
    Pass,
    /// After so many, a connection stands still until it is released.
    StallAfter(usize),
    /// After so many, a connection ends.
    CutAfter(usize),
}

#[derive(Debug)]
struct State {
    plan: Plan,
    stalled: usize,
    connections: usize,
    stopping: bool,
    streams: Vec<TcpStream>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

/// The relay.
#[derive(Debug)]
pub struct Fault {
    port: u16,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl Fault {
    /// A relay before a site, which lets everything pass for now.
    #[must_use]
    pub fn before(site: &Site) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = State {
            plan: Plan::Pass,
            stalled: 0,
            connections: 0,
            stopping: false,
            streams: Vec::new(),
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        let target = site.port();
        let acceptor = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, target, &shared)
        });
        Self {
            port,
            shared,
            acceptor: Some(acceptor),
        }
    }

    /// The https URL of a path of the site, through the relay.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}/{path}", self.port)
    }

    /// Lets each connection carry so many bytes to the client, then nothing.
    #[must_use]
    pub fn stall_after(self, bytes: usize) -> Self {
        self.shared.lock().plan = Plan::StallAfter(bytes);
        self
    }

    /// Lets each connection carry so many bytes to the client, then ends it.
    #[must_use]
    pub fn cut_after(self, bytes: usize) -> Self {
        self.shared.lock().plan = Plan::CutAfter(bytes);
        self
    }

    /// Waits until so many connections stand still.
    pub fn wait_until_stalled(&self, connections: usize) {
        let (state, waited) = self
            .shared
            .changed
            .wait_timeout_while(self.shared.lock(), PATIENCE, |state| {
                state.stalled < connections
            })
            .unwrap();
        assert!(
            !waited.timed_out(),
            "nothing stalled; {} connections",
            state.connections
        );
    }

    /// Lets everything pass from now on, also what stands still.
    pub fn release(&self) {
        let mut state = self.shared.lock();
        state.plan = Plan::Pass;
        state.stalled = 0;
        self.shared.changed.notify_all();
    }

    /// How many connections were made so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.lock().connections
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        {
            let mut state = self.shared.lock();
            state.stopping = true;
            for stream in &state.streams {
                let _already_closed = stream.shutdown(Shutdown::Both);
            }
        }
        self.shared.changed.notify_all();
        let _wakes_the_acceptor = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.join().unwrap();
        }
    }
}

fn accept(listener: &TcpListener, target: u16, shared: &Arc<Shared>) {
    let mut carriers = Vec::new();
    for client in listener.incoming() {
        let client = client.unwrap();
        let mut state = shared.lock();
        if state.stopping {
            break;
        }
        state.connections += 1;
        // a site that is down refuses; so does the relay, by hanging up
        let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)) else {
            continue;
        };
        state
            .streams
            .extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
        drop(state);
        carriers.push(thread::spawn({
            let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            move || carry(from, to, |_| Step::Go)
        }));
        carriers.push(thread::spawn({
            let shared = Arc::clone(shared);
            move || carry(server, client, |sent| next(&shared, sent))
        }));
    }
    for carrier in carriers {
        carrier.join().unwrap();
    }
}

/// What a carrier does with the next bytes.
enum Step {
    /// Carry as many as there are.
    Go,
    /// Carry at most so many, and ask again.
    AtMost(usize),
    /// Hang up.
    End,
}

/// Decides after `sent` bytes; a stall is waited out in here.
fn next(shared: &Shared, sent: usize) -> Step {
    let mut state = shared.lock();
    let mut counted = false;
    loop {
        match state.plan {
            _ if state.stopping => return Step::End,
            Plan::Pass => return Step::Go,
            Plan::StallAfter(most) | Plan::CutAfter(most) if sent < most => {
                return Step::AtMost(most - sent);
            }
            Plan::CutAfter(_) => return Step::End,
            Plan::StallAfter(_) => {
                if !counted {
                    state.stalled += 1;
                    counted = true;
                    shared.changed.notify_all();
                }
                state = shared.changed.wait(state).unwrap();
            }
        }
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, next: impl Fn(usize) -> Step) {
    let mut buffer = vec![0; 16 * 1024];
    let mut sent = 0;
    loop {
        let most = match next(sent) {
            Step::Go => buffer.len(),
            Step::AtMost(most) => most.min(buffer.len()),
            Step::End => break,
        };
        // either end may hang up at any time: that is the end of the carrying
        let Ok(read @ 1..) = from.read(&mut buffer[..most]) else {
            break;
        };
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
        sent += read;
    }
    let _already_closed = from.shutdown(Shutdown::Both);
    let _already_closed = to.shutdown(Shutdown::Both);
}
