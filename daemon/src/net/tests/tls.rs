//! Whom the client trusts, against a TLS server with certificates made here.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;
use crate::net::certificate::CertificateFlaw;

/// A certificate authority of our own, as PEM in a file.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    /// A client that trusts this authority beside the system's.
    fn trusted(&self) -> Http {
        let ca_file = Some(self.folder.path().join("ca.pem"));
        Http::new(&Net {
            proxy: Proxy::None,
            ca_file,
            ..Net::default()
        })
        .unwrap()
    }

    /// A server for `name` that answers one connection, which must be made.
    fn serve(&self, name: &str, year: i32, answer: &'static str) -> (SocketAddr, JoinHandle<()>) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        serve_with(certificate.der().clone(), &key, answer)
    }
}

/// A server with this certificate that answers one connection, which must be made.
fn serve_with(
    certificate: CertificateDer<'static>,
    key: &KeyPair,
    answer: &'static str,
) -> (SocketAddr, JoinHandle<()>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let connection = ServerConnection::new(Arc::new(config)).unwrap();
        let mut lines = BufReader::new(StreamOwned::new(connection, stream));
        let mut line = String::new();
        // a client that does not trust us goes away before it asks
        while lines.read_line(&mut line).is_ok_and(|count| count > 2) {
            line.clear();
        }
        let mut stream = lines.into_inner();
        if line == "\r\n" {
            stream.write_all(answer.as_bytes()).unwrap();
            stream.conn.send_close_notify();
            stream.flush().unwrap();
        }
    });
    (address, serving)
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";

fn secure(address: SocketAddr) -> Request {
    let url = format!("https://localhost:{}/index.json", address.port());
    Request {
        allow_http: false,
        ..request(&url)
    }
}

#[tokio::test]
async fn a_server_of_an_authority_in_ca_file_is_trusted() {
    let authority = Authority::new();
    let (address, serving) = authority.serve("localhost", 4000, OK);
    assert_eq!(
        body(&authority.trusted(), secure(address)).await.unwrap(),
        b"{}"
    );
    serving.join().unwrap();
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_is_told_by_its_flaw() {
    let authority = Authority::new();
    for (http, name, year, flaw, hint) in [
        (
            http(IDLE),
            "localhost",
            4000,
            CertificateFlaw::UnknownIssuer,
            "net.ca_file",
        ),
        (
            authority.trusted(),
            "localhost",
            1999,
            CertificateFlaw::Dates,
            "clock",
        ),
        (
            authority.trusted(),
            "other.example",
            4000,
            CertificateFlaw::Name,
            "name",
        ),
    ] {
        let (address, serving) = authority.serve(name, year, OK);
        let error = body(&http, secure(address)).await.unwrap_err();
        serving.join().unwrap();
        let NetError::Certificate { flaw: found, .. } = &error else {
            panic!("{error:?}")
        };
        assert_eq!(*found, flaw);
        assert_eq!(error.kind(), ErrorKind::SourceRefused);
        assert!(
            !error.is_transient(),
            "it stays so until someone changes something"
        );
        assert!(error.hint().unwrap().contains(hint), "{error}");
    }
}

#[tokio::test]
async fn a_self_signed_authority_that_stands_for_a_server_is_told_in_words() {
    let authority = Authority::new();
    let (certificate, key) = (authority.issuer.der().clone(), authority.issuer.key());
    let (address, serving) = serve_with(certificate, key, OK);
    let error = body(&authority.trusted(), secure(address))
        .await
        .unwrap_err();
    serving.join().unwrap();
    let NetError::Certificate { flaw, source, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(*flaw, CertificateFlaw::Authority);
    assert_eq!(
        source.to_string(),
        "it is that of an authority, and not of a server",
        "names out of the TLS library say nothing to people"
    );
    assert!(error.hint().unwrap().contains("net.ca_file"), "{error}");
}

#[tokio::test]
async fn nothing_leads_from_https_to_http() {
    let authority = Authority::new();
    let answer = "HTTP/1.1 302 Found\r\nLocation: http://localhost:1/\r\nContent-Length: 0\r\n\r\n";
    let (address, serving) = authority.serve("localhost", 4000, answer);
    let asking = Request {
        allow_http: true,
        ..secure(address)
    };
    let error = body(&authority.trusted(), asking).await.unwrap_err();
    assert!(
        matches!(
            error,
            NetError::Route {
                source: RouteError::Downgrade { .. }
            }
        ),
        "{error:?}"
    );
    serving.join().unwrap();
}
