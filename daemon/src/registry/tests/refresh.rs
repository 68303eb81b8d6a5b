//! What is fetched, what is kept, and what is said about it.

use super::*;

/// A server that has one index, with an `ETag`, and answers 304 to those who know it.
fn with_etag(index: String) -> Loopback {
    Loopback::start(move |asked, stream| {
        if asked.header("if-none-match") == Some("\"one\"") {
            return write!(
                stream,
                "HTTP/1.1 304 Not Modified\r\nETag: \"one\"\r\nConnection: close\r\n\r\n"
            );
        }
        let length = index.len();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nETag: \"one\"\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{index}"
        )
    })
}

/// A server that gives these answers one after the other, the last of them for ever.
fn in_turn(answers: Vec<(u16, String)>) -> Loopback {
    let turn = AtomicUsize::new(0);
    Loopback::start(move |_, stream| {
        let turn = turn.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        let (status, body) = &answers[turn];
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
    })
}

#[tokio::test]
async fn an_unchanged_index_costs_a_304() {
    let server = with_etag(index(&["slack@1.0.0", "jira@2.0.0"]));
    let mut scene = Scene::new(vec![at(&server, "main")]);
    assert_eq!(
        scene.view("main").await.health.state,
        RegistryState::Unknown
    );
    for _ in 0..3 {
        assert!(
            scene.registries.refresh(&[]).await.unwrap().is_empty(),
            "nothing fails"
        );
    }
    let asked = server.asked();
    assert_eq!(asked[0].header("if-none-match"), None);
    assert_eq!(asked[2].header("if-none-match"), Some("\"one\""));
    assert_eq!(
        scene.told(),
        [EventKind::RegistryRefreshed],
        "what did not change is not told again"
    );
    let view = scene.view("main").await;
    assert_eq!((view.packs, view.health.state), (2, RegistryState::Ok));
    assert!(view.health.next_refresh.is_some(), "it is asked again");
    assert_eq!(
        scene.answer("jira").await,
        "main 2.0.0",
        "the cache answers"
    );
    scene.end();
}

#[tokio::test]
async fn an_index_without_validators_is_compared() {
    let packs = index(&["slack@1.0.0"]);
    let newer = index(&["slack@1.1.0", "jira@1.0.0"]);
    let server = in_turn(vec![(200, packs.clone()), (200, packs), (200, newer)]);
    let mut scene = Scene::new(vec![at(&server, "main")]);
    scene.registries.refresh(&[]).await.unwrap();
    scene.registries.refresh(&[]).await.unwrap();
    assert_eq!(scene.told(), [EventKind::RegistryRefreshed]);
    scene
        .registries
        .refresh(&["main".to_owned()])
        .await
        .unwrap();
    assert_eq!(scene.told(), [EventKind::RegistryRefreshed]);
    assert_eq!(scene.answer("slack").await, "main 1.1.0");
    scene.end();
}

#[tokio::test]
async fn packs_that_left_the_index_leave_the_cache() {
    let server = in_turn(vec![
        (200, index(&["slack@1.0.0", "jira@1.0.0"])),
        (200, index(&["slack@1.0.0"])),
    ]);
    let scene = Scene::new(vec![at(&server, "main")]);
    scene.registries.refresh(&[]).await.unwrap();
    scene.registries.refresh(&[]).await.unwrap();
    assert_eq!(
        scene.find("jira").await.unwrap_err().kind(),
        ErrorKind::PackNotFound
    );
    assert_eq!(scene.view("main").await.packs, 1);
    scene.end();
}

