#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use packd_wire::{ErrorKind, EventKind, RegistryState};
use tokio_util::sync::CancellationToken;

use super::scene::*;
use super::*;
use crate::config::{Config, RefPatterns, Trust};
use crate::net::loopback::Loopback;

mod lookup;
mod refresh;
mod search;
