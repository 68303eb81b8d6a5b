//! A certificate authority of the test's own, and a site's certificate from it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::process::Ran;

/// The files that openssl made.
#[derive(Debug)]
pub struct Authority {
    /// The authority's certificate: what a client must trust.
    pub certificate: PathBuf,
    /// The site's certificate.
    pub site_certificate: PathBuf,
    /// The site's key.
    pub site_key: PathBuf,
}

impl Authority {
    /// Makes an authority, and a certificate for `localhost` and `127.0.0.1`.
    #[must_use]
    pub fn make(folder: &Path) -> Self {
        let certificate = folder.join("authority.pem");
        let key = folder.join("authority.key");
        let site_certificate = folder.join("site.pem");
        let site_key = folder.join("site.key");
        let mut command = request(&key, &certificate, "/CN=Authority of one test");
        command.args(["-addext", "keyUsage=critical,keyCertSign"]);
        Ran::of(&mut command).success();

        let mut command = request(&site_key, &site_certificate, "/CN=localhost");
        command
            .arg("-CA")
            .arg(&certificate)
            .arg("-CAkey")
            .arg(&key)
            .args([
                "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
            ]);
        Ran::of(&mut command).success();
        Self {
            certificate,
            site_certificate,
            site_key,
        }
    }
}

fn request(key: &Path, certificate: &Path, subject: &str) -> Command {
    let mut command = Command::new("openssl");
    command
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-noenc",
        ])
        .args(["-days", "2", "-subj", subject, "-keyout"])
        .arg(key)
        .arg("-out")
        .arg(certificate);
    command
}