#[tokio::test]
async fn a_failure_keeps_the_last_good_index_and_says_its_age() {
    let good = index(&["slack@1.0.0"]);
    for (status, body, kind) in [
        (500, "down", ErrorKind::RegistryUnreachable),
        (404, "gone", ErrorKind::FetchRefused),
        (401, "who?", ErrorKind::RegistryUnauthorized),
        (200, "<html>", ErrorKind::RegistryMalformed),
        (200, r#"{"packs": 7}"#, ErrorKind::RegistryMalformed),
        (200, r#"{"packs": [7, 8]}"#, ErrorKind::RegistryMalformed),
    ] {
        let server = in_turn(vec![(200, good.clone()), (status, body.to_owned())]);
        let mut scene = Scene::new(vec![at(&server, "main")]);
        scene.registries.refresh(&[]).await.unwrap();
        for _ in 0..2 {
            let failed = scene.registries.refresh(&[]).await.unwrap();
            assert_eq!(failed[0].kind(), kind, "{status} {body}");
        }
        let told = scene.told();
        assert_eq!(
            told,
            [EventKind::RegistryRefreshed, EventKind::RegistryFailed],
            "told once"
        );
        let health = scene.view("main").await.health;
        assert_eq!(
            (health.state, health.error_kind),
            (RegistryState::Stale, Some(kind))
        );
        assert_eq!(health.consecutive_failures, 2);
        assert!(
            health.age_seconds.is_some(),
            "the age of what is cached is known"
        );
        let offer = scene.find("slack").await.unwrap();
        assert!(
            offer.warnings[0].starts_with("registry `main` could not be asked"),
            "{:?}",
            offer.warnings
        );
        assert!(offer.warnings[0].contains(" ago"), "{:?}", offer.warnings);
        scene.end();
    }
}

#[tokio::test]
async fn a_registry_that_comes_back_is_told() {
    let good = index(&["slack@1.0.0"]);
    let server = in_turn(vec![(503, String::new()), (200, good)]);
    let mut scene = Scene::new(vec![at(&server, "main")]);
    assert_eq!(scene.registries.refresh(&[]).await.unwrap().len(), 1);
    assert_eq!(scene.view("main").await.health.state, RegistryState::Failed);
    assert!(
        scene.registries.refresh(&[]).await.unwrap().is_empty(),
        "it is back"
    );
    let health = scene.view("main").await.health;
    assert_eq!(
        (health.state, health.consecutive_failures, health.error),
        (RegistryState::Ok, 0, None)
    );
    assert_eq!(
        scene.told(),
        [EventKind::RegistryFailed, EventKind::RegistryRefreshed]
    );
    scene.end();
}

#[tokio::test]
async fn one_bad_entry_is_left_out_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let good = index(&["slack@1.0.0"]);
    let text = good.replace(
        "\"packs\": [",
        "\"packs\": [\n{\"ref\": \"../x\", \"version\": \"1.0.0\"},\n",
    );
    let scene = Scene::new(vec![filed(folder.path(), "main", &text)]);
    assert_eq!(scene.answer("slack").await, "main 1.0.0");
    let view = scene.view("main").await;
    assert_eq!((view.packs, view.problems.len()), (1, 1));
    assert!(
        view.problems[0].starts_with("packs[0] `../x`, line 2: "),
        "{:?}",
        view.problems
    );
    scene.end();
}

#[tokio::test]
async fn an_index_larger_than_allowed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = index(&["slack@1.0.0"]);
    let server = Loopback::serving(text.clone().into_bytes());
    let scene = Scene::new(vec![
        filed(folder.path(), "file", &text),
        at(&server, "http"),
    ]);
    let mut config = Config::clone(&scene.shared.current());
    config.limits.index_bytes = crate::config::ByteSize::new(64);
    drop(scene.shared.replace(config));
    let failed = scene.registries.refresh(&[]).await.unwrap();
    assert_eq!(failed.len(), 2);
    assert_eq!(failed[0].kind(), ErrorKind::LimitExceeded);
    scene.end();
}

