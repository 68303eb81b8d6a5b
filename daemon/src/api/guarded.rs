//! A connection that cannot be held by a client that is slow on purpose.
//!
//! Wraps the socket under hyper. A head has to be complete a fixed time after its first byte (the
//! first one: after the connection was accepted), and a client that does not take what is written to
//! it is dropped. Idle time between requests is hyper's to watch, the time of a body its reader's.
//! When hyper has said the last word in the middle of a request, the client gets time to hear it; and if
//! hyper said it without asking us, it is put into the form of all the others ([`bare`]).

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::bare;
use super::closing::Linger;
use super::framing::Framing;

/// A socket with deadlines.
#[derive(Debug)]
pub(crate) struct Guarded<S> {
    inner: S,
    framing: Framing,
    conflict: Arc<AtomicBool>,
    head: Deadline,
    write: Deadline,
    /// How long a client that is still talking may take to hear the last word.
    patience: Duration,
    linger: Option<Linger>,
    seen_any: bool,
    /// What is still to be written in place of something that counts as written.
    instead: Vec<u8>,
}

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For a head.
    pub(crate) head: Duration,
    /// To take what is written to it.
    pub(crate) write: Duration,
    /// To hear the last word.
    pub(crate) linger: Duration,
}

/// A time by which something has to have happened, while it is set.
#[derive(Debug)]
struct Deadline {
    after: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl<S> Guarded<S> {
    /// Guards `inner`. `conflict` becomes true when a head gives the length of its body in two ways.
    pub(crate) fn new(inner: S, patience: Patience, conflict: Arc<AtomicBool>) -> Self {
        let mut head = Deadline {
            after: patience.head,
            sleep: None,
        };
        head.set();
        Self {
            inner,
            framing: Framing::default(),
            conflict,
            head,
            write: Deadline {
                after: patience.write,
                sleep: None,
            },
            patience: patience.linger,
            linger: None,
            seen_any: false,
            instead: Vec::new(),
        }
    }

    fn arrived(&mut self, bytes: &[u8]) {
        let was_in_head = self.framing.in_head() || !self.seen_any;
        self.seen_any = true;
        self.framing.feed(bytes);
        if self.framing.has_conflict() {
            self.conflict.store(true, Ordering::Relaxed);
        }
        if !self.framing.in_head() {
            self.head.clear();
        } else if !was_in_head {
            self.head.set();
        }
    }
}

impl Deadline {
    fn set(&mut self) {
        self.sleep = Some(Box::pin(tokio::time::sleep_until(
            Instant::now() + self.after,
        )));
    }

    fn clear(&mut self) {
        self.sleep = None;
    }

