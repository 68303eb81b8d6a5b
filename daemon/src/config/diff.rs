//! What a reload changes.

use super::Config;
use super::section::Section;

/// The keys whose values differ between the configuration in force and another; a registry that came or
/// went is one key.
#[must_use]
pub fn diff(old: &Config, new: &Config) -> Vec<String> {
    // named in full, so that a new section cannot be forgotten here
    let Config {
        registries,
        // where a registry is written is nothing that it does
        places: _,
        routing,
        queue,
        store,
        limits,
        tests,
        runtimes,
        updates,
        hooks,
        access,
        sockets,
        net,
        git,
        service,
        log,
    } = new;
    let mut changed = Vec::new();
    for registry in registries {
        let path = format!("registries.{}", registry.name);
        match old.registry(&registry.name) {
            Some(before) => add(&mut changed, &path, before, registry),
            None => changed.push(path),
        }
    }
    let gone = old
        .registries
        .iter()
        .filter(|registry| new.registry(&registry.name).is_none());
    changed.extend(gone.map(|registry| format!("registries.{}", registry.name)));
    add(&mut changed, "routing", &old.routing, routing);
    add(&mut changed, "queue", &old.queue, queue);
    add(&mut changed, "store", &old.store, store);
    add(&mut changed, "limits", &old.limits, limits);
    add(&mut changed, "tests", &old.tests, tests);
    for (name, probe) in runtimes {
        let path = format!("runtimes.{name}");
        match old.runtimes.get(name) {
            Some(before) => add(&mut changed, &path, before, probe),
            None => changed.push(path),
        }
    }
    let gone = old
        .runtimes
        .keys()
        .filter(|name| !runtimes.contains_key(*name));
    changed.extend(gone.map(|name| format!("runtimes.{name}")));
    add(&mut changed, "updates", &old.updates, updates);
    if old.hooks != *hooks {
        changed.push("hooks".to_owned());
    }
    add(&mut changed, "access", &old.access, access);
    if old.sockets != *sockets {
        changed.push("sockets".to_owned());
    }
    add(&mut changed, "net", &old.net, net);
    add(&mut changed, "git", &old.git, git);
    add(&mut changed, "service", &old.service, service);
    add(&mut changed, "log", &old.log, log);
    changed
}

fn add<T: Section>(changed: &mut Vec<String>, path: &str, old: &T, new: &T) {
    changed.extend(
        old.changed(new)
            .into_iter()
            .map(|key| format!("{path}.{key}")),
    );
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use crate::config::{ByteSize, Registry, Secret, VersionProbe};

    fn registry(name: &str) -> Registry {
        Registry::new(name, "https://example.org/index.json".parse().unwrap())
    }

    #[test]
    fn nothing_differs_between_equals() {
        let keys = diff(&Config::default(), &Config::default());
        assert_eq!(keys, Vec::<String>::new());
    }

    #[test]
    fn each_difference_is_named() {
        let mut old = Config {
            registries: vec![registry("a"), registry("b")],
            ..Config::default()
        };
        let mut new = Config {
            registries: vec![registry("b"), registry("c")],
            ..Config::default()
        };
        let header = |text| [("Authorization".to_owned(), Secret::parse(text).unwrap())].into();
        old.registries[1].headers = header("one");
        new.registries[0].headers = header("two");
        new.queue.workers = 7;
        new.store.min_free = ByteSize::mib(1);
        let ruby = |command: &str| VersionProbe::new([command.to_owned(), "--version".to_owned()]);
        old.runtimes = [
            ("ruby".to_owned(), ruby("ruby")),
            ("lua".to_owned(), ruby("lua")),
        ]
        .into();
        new.runtimes = [
            ("ruby".to_owned(), ruby("jruby")),
            ("zig".to_owned(), ruby("zig")),
        ]
        .into();
        new.tests.network = true;
        new.net.allow_http = true;
        new.net.ca_file = Some("/ca.pem".into());
        assert_eq!(
            diff(&old, &new),
            [
                "registries.b.headers",
                "registries.c",
                "registries.a",
                "queue.workers",
                "store.min_free",
                "tests.network",
                "runtimes.ruby.command",
                "runtimes.zig",
                "runtimes.lua",
                "net.allow_http",
                "net.ca_file"
            ],
            "a changed secret counts, although it looks the same when it is shown"
        );
    }
}
