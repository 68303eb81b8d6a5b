//! A real web server with a registry on it.

use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use tempfile::TempDir;

use super::{
    authority::Authority,
    fault::Fault,
    index::Index,
    packs::{Archive, Format, PackTree},
    process::{self, PATIENCE, Ran},
    repository::git,
};

/// What `Authorization` has to be for what is below `guarded/`, which is the same as without that.
pub const PASSWORD: &str = "Bearer open-sesame";

/// nginx on loopback, serving one folder over https and over http.
#[derive(Debug)]
pub struct Site {
    folder: TempDir,
    authority: Authority,
    index: Index,
    ports: (u16, u16),
    server: Option<Child>,
}

/// One line of the access log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The path that was asked for.
    pub path: String,
    /// What it was answered with.
    pub status: u16,
}

impl Site {
    /// A site whose index offers these packs.
    #[must_use]
    pub fn serving<'a>(packs: impl IntoIterator<Item = &'a PackTree>) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("packd-site-")
            .tempdir()
            .unwrap();
        for name in ["root", "root/packs", "temp", "repositories"] {
            fs_err::create_dir(folder.path().join(name)).unwrap();
        }
        let authority = Authority::make(folder.path());
        let mut site = Self {
            folder,
            authority,
            index: Index::new(),
            ports: (0, 0),
            server: None,
        };
        site.start();
        site.write_index();
        for pack in packs {
            site.offer(pack);
        }
        site
    }

    /// The https URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}/{path}", self.ports.0)
    }

    /// The http URL of a path.
    #[must_use]
    pub fn plain_url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.ports.1)
    }

    /// The port that speaks https.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.ports.0
    }

    /// The folder that is served.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// The folder of the repositories that git http-backend serves, where there is one.
    #[must_use]
    pub fn repositories(&self) -> PathBuf {
        self.folder.path().join("repositories")
    }

    /// The socket that git http-backend is asked at.
    #[must_use]
    pub fn gateway(&self) -> PathBuf {
        self.folder.path().join("gateway.sock")
    }

    /// The certificate that clients must trust.
    #[must_use]
    pub fn authority(&self) -> &Path {
        &self.authority.certificate
    }

    /// Publishes a pack: its archive, and its line in the index.
    pub fn offer(&mut self, pack: &PackTree) {
        let archive = self.publish(pack, Format::TarGz);
        let url = self.url(&format!("packs/{}", archive.name));
        self.index.add(pack, &url, &archive.sha256());
        self.write_index();
    }

    /// The same, with the archive at an http URL.
    pub fn offer_plainly(&mut self, pack: &PackTree) {
        self.offer_plainly_as(pack, Format::TarGz);
    }

    /// The same, with an archive of this format.
    pub fn offer_plainly_as(&mut self, pack: &PackTree, format: Format) -> Archive {
        let archive = self.publish(pack, format);
        let url = self.plain_url(&format!("packs/{}", archive.name));
        self.index.add(pack, &url, &archive.sha256());
        self.write_index();
        archive
    }

    /// Publishes a pack whose archive comes through a fault.
    pub fn offer_through(&mut self, fault: &Fault, pack: &PackTree, format: Format) {
        let archive = self.publish(pack, format);
        let url = fault.url(&format!("packs/{}", archive.name));
        self.index.add(pack, &url, &archive.sha256());
        self.write_index();
    }

    /// Publishes a pack under a checksum that is not its own.
    pub fn offer_with_checksum(&mut self, pack: &PackTree, checksum: &str) {
        let archive = self.publish(pack, Format::TarGz);
        let url = self.url(&format!("packs/{}", archive.name));
        self.index.add(pack, &url, checksum);
        self.write_index();
    }

    /// Says for how many of a hundred hosts a version of a pack is meant so far.
    pub fn phase(&mut self, pack: &PackTree, share: u8) {
        self.index.phase(pack, share);
        self.write_index();
    }

    /// A line in the index for a pack that comes from this source.
    pub fn offer_from(&mut self, pack: &PackTree, source: serde_json::Value) {
        self.index.add_source(pack, source);
        self.write_index();
    }

    /// Puts an archive on the site, without a line in the index.
    pub fn publish(&self, pack: &PackTree, format: Format) -> Archive {
        let archive = pack.archive(format);
        archive.write_to(&self.root().join("packs"));
        archive
    }

    /// Ends the server; connections to it are refused from now on.
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _already_gone = server.kill();
            let _reaped = server.wait();
        }
    }

    /// Starts the server again, on the same ports.
    pub fn resume(&mut self) {
        assert!(
            self.spawn(),
            "the site cannot have its ports back:\n{}",
            self.log()
        );
    }

    /// The same once it is `complete`: nginx writes its log after the client has its answer.
    pub fn served_when(&self, complete: impl Fn(&[Served]) -> bool) -> Vec<Served> {
        let folder = self.folder.path();
        let is_complete = super::watch::until(folder, PATIENCE, || complete(&self.served()));
        assert!(is_complete, "nginx has logged {:?}", self.served());
        self.served()
    }

    /// What was asked for so far, and answered.
    #[must_use]
    pub fn served(&self) -> Vec<Served> {
        let text = fs_err::read_to_string(self.folder.path().join("access.log")).unwrap();
        text.lines()
            .map(|line| {
                let (status, path) = line.split_once(' ').unwrap();
                Served {
                    path: path.to_owned(),
                    status: status.parse().unwrap(),
                }
            })
            .collect()
    }

    fn write_index(&self) {
        let path = self.root().join("index.json");
        let new = self.root().join("index.json.new");
        fs_err::write(&new, self.index.text()).unwrap();
        fs_err::rename(new, path).unwrap();
    }

    fn start(&mut self) {
        // between choosing a port and nginx taking it, another test may be quicker
        for _ in 0..8 {
            self.ports = (free_port(), free_port());
            if self.spawn() {
                return;
            }
        }
        panic!("nginx does not start:\n{}", self.log());
    }

    /// Starts nginx, and waits until it accepts connections; false when it ended instead.
    fn spawn(&mut self) -> bool {
        let path = self.folder.path();
        fs_err::write(path.join("people"), "me:{PLAIN}hunter2\n").unwrap();
        fs_err::write(path.join("nginx.conf"), self.configuration()).unwrap();
        let mut server = Command::new("nginx")
            .arg("-p")
            .arg(path)
            .args(["-e", "error.log", "-c", "nginx.conf"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(
                fs_err::File::create(path.join("stderr.log"))
                    .unwrap()
                    .into_parts()
                    .0,
            )
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start nginx: {error}"));
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let listens = |port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
            if listens(self.ports.0) && listens(self.ports.1) {
                // whoever answers there, it is nginx only if nginx still runs
                let ended = server.try_wait().unwrap().is_some();
                self.server = Some(server);
                return !ended;
            }
            // refused at once while nginx is not there yet: wait a little for its end
            if process::wait(&mut server, std::time::Duration::from_millis(5)).is_some() {
                return false;
            }
        }
        let _already_gone = server.kill();
        let _reaped = server.wait();
        panic!("nginx does not listen within {PATIENCE:?}:\n{}", self.log());
    }

    /// How nginx asks git http-backend.
    fn git(&self) -> String {
        let path = Ran::of(git().arg("--exec-path"));
        format!(
            "fastcgi_pass unix:{socket}; client_max_body_size 0; fastcgi_buffering off;
      fastcgi_param SCRIPT_FILENAME {path}/git-http-backend; fastcgi_param GIT_HTTP_EXPORT_ALL 1;
      fastcgi_param GIT_PROJECT_ROOT {root}; fastcgi_param PATH_INFO $repository;
      fastcgi_param GIT_CONFIG_NOSYSTEM 1; fastcgi_param GIT_CONFIG_GLOBAL /dev/null;
      fastcgi_param REQUEST_METHOD $request_method; fastcgi_param QUERY_STRING $query_string;
      fastcgi_param CONTENT_TYPE $content_type; fastcgi_param CONTENT_LENGTH $content_length;
      fastcgi_param REMOTE_USER $remote_user;",
            socket = self.gateway().display(),
            path = path.stdout().trim(),
            root = self.repositories().display(),
        )
    }

    fn log(&self) -> String {
        let read = |name| fs_err::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        read("stderr.log") + &read("error.log")
    }

    fn configuration(&self) -> String {
        let (tls, plain) = self.ports;
        format!(
            "daemon off; master_process off; pid nginx.pid; worker_rlimit_nofile 4096;
events {{ worker_connections 2048; }}
http {{
  log_format served '$status $uri';
  access_log access.log served;
  client_body_temp_path temp/body; proxy_temp_path temp/proxy; fastcgi_temp_path temp/fastcgi;
  uwsgi_temp_path temp/uwsgi; scgi_temp_path temp/scgi;
  sendfile on; default_type application/octet-stream; types {{ application/json json; }}
  server {{
    listen 127.0.0.1:{tls} ssl http2;
    listen 127.0.0.1:{plain};
    server_name localhost;
    ssl_certificate {certificate}; ssl_certificate_key {key};
    root root;
    location /moved/ {{ rewrite ^/moved/(.*)$ /$1 redirect; }}
    location /down/ {{ rewrite ^/down/(.*)$ http://127.0.0.1:{plain}/$1 redirect; }}
    location /guarded/ {{
      if ($http_authorization != '{PASSWORD}') {{ return 401; }}
      rewrite ^/guarded/(.*)$ /$1 break;
    }}
    location /secret/ {{ return 403; }}
    location /broken/ {{ return 500; }}
    location ~ ^/git(?<repository>/.*)$ {{ {git} fastcgi_param HTTP_GIT_PROTOCOL $http_git_protocol; }}
    location ~ ^/old(?<repository>/.*)$ {{ {git} }}
    location ~ ^/private(?<repository>/.*)$ {{
      auth_basic private; auth_basic_user_file people;
      {git} fastcgi_param HTTP_GIT_PROTOCOL $http_git_protocol;
    }}
  }}
}}
",
            git = self.git(),
            certificate = self.authority.site_certificate.display(),
            key = self.authority.site_key.display(),
        )
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A folder with an index and its archives, for a registry at a `file://` URL.
#[must_use]
pub fn folder_with<'a>(packs: impl IntoIterator<Item = &'a PackTree>) -> TempDir {
    let folder = tempfile::Builder::new()
        .prefix("packd-registry-")
        .tempdir()
        .unwrap();
    // the daemon of a test may be another user
    fs_err::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let mut index = Index::new();
    for pack in packs {
        let archive = pack.archive(Format::TarGz);
        archive.write_to(folder.path());
        let url = format!("file://{}/{}", folder.path().display(), archive.name);
        index.add(pack, &url, &archive.sha256());
    }
    fs_err::write(folder.path().join("index.json"), index.text()).unwrap();
    folder
}

pub(super) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}
