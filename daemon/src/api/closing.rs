//! The end of a connection whose client still talks.
//!
//! A socket that is closed while bytes lie unread in it is reset, and the client gets an error about
//! the connection in place of the answer that it was sent. So the write side is closed first, and what
//! still comes is read and forgotten: until the client has heard the answer and hangs up, for a bounded
//! time and up to a bounded number of bytes.

use std::future::poll_fn;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWriteExt as _, ReadBuf};
use tokio::net::UnixStream;
use tokio::time::Sleep;

/// The most bytes that are read only to be forgotten.
const MOST: usize = 16 << 20;
/// The most that are read at once.
const PIECE: usize = 16 * 1024;
/// The most bytes that are read of a client that is not waited for: more than a socket holds.
const AT_ONCE: usize = 512 * 1024;

/// Listens to what nobody wants to hear, until that is enough.
#[derive(Debug)]
pub(crate) struct Linger {
    until: Pin<Box<Sleep>>,
    left: usize,
    piece: Box<[u8]>,
}

impl Linger {
    /// Listens for this long at most.
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            until: Box::pin(tokio::time::sleep(patience)),
            left: MOST,
            piece: vec![0; PIECE].into(),
        }
    }

    /// Ready when the client has hung up, or has had its chance.
    pub(crate) fn poll<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        while self.left > 0 {
            let mut piece = ReadBuf::new(&mut self.piece);
            match Pin::new(&mut *stream).poll_read(cx, &mut piece) {
                Poll::Ready(Ok(())) if piece.filled().is_empty() => break,
                Poll::Ready(Ok(())) => self.left = self.left.saturating_sub(piece.filled().len()),
                Poll::Ready(Err(_)) => break,
                Poll::Pending => return self.until.as_mut().poll(cx),
            }
        }
        Poll::Ready(())
    }
}

/// Says the last word on a connection and waits, for so long at most, until it was heard.
pub(crate) async fn say(mut stream: UnixStream, word: &[u8], patience: Duration) {
    let saying = async {
        stream.write_all(word).await?;
        stream.shutdown().await
    };
    // a client that does not listen needs no answer
    if let Ok(Ok(())) = tokio::time::timeout(patience, saying).await {
        let mut linger = Linger::new(patience);
        poll_fn(|cx| linger.poll(&mut stream, cx)).await;
    }
}

/// Says the last word and closes without waiting for anything. A client that has sent its request
/// already gets to read it; one that is about to may not.
pub(crate) fn say_at_once(stream: UnixStream, word: &[u8]) {
    // one that cannot be taken from the runtime, or does not listen, is only closed
    let Ok(mut stream) = stream.into_std() else {
        return;
    };
    let said = stream
        .write_all(word)
        .and_then(|()| stream.shutdown(Shutdown::Write));
    if said.is_err() {
        return;
    }
    let (mut left, mut piece) = (AT_ONCE, [0; PIECE]);
    while left > 0
        && let Ok(read @ 1..) = stream.read(&mut piece)
    {
        left = left.saturating_sub(read);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use tokio::io::AsyncReadExt as _;

    use super::*;

    const WORD: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\n\r\n";
    const PATIENCE: Duration = Duration::from_secs(5);

    /// Everything up to the end, which is no reset.
    async fn heard(stream: &mut UnixStream) -> Vec<u8> {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        bytes
    }

    #[tokio::test]
    async fn who_asked_before_the_end_hears_the_answer_and_no_reset() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        say_at_once(ours, WORD);
        assert_eq!(heard(&mut theirs).await, WORD, "the word, and then an end");
    }

    #[tokio::test]
    async fn who_is_still_talking_is_heard_out() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let talking = async {
            // more than the socket holds, so that this ends only when somebody reads
            theirs.write_all(&vec![b'x'; 4 << 20]).await.unwrap();
            let heard = heard(&mut theirs).await;
            drop(theirs);
            heard
        };
        let (heard, ()) = tokio::join!(talking, say(ours, WORD, PATIENCE));
        assert_eq!(heard, WORD, "the word, and then an end");
    }

    #[tokio::test(start_paused = true)]
    async fn who_never_hangs_up_is_waited_for_once() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let began = tokio::time::Instant::now();
        say(ours, WORD, PATIENCE).await;
        assert_eq!(began.elapsed(), PATIENCE, "the patience has an end");
        drop(theirs);
    }

    #[tokio::test]
    async fn who_never_stops_talking_is_cut_off() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let talking = async {
            let piece = vec![b'x'; 1 << 20];
            let mut sent = 0;
            while theirs.write_all(&piece).await.is_ok() {
                sent += piece.len();
            }
            sent
        };
        let (sent, ()) = tokio::join!(talking, say(ours, WORD, Duration::from_hours(1)));
        assert!(
            (MOST - (1 << 20)..MOST + (4 << 20)).contains(&sent),
            "{sent} bytes were taken"
        );
    }
}
