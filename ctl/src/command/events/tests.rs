use insta::assert_snapshot;
use serde_json::json;

use super::*;
use crate::output::tests::output;

fn event(seq: Option<i64>, kind: EventKind, pack_ref: Option<&str>, data: Value) -> EventView {
    EventView {
        seq,
        at: "2026-03-01T12:04:11.5Z".to_owned(),
        kind,
        job: Some(12),
        pack_ref: pack_ref.map(str::to_owned),
        data,
    }
}

fn events() -> Vec<EventView> {
    vec![
        event(
            Some(116),
            EventKind::JobQueued,
            None,
            json!({"summary": "install slack"}),
        ),
        event(
            Some(117),
            EventKind::StepCompleted,
            Some("slack"),
            json!({"step": "fetch", "message": "1.20 MiB", "duration_ms": 840}),
        ),
        event(
            None,
            EventKind::Downloading,
            Some("slack"),
            json!({"url": "https://h/s.tgz", "downloaded_bytes": 2048, "total_bytes": null}),
        ),
        event(
            Some(118),
            EventKind::JobFailed,
            None,
            json!({"error": {"detail": "no\u{1b}[2J luck"}, "retry_at": null}),
        ),
        EventView {
            job: None,
            ..event(
                Some(119),
                EventKind::GenerationActivated,
                None,
                json!({"generation": 7}),
            )
        },
    ]
}

#[test]
fn events_are_lines_for_people() {
    let (mut out, data, _) = output(Format::Human, false);
    for event in events() {
        show(&mut out, &event);
    }
    assert_snapshot!(data.text(), @r"
    2026-03-01 12:04:11     116  job_queued            job 12  install slack
    2026-03-01 12:04:11     117  step_completed        job 12  slack  fetch, 1.20 MiB, 0.84 s
    2026-03-01 12:04:11          downloading           job 12  slack  https://h/s.tgz, downloaded bytes: 2.00 KiB
    2026-03-01 12:04:11     118  job_failed            job 12  no\u{1b}[2J luck
    2026-03-01 12:04:11     119  generation_activated  generation: 7
    ");
}

#[test]
fn events_are_lines_of_json_for_programs() {
    for format in [Format::Json, Format::Ndjson] {
        let (mut out, data, _) = output(format, false);
        for event in events() {
            show(&mut out, &event);
        }
        let read: Vec<EventView> = data
            .text()
            .lines()
            .map(|line| serde_json::from_str(line).expect("an event on each line"))
            .collect();
        assert_eq!(read, events());
    }
}
