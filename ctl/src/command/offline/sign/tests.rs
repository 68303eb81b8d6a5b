#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;

#[test]
fn spans_are_days_or_hours() {
    let hours = |text| lifetime(text).map(|span| span.as_hours()).map_err(drop);
    assert_eq!(hours("30d"), Ok(720));
    assert_eq!(hours("12h"), Ok(12));
    for text in ["", "d", "30", "0d", "-1d", "1w", "99999999999d", "ä"] {
        assert_eq!(hours(text), Err(()), "`{text}` was taken");
    }
}

#[test]
fn the_folder_of_a_new_registry_need_not_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str| Place::of_new(&folder.path().join(name)).folder;
    assert_eq!(of("new"), folder.path().join("new"));
    assert_eq!(
        of("packs.example.org"),
        folder.path().join("packs.example.org")
    );
    assert_eq!(of("new/index.json"), folder.path().join("new"));
    fs_err::write(folder.path().join("index"), "").unwrap();
    assert_eq!(of("index"), folder.path());
    assert_eq!(Place::of_new(Path::new(".")).folder, Path::new("."));
}