    /// Whether it is over; otherwise wakes the task when it will be.
    fn poll_over(&mut self, cx: &mut Context<'_>) -> bool {
        self.sleep
            .as_mut()
            .is_some_and(|sleep| sleep.as_mut().poll(cx).is_ready())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        match Pin::new(&mut this.inner).poll_read(cx, buf) {
            Poll::Ready(Ok(())) => {
                let arrived = &buf.filled()[before..];
                if arrived.is_empty() {
                    return Poll::Ready(Ok(()));
                }
                let is_first = !this.seen_any;
                this.arrived(arrived);
                if is_first && arrived.starts_with(bare::HTTP_2) {
                    // for hyper the client has nothing to say, and for the client this is the last word
                    this.instead = bare::to_http_2();
                    buf.set_filled(before);
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending if this.head.poll_over(cx) => {
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncWrite + Unpin> Guarded<S> {
    /// Holds a write that makes no progress to its deadline.
    fn written<T>(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.write.clear();
            return result;
        }
        if self.write.sleep.is_none() {
            self.write.set();
        }
        if self.write.poll_over(cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> Guarded<S> {
    /// Writes what is to be written in place of something else.
    fn poll_instead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.instead.is_empty() {
            let result = Pin::new(&mut self.inner).poll_write(cx, &self.instead);
            match ready!(self.written(cx, result))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => drop(self.instead.drain(..count)),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_instead(cx))?;
        if let Some(instead) = bare::instead_of(bytes) {
            this.instead = instead;
            return Poll::Ready(Ok(bytes.len()));
        }
        let result = Pin::new(&mut this.inner).poll_write(cx, bytes);
        this.written(cx, result)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // the last word comes alone
        if let [only] = slices {
            return self.poll_write(cx, only);
        }
        let this = self.get_mut();
        ready!(this.poll_instead(cx))?;
        let result = Pin::new(&mut this.inner).poll_write_vectored(cx, slices);
        this.written(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_instead(cx))?;
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_instead(cx))?;
        let linger = if let Some(linger) = &mut this.linger {
            linger
        } else {
            ready!(Pin::new(&mut this.inner).poll_shutdown(cx))?;
            if this.framing.is_between() {
                return Poll::Ready(Ok(()));
            }
            this.linger.insert(Linger::new(this.patience))
        };
        linger.poll(&mut this.inner, cx).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const HEAD: Duration = Duration::from_secs(5);
    const LINGER: Duration = Duration::from_secs(2);

    fn guarded(bytes: usize) -> (Guarded<tokio::io::DuplexStream>, tokio::io::DuplexStream) {
        let (ours, theirs) = duplex(bytes);
        let patience = Patience {
            head: HEAD,
            write: Duration::from_secs(30),
            linger: LINGER,
        };
        (Guarded::new(ours, patience, Arc::default()), theirs)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_says_nothing_is_dropped() {
        let (mut ours, _theirs) = guarded(64);
        let error = ours.read_u8().await.unwrap_err();
        assert_eq!(
            error.kind(),
            io::ErrorKind::TimedOut,
            "nothing came in time"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_trickles_is_dropped_however_steadily() {
        let (mut ours, mut theirs) = guarded(64);
        let began = Instant::now();
        let trickle = async {
            for byte in b"GET / HTTP/1.1\r\nHost: packd\r\n" {
                theirs.write_u8(*byte).await.unwrap();
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let reading = async {
            loop {
                if let Err(error) = ours.read_u8().await {
                    return error;
                }
            }
        };
        let error = tokio::select! {
            error = reading => error,
            () = trickle => unreachable!("the whole head was taken"),
        };
        assert_eq!(
            error.kind(),
            io::ErrorKind::TimedOut,
            "the head has one deadline"
        );
        assert_eq!(began.elapsed(), HEAD, "which no byte moves");
    }

    #[tokio::test(start_paused = true)]
    async fn idle_time_and_bodies_are_not_this_ones_business() {
        let (mut ours, mut theirs) = guarded(256);
        theirs
            .write_all(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{")
            .await
            .unwrap();
        let mut buffer = [0; 256];
        assert!(
            ours.read(&mut buffer).await.unwrap() > 0,
            "the head is taken"
        );
        let slow = tokio::time::timeout(HEAD * 3, ours.read_u8()).await;
        assert!(slow.is_err(), "a slow body is still waited for");
        theirs.write_all(b"}").await.unwrap();
        ours.read_u8().await.unwrap();
        let idle = tokio::time::timeout(HEAD * 3, ours.read_u8()).await;
        assert!(idle.is_err(), "and so is the next request");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_dropped() {
        let (mut ours, _theirs) = guarded(4);
        let error = ours.write_all(b"more than four bytes").await.unwrap_err();
        assert_eq!(
            error.kind(),
            io::ErrorKind::TimedOut,
            "the write has a deadline"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_client_that_is_still_talking_is_waited_for_at_the_end() {
        for (said, waited) in [
            ("", Duration::ZERO),
            ("GET / HTTP/1.1\r\n\r\n", Duration::ZERO),
            ("GET / HT", LINGER),
            ("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{", LINGER),
        ] {
            let (mut ours, mut theirs) = guarded(256);
            theirs.write_all(said.as_bytes()).await.unwrap();
            let mut heard = vec![0; said.len()];
            ours.read_exact(&mut heard).await.unwrap();
            let began = Instant::now();
            ours.shutdown().await.unwrap();
            assert_eq!(began.elapsed(), waited, "after {said:?}");
        }
    }
}
