//! Pointers of Git LFS: what a commit has in place of a file that is kept elsewhere. No pack may have one.

/// The first words of a pointer, now and before it was called so.
const BEGINNINGS: [&[u8]; 2] = [
    b"version https://git-lfs.github.com/spec/",
    b"version https://hawser.github.com/spec/",
];
/// The largest pointer, in bytes; the specification says less than 1024.
const LARGEST: usize = 1024;

/// Whether this is the content of a pointer, and not of a file.
#[must_use]
pub fn is_pointer(content: &[u8]) -> bool {
    content.len() <= LARGEST && BEGINNINGS.iter().any(|words| content.starts_with(words))
}

#[cfg(test)]
mod tests {
    use super::is_pointer;

    #[test]
    fn what_begins_like_a_pointer_and_is_as_short_is_one() {
        let rest = "v1\noid sha256:4d7a\nsize 12345\n";
        for beginning in [
            "version https://git-lfs.github.com/spec/",
            "version https://hawser.github.com/spec/",
        ] {
            let pointer = format!("{beginning}{rest}");
            assert!(is_pointer(pointer.as_bytes()), "{pointer}");
            let long = format!("{pointer}{}", "x".repeat(1024));
            assert!(!is_pointer(long.as_bytes()), "longer than any pointer");
        }
        for other in ["", "version 2 of what we know", "# version https://git-lfs"] {
            assert!(!is_pointer(other.as_bytes()), "{other}");
        }
    }
}
