//! Many publishers at once, and those that are killed.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::desk::Desk;

#[test]
fn sixty_four_publishers_at_once_lose_nothing() {
    let desk = Desk::with_index();
    let publishers: Vec<_> = (0..64)
        .map(|number| {
            // half of them publish new packs, half further versions of one
            let entry = if number % 2 == 0 {
                desk.entry(&format!("pack{number}"), "1.0.0")
            } else {
                desk.entry("shared", &format!("1.{number}.0"))
            };
            let mut command = desk.command();
            command
                .arg("--entry")
                .arg(entry)
                .args(["--update", "--keep-newest"]);
            command
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for publisher in publishers {
        let ended = publisher.wait_with_output().unwrap();
        assert!(
            ended.status.success(),
            "{}",
            String::from_utf8_lossy(&ended.stderr)
        );
    }
    assert_eq!(desk.read()["packs"].as_array().unwrap().len(), 2 + 32 + 1);
    let shared = desk.pack("shared");
    assert_eq!(shared["version"], "1.63.0");
    assert_eq!(
        shared["versions"].as_array().unwrap().len(),
        31,
        "each version is there"
    );
    assert!(
        desk.names().iter().all(|name| !name.starts_with('.')),
        "{:?}",
        desk.names()
    );
}

#[test]
fn a_run_that_is_killed_leaves_the_old_file_or_the_new_one() {
    const KILLS: u32 = 40;
    let desk = Desk::new();
    let packs: Vec<Value> = (0..4000)
        .map(|number| json!({"ref": format!("pack{number}"), "version": "1.0.0", "text": "x".repeat(1000)}))
        .collect();
    let old = json!({ "packs": packs }).to_string();
    fs_err::write(desk.index(), &old).unwrap();
    let entry = desk.entry("slack", "1.0.0");
    let began = Instant::now();
    desk.publish(&entry, &[]).done();
    let whole = began.elapsed();
    let new = desk.text();

    let mut kinds = [0, 0];
    for kill in 0..KILLS {
        fs_err::write(desk.index(), &old).unwrap();
        let mut command = desk.command();
        command
            .arg("--entry")
            .arg(&entry)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        spin(whole * kill / KILLS);
        child.kill().unwrap();
        child.wait().unwrap();
        let text = desk.text();
        assert!(
            text == old || text == new,
            "killed after {kill}/{KILLS}, the file is neither"
        );
        kinds[usize::from(text == new)] += 1;
    }
    assert!(kinds[0] > 0, "no run was killed in time: {kinds:?}");
    fs_err::write(desk.index(), &old).unwrap();
    desk.publish(&entry, &[]).done();
    assert_eq!(
        desk.text(),
        new,
        "whoever comes next is not in the way of what was left"
    );
    assert_eq!(
        desk.names(),
        ["index.json", "slack-1.0.0.json"],
        "and sweeps it"
    );
}

/// Lets time pass without giving the processor away: the moments of the kills are what is tested.
fn spin(time: Duration) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        std::thread::yield_now();
    }
}
