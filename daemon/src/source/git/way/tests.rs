#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::net::Ipv4Addr;

use packd_format::archive::Limits;
use packd_wire::ErrorKind;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::super::cache::Cache;
use super::super::url::Spelled;
use super::*;
use crate::config::{Config, HostPatterns};
use crate::net::Http;

/// Which way is taken to a repository, or why none.
async fn way(text: &str, realm: Realm, trusted: &[&str]) -> Result<Line, GitError> {
    let mut config = Config::default();
    let trusted: Vec<_> = trusted.iter().map(|&host| host.to_owned()).collect();
    config.net.private_hosts = HostPatterns::new(&trusted).unwrap();
    let reach = Reach {
        http: &Http::new(&config.net).unwrap(),
        git: &config.git,
        net: &config.net,
        limits: &Limits::default(),
        min_free: 0,
        cache: &Cache::new("/nonexistent".into()),
        base: None,
        stop: &CancellationToken::new(),
    };
    let repository = Repository {
        url: Spelled::parse(text).unwrap().url,
        headers: Vec::new(),
        allow_http: false,
        realm,
    };
    reach.line(&repository).await.map(|(line, _)| line)
}

#[tokio::test]
async fn what_a_public_registry_names_is_looked_for_at_public_addresses() {
    for source in [
        "git://127.0.0.1/a.git",
        "git://[::1]/a.git",
        "git://localhost/a.git",
        "ssh://git@127.0.0.1/a.git",
        "git@localhost:a.git",
        "ssh://git@[::ffff:10.0.0.1]/a.git",
    ] {
        let error = way(source, Realm::Public, &[]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SourceRefused, "{source}: {error}");
        let hint = error.hint().unwrap_or_default();
        assert!(hint.contains("net.private_hosts"), "{source}: {hint}");
    }
    assert!(matches!(
        way("git://203.0.114.7/a.git", Realm::Public, &[]).await,
        Ok(Line::Tcp(addresses)) if addresses.len() == 1
    ));
}

#[tokio::test]
async fn what_a_person_names_and_hosts_of_the_configuration_may_be_anywhere() {
    for (realm, trusted) in [(Realm::Anywhere, &[][..]), (Realm::Public, &["127.0.0.1"])] {
        let line = way("git://127.0.0.1:9/a.git", realm, trusted).await;
        let Ok(Line::Tcp(addresses)) = line else {
            panic!("{line:?}")
        };
        assert_eq!(addresses, [(Ipv4Addr::LOCALHOST, 9).into()]);
    }
    let line = way("git@localhost:a.git", Realm::Anywhere, &[]).await;
    assert!(
        matches!(line, Ok(Line::Ssh { at: None, .. })),
        "ssh looks it up"
    );

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let source = format!("ssh://git@127.0.0.1:{port}/a.git");
    let line = way(&source, Realm::Public, &["127.0.0.1"]).await;
    let Ok(Line::Ssh { at, .. }) = line else {
        panic!("{line:?}")
    };
    assert_eq!(
        at,
        Some(Ipv4Addr::LOCALHOST.into()),
        "the one that was judged"
    );
}
