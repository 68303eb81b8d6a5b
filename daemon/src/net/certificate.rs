//! What is wrong with the certificate of a server, from the words of the TLS library.

use std::error::Error;

use rustls::CertificateError;

/// What is wrong with a certificate, as far as it decides what to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CertificateFlaw {
    /// Signed by nobody this host trusts.
    UnknownIssuer,
    /// Out of its dates.
    Dates,
    /// Made for another name.
    Name,
    /// That of an authority, which must not stand for a server: what self-signed ones often are.
    Authority,
    /// Anything else.
    Other,
}

/// What the TLS library holds against the server's certificate.
fn refused<'a>(
    mut chain: impl Iterator<Item = &'a (dyn Error + 'static)>,
) -> Option<&'a CertificateError> {
    match chain.find_map(|error| error.downcast_ref::<rustls::Error>())? {
        rustls::Error::InvalidCertificate(flaw) => Some(flaw),
        _ => None,
    }
}

/// The flaw that an error and all that led to it speak of.
pub(super) fn flaw<'a>(
    chain: impl Iterator<Item = &'a (dyn Error + 'static)>,
) -> Option<CertificateFlaw> {
    Some(match refused(chain)? {
        CertificateError::UnknownIssuer => CertificateFlaw::UnknownIssuer,
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => CertificateFlaw::Dates,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateFlaw::Name
        }
        CertificateError::Other(other) if is_authority(other) => CertificateFlaw::Authority,
        _ => CertificateFlaw::Other,
    })
}

/// The library has no type of its own for this flaw, and tells it by the name of its verifier's.
fn is_authority(other: &rustls::OtherError) -> bool {
    other.0.to_string() == "CaUsedAsEndEntity"
}

/// The same in words, where the TLS library has only names for it.
pub(super) fn words<'a>(chain: impl Iterator<Item = &'a (dyn Error + 'static)>) -> Option<String> {
    match refused(chain)? {
        CertificateError::UnknownIssuer => {
            Some("it is signed by nobody whom this host trusts".to_owned())
        }
        CertificateError::Other(other) if is_authority(other) => {
            Some("it is that of an authority, and not of a server".to_owned())
        }
        CertificateError::Other(other) => Some(format!("it is not valid: {}", other.0)),
        _ => None,
    }
}
