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