#[tokio::test]
async fn a_file_that_is_none_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let registry = filed(folder.path(), "main", "");
    let path = registry.url.to_file_path().unwrap();
    fs_err::remove_file(&path).unwrap();
    let scene = Scene::new(vec![registry]);
    let failed = scene.registries.refresh(&[]).await.unwrap();
    assert_eq!(failed[0].kind(), ErrorKind::FetchRefused, "no such file");
    assert!(
        failed[0].hint().unwrap().contains("`url`"),
        "what is to be changed is named"
    );
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR).unwrap();
    let failed = scene.registries.refresh(&[]).await.unwrap();
    assert_eq!(failed[0].kind(), ErrorKind::FetchRefused, "a pipe");
    scene.end();
}

#[tokio::test]
async fn the_cache_of_another_url_is_no_cache() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::new(vec![filed(folder.path(), "main", &index(&["slack@1.0.0"]))]);
    assert_eq!(scene.answer("slack").await, "main 1.0.0");
    let moved = nowhere("main").url;
    scene.reconfigure(|registries| {
        registries[0].url = moved;
        registries[0].allow_http = true;
    });
    assert_eq!(
        scene.view("main").await.health.state,
        RegistryState::Unknown
    );
    assert_eq!(
        scene.find("slack").await.unwrap_err().kind(),
        ErrorKind::RegistryUnreachable
    );
    let error = scene.registries.search("slack", None, 10).await;
    assert_eq!(
        error.unwrap_err().kind(),
        ErrorKind::RegistryUnreachable,
        "nobody could be asked: that nothing was found would be no answer"
    );
    scene.end();
}

/// Twenty at once, while the first request is held back: one repeats it, the others share what it finds.
#[tokio::test]
async fn those_who_wait_share_one_refresh() {
    let (open, closed) = std::sync::mpsc::channel::<()>();
    let closed = Mutex::new(closed);
    let body = index(&["slack@1.0.0"]);
    let server = Loopback::start(move |_, stream| {
        // ends with the first message or with the sender
        let _closed = closed.lock().unwrap().recv();
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
    });
    let scene = Scene::new(vec![at(&server, "main")]);
    let all = (0..20).map(|_| scene.registries.refresh(&[]));
    let (results, ()) = tokio::join!(futures_util::future::join_all(all), async {
        while server.asked().is_empty() {
            tokio::task::yield_now().await;
        }
        drop(open);
    });
    assert!(
        results.into_iter().all(|result| result.unwrap().is_empty()),
        "every one succeeds"
    );
    assert_eq!(server.asked().len(), 2);
    scene.end();
}

#[tokio::test]
async fn the_watcher_refreshes_what_is_due_and_follows_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let second = filed(folder.path(), "second", &index(&["jira@1.0.0"]));
    let mut scene = Scene::new(vec![filed(
        folder.path(),
        "first",
        &index(&["slack@1.0.0"]),
    )]);
    let stop = CancellationToken::new();
    let mut watching = tokio::task::JoinSet::new();
    watching.spawn(scene.registries.clone().run(stop.clone()));
    let first = scene.events.recv().await.unwrap();
    assert_eq!(first.kind, EventKind::RegistryRefreshed);
    scene.reconfigure(|registries| registries.push(second));
    let next = scene.events.recv().await.unwrap();
    assert!(
        String::from_utf8_lossy(&next.json).contains("\"second\""),
        "the new one is refreshed"
    );
    stop.cancel();
    watching.join_next().await.unwrap().unwrap();
    scene.end();
}

