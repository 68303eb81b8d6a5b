//! Asking for the list of packs, against nginx with a file of the same size.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use packd_tests::{
    PATIENCE, PackTree, Packd, Settings,
    support::{site, watch},
};
use packd_wire::path;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    load::{Seen, repeat},
    measure::{Table, median, percentile, rounds},
};

const TIME: Duration = Duration::from_secs(2);

pub(crate) fn run(table: &mut Table) {
    let packs = ["slack", "teams"].map(|name| PackTree::new(name, "1.0.0"));
    let registry = site::folder_with(&packs);
    let url = format!("file://{}/index.json", registry.path().display());
    let settings = Settings::new()
        .registry("local", &url, &json!({}))
        .set("access.max_per_uid", 128);
    let packd = Packd::start(&settings);
    for pack in &packs {
        packd.ctl(["install", pack.name()]).success();
    }
    let body = packd.get(path::PACKS).expect(200).body.clone();
    let nginx = Nginx::serving(&body);

    for connections in [1, 32] {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds() {
            ours.push(repeat(&packd.socket(), path::PACKS, connections, TIME));
            theirs.push(repeat(&nginx.socket(), "/packs.json", connections, TIME));
        }
        let rate = |seen: &[Seen]| median(seen.iter().map(|seen| seen.rate).collect());
        let p99 = |seen: &mut [Seen]| {
            median(
                seen.iter_mut()
                    .map(|seen| percentile(&mut seen.latencies, 99))
                    .collect(),
            )
        };
        let what = format!(
            "GET /v1/packs ({} bytes), {connections} connections",
            body.len()
        );
        let aim = if connections == 1 { "" } else { ">= 0.8" };
        let peer = "nginx, static file";
        table.ratio(
            &format!("{what}, rate"),
            "/s",
            rate(&ours),
            (peer, rate(&theirs)),
            aim,
        );
        let (our, their) = (p99(&mut ours) * 1e3, p99(&mut theirs) * 1e3);
        table.ratio(&format!("{what}, p99"), "ms", our, (peer, their), "<= 2");
    }
}

/// nginx on a Unix socket.
struct Nginx {
    folder: TempDir,
    server: Child,
}

impl Nginx {
    fn serving(body: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs_err::write(path.join("packs.json"), body).unwrap();
        fs_err::write(path.join("nginx.conf"), configuration(path)).unwrap();
        let server = Command::new("nginx")
            .arg("-p")
            .arg(path)
            .args(["-e", "error.log", "-c", "nginx.conf"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let nginx = Self { folder, server };
        assert!(watch::until(nginx.folder.path(), PATIENCE, || nginx
            .socket()
            .exists()));
        nginx
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("nginx.sock")
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _already_gone = self.server.kill();
        let _reaped = self.server.wait();
    }
}

/// As fast as it goes: no log, files kept open.
fn configuration(folder: &Path) -> String {
    format!(
        "daemon off; master_process off; pid nginx.pid;
events {{ worker_connections 2048; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;
  open_file_cache max=10; open_file_cache_valid 60s;
  client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
  types {{ application/json json; }}
  server {{ listen unix:{folder}/nginx.sock; root {folder}; }}
}}
",
        folder = folder.display(),
    )
}
