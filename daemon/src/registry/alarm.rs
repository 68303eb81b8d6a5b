//! A wait that goes on while the host is suspended, as the timers of the runtime do not: who wakes up in the morning looks
//! at once at what was due in the night.

use std::io::ErrorKind;
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::net::unix::pipe::Receiver;

/// A timer of the kernel; where there is none to be had, one of the runtime.
///
/// The runtime takes it for the reading end of a pipe, which is all that matters of it: it becomes readable, and a read takes
/// that back. What takes any descriptor in tokio is deprecated, and unsafe where it is not.
#[derive(Debug)]
pub(super) struct Alarm(Option<Receiver>);

impl Alarm {
    /// One that is not set. Within a runtime only.
    pub(super) fn new() -> Self {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Boottime, flags)
            .map_err(std::io::Error::from)
            .and_then(Receiver::from_owned_fd_unchecked);
        Self(
            timer
                .inspect_err(|error| {
                    tracing::warn!(%error, "no timer that counts while the host is suspended");
                })
                .ok(),
        )
    }

    /// Waits so long; for ever without a time.
    pub(super) async fn wait(&self, pause: Option<Duration>) {
        let Some(pause) = pause else {
            return std::future::pending().await;
        };
        // a timer that is set to nothing is one that is off
        let pause = pause.max(Duration::from_millis(1));
        if let Some(timer) = &self.0
            && ring(timer, pause).await.is_ok()
        {
            return;
        }
        tokio::time::sleep(pause).await;
    }
}

async fn ring(timer: &Receiver, pause: Duration) -> std::io::Result<()> {
    let zero = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let value = Timespec {
        tv_sec: i64::try_from(pause.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: pause.subsec_nanos().into(),
    };
    let once = Itimerspec {
        it_interval: zero,
        it_value: value,
    };
    timerfd_settime(timer, TimerfdTimerFlags::empty(), &once)?;
    loop {
        timer.readable().await?;
        match timer.try_read(&mut [0; 8]) {
            // it was set anew since it rang
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            read => return read.map(drop),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_rings_when_it_is_time_and_can_be_set_again() {
        let alarm = Alarm::new();
        let begun = std::time::Instant::now();
        tokio::select! {
            () = alarm.wait(Some(Duration::from_hours(1))) => panic!("it rang before its time"),
            () = alarm.wait(None) => panic!("it was never set"),
            () = tokio::task::yield_now() => {}
        }
        for _ in 0..2 {
            alarm.wait(Some(Duration::from_millis(20))).await;
        }
        assert!(begun.elapsed() >= Duration::from_millis(40));
    }
}
