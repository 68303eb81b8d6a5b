//! Licences: whether a text is an SPDX expression, and which one it was probably meant to be.

use crate::name::shown;

/// Why a text names no licence that programs know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{shown}`, which is no SPDX expression: {why}")]
pub struct LicenseError {
    /// The text, printable.
    shown: String,
    /// What the rules say about it.
    why: String,
    /// What was probably meant.
    meant: Option<String>,
}

impl LicenseError {
    /// One thing to try.
    #[must_use]
    pub fn hint(&self) -> String {
        match &self.meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "for terms of your own write `LicenseRef-…`".to_owned(),
        }
    }
}

/// Checks a licence. That there is none, as SPDX says it, is fine.
///
/// # Errors
/// [`LicenseError`] when it is no SPDX expression.
pub fn check(text: &str) -> Result<(), LicenseError> {
    let text = text.trim();
    if matches!(text, "" | "NOASSERTION" | "NONE") {
        return Ok(());
    }
    match spdx::Expression::parse(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(LicenseError {
            shown: shown(text),
            why: error.reason.to_string(),
            meant: meant(text).filter(|meant| meant != text),
        }),
    }
}

/// The expression that a text was probably meant to be: another spelling of it, or the name in full.
fn meant(text: &str) -> Option<String> {
    if let Some(meant) = spdx::Expression::canonicalize(text).ok().flatten() {
        return Some(meant);
    }
    if let Some((id, length)) = spdx::imprecise_license_id(text)
        && length == text.len()
    {
        return Some(id.name.to_owned());
    }
    let full = |license: &&spdx::License| license.full_name.eq_ignore_ascii_case(text);
    let license = spdx::identifiers::LICENSES.iter().find(full)?;
    Some(license.name.to_owned())
}
