//! What is in force, as it is shown.

use super::*;

#[test]
fn the_listing_shows_values_origins_and_no_secret() {
    let host = Host::new(
        "registries:\n  - name: acme\n    url: https://a.example/index.json?token=s3cret\n    headers:\n      Authorization: Bearer ${cred:acme}\n      X-Key: s3cret\n",
    )
    .variable("PACKD__QUEUE__WORKERS", "4");
    let text = host.shorten(&host.effective().render());
    assert!(!text.contains("s3cret"), "a secret is not shown");
    assert_snapshot!(text, @r#"
    # config: packd.yaml          # flag --config
    # state_dir: /var/lib/packd                   # default
    # socket: /run/packd/packd.sock               # default
    # read: packd.yaml

    registries:
      - name: acme                                # packd.yaml:2
        url: "https://a.example/index.json?****"  # packd.yaml:3
        priority: 100                             # default
        enabled: true                             # default
        refs: []                                  # default
        exclusive: false                          # default
        headers:
          Authorization: "****${cred:acme}"       # packd.yaml:5
          X-Key: "****"                           # packd.yaml:6
        trust: checksum                           # default
        root: null                                # default
        root_fingerprint: null                    # default
        max_stale: 0                              # default
        refresh: 1h                               # default
        allow_http: false                         # default
        sandbox: null                             # default
        updates: {}                               # default
    routing:
      resolution: priority                        # default
    queue:
      workers: 4                                  # env PACKD__QUEUE__WORKERS
      retries: 5                                  # default
      history: 90d                                # default
    store:
      min_free: 512MiB                            # default
      cache_size: 2GiB                            # default
      share_files: true                           # default
      scrub_interval: 30d                         # default
      keep_generations: 10                        # default
      keep_for: 14d                               # default
    limits:
      pack_bytes: 1GiB                            # default
      file_bytes: 512MiB                          # default
      pack_entries: 100000                        # default
      index_bytes: 256MiB                         # default
    tests:
      run: true                                   # default
      required: false                             # default
      sandbox: standard                           # default
      timeout: 10m                                # default
      network: false                              # default
      network_for: []                             # default
      memory: 1GiB                                # default
      disk: 1GiB                                  # default
      readable: []                                # default
    runtimes: {}                                  # default
    updates:
      mode: auto                                  # default
      allow: compatible                           # default
      windows: []                                 # default
      splay: 30m                                  # default
      packs: {}                                   # default
      health: {commands: [], tests: true, timeout: 1m, watch_for: 10m, every: 1m}  # default
    hooks: []                                     # default
    access:
      admin_groups: [packd-admin]                 # default
      operator_groups: [packd]                    # default
      readers: everyone                           # default
      max_connections: 256                        # default
      max_per_uid: 32                             # default
    sockets: []                                   # default
    net:
      allow_http: false                           # default
      connect_timeout: 10s                        # default
      idle_timeout: 30s                           # default
      total_timeout: 1h                           # default
      rate_limit: null                            # default
      proxy: env                                  # default
      ca_file: null                               # default
      allowed_hosts: []                           # default
      private_hosts: []                           # default
    git:
      credentials: {}                             # default
      ssh_key: /etc/packd/ssh/id_ed25519          # default
      known_hosts: /etc/packd/ssh/known_hosts     # default
      allow_git_protocol: false                   # default
      timeout: 10m                                # default
      cache_size: 1GiB                            # default
    service:
      idle_exit: null                             # default
      watch_configuration: true                   # default
    log:
      level: info                                 # default
    "#);
}

#[test]
fn the_listing_can_be_loaded_again() {
    let host = Host::new(
        "registries: [{name: a, url: 'https://a.example/', refs: ['*', 'null']}]\nnet: {allowed_hosts: ['*.a', '127.0.0.1', '[::1]']}\naccess: {operator_groups: ['yes', 'a b', '5', '#x']}\n",
    );
    let effective = host.effective();
    let again = Host::new(&effective.render()).effective();
    assert_eq!(again.config, effective.config, "{}", effective.render());
}

#[test]
fn a_check_prints_what_is_in_force_or_what_is_wrong() {
    let good = Host::new("");
    let (text, code) =
        crate::config::check(&Inputs::new(&good.args, Environment::default()), |_| Ok(()));
    assert!(text.contains("workers: 2"), "{text}");
    assert_eq!(
        format!("{code:?}"),
        format!("{:?}", std::process::ExitCode::SUCCESS)
    );
    let wrong = Host::new("log: {level: loud}\nqueu: {}\n");
    let (text, code) = crate::config::check(
        &Inputs::new(&wrong.args, Environment::default()),
        |_| Ok(()),
    );
    assert_snapshot!(wrong.shorten(&text), @r"
    packd.yaml:1: `log.level` must be `error`, `warn`, `info`, `debug` or `trace`, not `loud`
    packd.yaml:2: `queu` is not a known key, did you mean `queue`?
    2 problems; packd would not start with this configuration
    ");
    assert_eq!(
        format!("{code:?}"),
        format!("{:?}", std::process::ExitCode::FAILURE)
    );
}
