//! Which way leads to a repository, and whether packd may go it.
//!
//! For HTTP the client decides that, at every hop; for ssh and git's own protocol it is decided here, by the same rules.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::error::GitError;
use super::line::Line;
use super::url::{GitUrl, Scheme};
use super::{Reach, Repository, http, ssh};
use crate::net::{AddressError, NetError, Realm};

/// Where servers of git's own protocol listen.
const GIT_PORT: u16 = 9418;

impl Reach<'_> {
    /// The way to a repository; with it comes, for HTTP, what will be asked for.
    ///
    /// # Errors
    /// [`GitError::Host`], `Http` and `Unreachable`.
    pub(super) async fn line(
        &self,
        repository: &Repository,
    ) -> Result<(Line, Option<http::Asked>), GitError> {
        let url = &repository.url;
        match url.scheme() {
            Scheme::Https | Scheme::Http => {
                let (web, asked) = http::channel();
                return Ok((Line::Web(web), Some(asked)));
            }
            Scheme::File => return Ok((Line::Local, None)),
            Scheme::Ssh | Scheme::Git => {}
        }
        // for HTTP the client does that, at every hop
        if !self.http.allows(url.host()) {
            return Err(GitError::Host {
                host: url.host().to_owned(),
            });
        }
        let line = if url.scheme() == Scheme::Git {
            Line::Tcp(self.addresses(repository, GIT_PORT).await?)
        } else {
            Line::Ssh {
                key: self.git.ssh_key.clone(),
                known_hosts: self.git.known_hosts.clone(),
                at: self.ssh_address(repository).await?,
            }
        };
        Ok((line, None))
    }

    /// Where ssh shall go, if it may not go anywhere: were the name looked up once to be judged and once more by ssh, it
    /// could be another address the second time.
    async fn ssh_address(&self, repository: &Repository) -> Result<Option<IpAddr>, GitError> {
        if repository.realm == Realm::Anywhere {
            return Ok(None);
        }
        let addresses = self.addresses(repository, ssh::PORT).await?;
        // ssh is told of one, so it is found out which of them answers
        let within = self.net.connect_timeout;
        let connected = timeout(within, TcpStream::connect(addresses.as_slice()));
        let peer = connected
            .await
            .unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into()))
            .and_then(|stream| stream.peer_addr());
        let peer = peer.map_err(|error| unreachable(&repository.url, &error))?;
        Ok(Some(peer.ip()))
    }

    async fn addresses(
        &self,
        repository: &Repository,
        usual_port: u16,
    ) -> Result<Vec<SocketAddr>, GitError> {
        let url = &repository.url;
        let port = url.port().unwrap_or(usual_port);
        let found = self.http.addresses(url.bare_host(), port, repository.realm);
        found.await.map_err(|error| match error {
            AddressError::Unknown(error) => unreachable(url, &error),
            AddressError::Private { source } => GitError::Http {
                source: NetError::Route { source },
            },
        })
    }
}

fn unreachable(url: &GitUrl, error: &io::Error) -> GitError {
    GitError::Unreachable {
        host: url.host_and_port(),
        said: error.to_string(),
    }
}

#[cfg(test)]
mod tests;
