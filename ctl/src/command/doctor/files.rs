//! Owners and permissions, secrets, certificates, space.

use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::Report;
use super::host::{CONFIG, Host};

/// Less than this, and packs cannot be installed: the default of `store.min_free`.
const LITTLE_SPACE: u64 = 512 << 20;
/// The same for files: a pack has hundreds.
const FEW_FILES: u64 = 10_000;
/// Where distributions have the authorities that they trust.
const AUTHORITIES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

pub(super) fn examine(host: &Host, report: &mut Report) {
    socket(host, report);
    state(host, report);
    configuration(host, report);
    certificates(host, report);
    space(host, report);
}

/// The socket is one, and nobody can put another in its place.
pub(super) fn socket(host: &Host, report: &mut Report) {
    const CHECK: &str = "socket";
    report.checked(CHECK);
    let path = host.socket.display().to_string();
    let Ok(found) = host.look(&host.socket) else {
        // that nobody answers there has been told
        return;
    };
    if !found.file_type().is_socket() {
        let fix = format!("`rm {path}`, then `systemctl restart packd.socket`");
        return report.error(CHECK, format!("`{path}` is no socket"), fix);
    }
    let folder = host.socket.parent().unwrap_or(Path::new("/"));
    if let Ok(around) = host.look(folder)
        && around.mode() & 0o1002 == 0o002
    {
        let folder = folder.display();
        report.error(
            CHECK,
            format!("everybody may replace the socket: `{folder}` can be written by all"),
            format!("`chmod o-w {folder}`"),
        );
    }
}

/// The state folder is packd's, and nobody else writes it.
pub(super) fn state(host: &Host, report: &mut Report) {
    const CHECK: &str = "state folder";
    let path = host.state_dir.display().to_string();
    let found = match host.look(&host.state_dir) {
        Ok(found) => found,
        // the first start makes it
        Err(error) if error.kind() == io::ErrorKind::NotFound => return report.checked(CHECK),
        Err(error) => return report.skip(CHECK, error.to_string()),
    };
    report.checked(CHECK);
    if found.mode() & 0o022 != 0 {
        let fix = format!("`chmod go-w {path}`");
        report.error(CHECK, format!("others than packd can write `{path}`"), fix);
    }
    let database = host.state_dir.join("packd.db");
    let Ok(inner) = host.look(&database) else {
        return;
    };
    let database = database.display();
    if inner.mode() & 0o077 != 0 {
        report.error(
            CHECK,
            format!("others than packd can read `{database}`"),
            format!("`chmod 0600 {database}`"),
        );
    }
    if inner.uid() != found.uid() {
        report.error(
            CHECK,
            format!(
                "`{database}` belongs to uid {} and its folder to uid {}: packd was run as somebody else",
                inner.uid(),
                found.uid()
            ),
            format!("`chown -R --reference={path} {path}`, while packd is stopped"),
        );
    }
}

/// The files of the configuration.
fn settings(host: &Host) -> Vec<PathBuf> {
    let mut files = vec![CONFIG.into()];
    files.extend(host.list("/etc/packd/conf.d", ".yaml"));
    files
}

/// Nobody but its owner writes what packd obeys, and nobody reads its secrets.
pub(super) fn configuration(host: &Host, report: &mut Report) {
    const CHECK: &str = "configuration files";
    const SECRETS: &str = "secrets";
    report.checked(CHECK);
    report.checked(SECRETS);
    for file in settings(host)
        .iter()
        .chain(&host.list("/etc/packd/keys", ""))
    {
        let name = file.display();
        match host.look(file) {
            Ok(found) if found.mode() & 0o022 != 0 => report.error(
                CHECK,
                format!("others than its owner can write `{name}`"),
                format!("`chmod go-w {name}`"),
            ),
            Ok(_) | Err(_) => {}
        }
    }
    for file in settings(host) {
        let text = host.read(&file).unwrap_or_default();
        for secret in secrets(&text) {
            match host.look(secret) {
                Ok(found) if found.mode() & 0o007 != 0 => report.error(
                    SECRETS,
                    format!("everybody can read the secret `{secret}`"),
                    format!("`chmod o= {secret}`"),
                ),
                Err(error) if error.kind() == io::ErrorKind::NotFound => report.error(
                    SECRETS,
                    format!("there is no `{secret}`, which `{}` names", file.display()),
                    "write the secret there, or take the key out",
                ),
                Ok(_) | Err(_) => {}
            }
        }
    }
    for key in host.list("/etc/packd/ssh", "") {
        let name = key.display().to_string();
        let is_public =
            key.extension().is_some_and(|ending| ending == "pub") || name.contains("known_hosts");
        if host.look(&key).is_ok_and(|found| found.mode() & 0o007 != 0) && !is_public {
            let fix = format!("`chmod o= {name}`");
            report.error(SECRETS, format!("everybody can read the key `{name}`"), fix);
        }
    }
}

/// The paths in `${file:PATH}` of a configuration, but for comments.
fn secrets(text: &str) -> Vec<&str> {
    let lines = text.lines();
    lines
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(|line| line.split("${file:").skip(1))
        .filter_map(|rest| rest.split_once('}'))
        .map(|(path, _)| path)
        .collect()
}

/// Registries can be known by their certificates.
pub(super) fn certificates(host: &Host, report: &mut Report) {
    const CHECK: &str = "certificates";
    report.checked(CHECK);
    if !AUTHORITIES.iter().any(|file| host.has(file)) {
        report.error(
            CHECK,
            "this host has no list of trusted certificate authorities: no https registry can be reached",
            "`apt install ca-certificates`, or set `net.ca_file`",
        );
    }
    for file in settings(host) {
        let Some(own) = host.read(&file).ok().and_then(|text| ca_file(&text)) else {
            continue;
        };
        match host.read(&own) {
            Ok(text) if text.contains("-----BEGIN CERTIFICATE-----") => {}
            Ok(_) => report.error(
                CHECK,
                format!("`{own}`, which is `net.ca_file`, has no certificate in PEM"),
                "put the certificate of the authority there, in PEM",
            ),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                report.skip(CHECK, error.to_string());
            }
            Err(error) => report.error(
                CHECK,
                format!("cannot read `net.ca_file`: {error}"),
                "put the certificate of the authority there, or take the key out",
            ),
        }
    }
}

/// `net.ca_file` of a configuration.
fn ca_file(text: &str) -> Option<String> {
    let document: serde_yaml::Value = serde_yaml::from_str(text).ok()?;
    let path = document.get("net")?.get("ca_file")?.as_str()?;
    Some(path.to_owned())
}

/// There is room for packs.
fn space(host: &Host, report: &mut Report) {
    const CHECK: &str = "space";
    match host.space(&host.state_dir) {
        Ok(space) => {
            report.checked(CHECK);
            let path = host.state_dir.display().to_string();
            enough(&path, space.free_bytes, space.free_files, report);
        }
        Err(error) => report.skip(CHECK, error.to_string()),
    }
}

/// Whether so much is enough; of files there may be no count.
pub(super) fn enough(path: &str, bytes: u64, files: Option<u64>, report: &mut Report) {
    const CHECK: &str = "space";
    if bytes < LITTLE_SPACE {
        report.error(
            CHECK,
            format!("`{path}` has {} MiB left", bytes >> 20),
            "`packctl gc` frees what nothing needs; else make the file system larger",
        );
    }
    if let Some(files) = files.filter(|files| *files < FEW_FILES) {
        report.error(
            CHECK,
            format!("the file system of `{path}` has room for {files} more files"),
            "`packctl gc` frees what nothing needs; else use a file system with more inodes",
        );
    }
}
