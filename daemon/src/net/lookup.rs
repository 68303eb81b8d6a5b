//! From a host's name to the addresses that are connected to, and none but those that may be.
//!
//! The judgement is made here, on the very addresses that the connection then goes to: were a name looked
//! up once to be judged and once more to connect, it could be another address the second time.

use std::collections::HashMap;
use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::{Realm, is_public};
use crate::config::HostPatterns;

/// How many names are remembered.
const REMEMBERED: usize = 256;

/// Looks names up for one client.
#[derive(Debug, Clone)]
pub(super) struct Lookup {
    realm: Realm,
    /// Hosts for which it does not matter.
    trusted: Arc<HostPatterns>,
    given: Given,
}

/// What names were found to be. Only names that are connected to directly are looked up, so what is not in
/// here was reached through a proxy.
#[derive(Debug, Clone, Default)]
pub(super) struct Given(Arc<Mutex<HashMap<String, Vec<IpAddr>>>>);

impl Given {
    /// Whether this name was found to be at this address.
    pub(super) fn has(&self, host: &str, address: IpAddr) -> bool {
        let given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        given
            .get(&host.to_ascii_lowercase())
            .is_some_and(|all| all.contains(&address))
    }

    fn put(&self, host: &str, addresses: Vec<IpAddr>) {
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if given.len() >= REMEMBERED {
            given.clear();
        }
        given.insert(host.to_ascii_lowercase(), addresses);
    }
}

/// Every address of a name is one that may not be connected to.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{host}` is at {address}, which is no public address")]
pub(super) struct NotPublic {
    pub(super) host: String,
    pub(super) address: IpAddr,
}

impl Lookup {
    pub(super) fn new(realm: Realm, trusted: Arc<HostPatterns>, given: Given) -> Self {
        Self {
            realm,
            trusted,
            given,
        }
    }

    /// The addresses of `all` that may be connected to, which are remembered.
    fn choose(&self, host: &str, all: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, NotPublic> {
        let chosen = choose(self.realm, &self.trusted, host, all)?;
        let addresses = chosen.iter().map(SocketAddr::ip).collect();
        self.given.put(host, addresses);
        Ok(chosen)
    }
}

/// The addresses of `all` that may be connected to.
pub(super) fn choose(
    realm: Realm,
    trusted: &HostPatterns,
    host: &str,
    all: Vec<SocketAddr>,
) -> Result<Vec<SocketAddr>, NotPublic> {
    if realm == Realm::Anywhere || trusted.has(host) {
        return Ok(all);
    }
    let refused = all.iter().map(SocketAddr::ip).find(|ip| !is_public(*ip));
    let public: Vec<_> = all.into_iter().filter(|at| is_public(at.ip())).collect();
    match refused {
        Some(address) if public.is_empty() => {
            let host = host.to_owned();
            Err(NotPublic { host, address })
        }
        _ => Ok(public),
    }
}

impl Resolve for Lookup {
    fn resolve(&self, name: Name) -> Resolving {
        let lookup = self.clone();
        Box::pin(async move {
            let host = name.as_str();
            // the port is put in by who connects
            let all: Vec<_> = tokio::net::lookup_host((host, 0)).await?.collect();
            let chosen = lookup
                .choose(host, all)
                .map_err(Box::<dyn Error + Send + Sync>::from)?;
            Ok(Box::new(chosen.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    fn lookup(realm: Realm) -> Lookup {
        let trusted = HostPatterns::new(&["*.corp.example".to_owned()]).unwrap();
        Lookup::new(realm, trusted.into(), Given::default())
    }

    fn at(addresses: &[&str]) -> Vec<SocketAddr> {
        let parse = |address: &&str| SocketAddr::new(address.parse().unwrap(), 0);
        addresses.iter().map(parse).collect()
    }

    #[test]
    fn a_public_server_leads_to_public_addresses_of_a_name_only() {
        let public = lookup(Realm::Public);
        let chosen = public.choose("mixed.example", at(&["10.0.0.1", "1.1.1.1"]));
        assert_eq!(chosen.unwrap(), at(&["1.1.1.1"]), "the other is left out");
        let error = public.choose("evil.example", at(&["127.0.0.1", "::1"]));
        assert_eq!(error.unwrap_err().address, at(&["127.0.0.1"])[0].ip());
        assert!(
            !public.given.has("evil.example", at(&["127.0.0.1"])[0].ip()),
            "it was not connected to"
        );
        let trusted = public.choose("nexus.corp.example", at(&["10.0.0.1"]));
        assert_eq!(trusted.unwrap(), at(&["10.0.0.1"]), "the operator says so");
        let anywhere = lookup(Realm::Anywhere);
        let chosen = anywhere.choose("box.example", at(&["127.0.0.1"]));
        assert_eq!(chosen.unwrap(), at(&["127.0.0.1"]));
        assert!(
            anywhere
                .given
                .has("BOX.example", at(&["127.0.0.1"])[0].ip())
        );
    }
}