/// A watcher that is in the middle of a download ends at once.
#[tokio::test]
async fn the_watcher_ends_in_the_middle_of_a_refresh() {
    let server = Loopback::stalling("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
    let scene = Scene::new(vec![at(&server, "main")]);
    let stop = CancellationToken::new();
    let (ended, ()) = tokio::join!(
        tokio::time::timeout(
            Duration::from_secs(5),
            scene.registries.clone().run(stop.clone())
        ),
        async {
            while server.asked().is_empty() {
                tokio::task::yield_now().await;
            }
            stop.cancel();
        }
    );
    assert!(ended.is_ok(), "it does not wait for the server");
    scene.end();
}

/// What a registry with a header that refers to nothing, or a server that refuses, is blamed for.
#[tokio::test]
async fn a_failure_that_stays_is_of_no_kind_that_asks_for_a_retry() {
    let server = Loopback::serving(index(&["slack@1.0.0"]).into_bytes());
    let mut unset = at(&server, "unset");
    let header = crate::config::Secret::parse("Bearer ${env:PACKD_TEST_IS_NOT_SET}").unwrap();
    unset.headers.insert("authorization".to_owned(), header);
    let gone = in_turn(vec![(404, String::new())]);
    let scene = Scene::new(vec![unset, at(&gone, "gone")]);
    let failed = scene.registries.refresh(&[]).await.unwrap();
    for (failure, kind, hint) in [
        (&failed[0], ErrorKind::InvalidConfig, "`headers`"),
        (&failed[1], ErrorKind::FetchRefused, "`url`"),
    ] {
        assert_eq!(failure.kind(), kind);
        assert_eq!(kind.exit(), packd_wire::Exit::Failed);
        assert!(!failure.is_transient(), "{failure}");
        assert!(failure.hint().unwrap().contains(hint), "{failure}");
    }
    let health = scene.view("gone").await.health;
    assert_eq!(health.error_kind, Some(ErrorKind::FetchRefused));
    assert_eq!(health.hint, failed[1].hint(), "it is kept with the failure");

    let error = scene.find("slack").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(
        !error.hint().unwrap().contains("later"),
        "later it is the same: {:?}",
        error.hint()
    );
    scene.end();
}

/// A host that was away for long asks at a moment of its own, and not at the moment it comes back.
#[tokio::test]
async fn what_was_due_while_nobody_was_there_is_put_off_for_a_moment() {
    let server = with_etag(index(&["slack@1.0.0"]));
    let scene = Scene::new(vec![at(&server, "main")]);
    scene.registries.refresh(&[]).await.unwrap();
    let long_ago = "2020-01-01T00:00:00Z";
    let registry = scene.shared.current().registries[0].clone();
    let mut row = scene.registries.cached(&registry).await.unwrap();
    row.next_refresh = Some(long_ago.to_owned());
    let write = move |tx: &store::Tx<'_>| store::index::put(tx, &row);
    scene.registries.inner.database.write(write).await.unwrap();

    let stop = CancellationToken::new();
    let put_off = async {
        loop {
            let next = scene.view("main").await.health.next_refresh.unwrap();
            if next != long_ago {
                break time::until(&next);
            }
            tokio::task::yield_now().await;
        }
    };
    let left = tokio::select! {
        () = scene.registries.clone().run(stop.clone()) => panic!("nobody stops it"),
        left = tokio::time::timeout(Duration::from_secs(20), put_off) => left.unwrap(),
    };
    assert!(left <= Duration::from_mins(10), "{left:?}");
    assert_eq!(server.asked().len(), 1, "it was not asked again yet");
    scene.end();
}

/// An index that is not sent is not read: its entries stay as they are, whatever they are.
#[tokio::test]
async fn a_304_reads_nothing() {
    let server = with_etag(index(&["slack@1.0.0"]));
    let scene = Scene::new(vec![at(&server, "main")]);
    scene.registries.refresh(&[]).await.unwrap();
    // what a reading of the index would bring back
    let forget = |tx: &store::Tx<'_>| store::index::remove_entries(tx, "main");
    scene.registries.inner.database.write(forget).await.unwrap();
    scene.registries.refresh(&[]).await.unwrap();
    let registry = scene.shared.current().registries[0].clone();
    let slack = "slack".parse().unwrap();
    let entry = scene.registries.entry(&registry, &slack);
    assert!(entry.await.unwrap().is_none(), "nothing was read");
    assert_eq!(server.asked().len(), 2);
    scene.end();
}
