//! Hosts as they are after years, made without the jobs of years: rows, trees and links as jobs leave them.

use std::path::Path;

use fs_err::os::unix::fs::symlink;
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

/// Gives a host that has one pack, and whose daemon does not run, so many more, `many00000` and on.
///
/// They are in the generation that is active, with the record of the pack that was there.
pub fn packs(state: &Path, count: usize) {
    let mut database = Connection::open(state.join("packd.db")).unwrap();
    let tx = database.transaction().unwrap();
    let (generation, record, job): (i64, String, i64) = tx
        .query_row(
            "SELECT g.number, i.record, i.job FROM generation g JOIN generation_pack p ON p.generation = g.number
             JOIN install i ON i.id = p.install WHERE g.status = 'active' LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    let at = "2026-01-01T00:00:00.000Z";
    for number in 0..count {
        let name = format!("many{number:05}");
        let manifest = format!("ref: {name}\nversion: \"1.0.0\"\n");
        let digest = hex::encode(Sha256::digest(manifest.as_bytes()));
        let list = format!("file - sha256:{digest} {} 9:pack.yaml\n", manifest.len());
        let digest = hex::encode(Sha256::digest(list.as_bytes()));
        let dir = format!("{name}/1.0.0-{}", &digest[..12]);
        let tree = state.join("store").join(&dir);
        fs_err::create_dir_all(&tree).unwrap();
        fs_err::write(tree.join("pack.yaml"), manifest).unwrap();
        fs_err::write(state.join("store").join(format!("{dir}.manifest")), &list).unwrap();
        let link = state.join(format!("generations/{generation}/{name}"));
        symlink(format!("../../store/{dir}"), link).unwrap();
        let row = "INSERT INTO tree (dir, ref, version, digest, files, bytes, made_at)
                   VALUES (?1, ?2, '1.0.0', ?3, 1, 1, ?4)";
        tx.execute(row, params![dir, name, format!("sha256:{digest}"), at])
            .unwrap();
        let row = "INSERT INTO install (ref, version, dir, record, job, generation, installed_at)
                   VALUES (?1, '1.0.0', ?2, ?3, ?4, ?5, ?6)";
        tx.execute(row, params![name, dir, record, job, generation, at])
            .unwrap();
        let row = "INSERT INTO generation_pack (generation, ref, install) VALUES (?1, ?2, ?3)";
        tx.execute(row, params![generation, name, tx.last_insert_rowid()])
            .unwrap();
    }
    tx.commit().unwrap();
}

/// Gives a host whose daemon does not run so many past generations, with the packs of the active one, which gets
/// the highest number.
pub fn generations(state: &Path, count: i64) {
    let mut database = Connection::open(state.join("packd.db")).unwrap();
    let tx = database.transaction().unwrap();
    let active = "SELECT number FROM generation WHERE status = 'active'";
    let active: i64 = tx.query_row(active, [], |row| row.get(0)).unwrap();
    let own = state.join("generations").join(active.to_string());
    let links: Vec<_> = fs_err::read_dir(&own)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    tx.execute(
        "UPDATE generation SET status = 'past' WHERE number = ?1",
        [active],
    )
    .unwrap();
    for number in active + 1..=active + count {
        let status = if number == active + count {
            "active"
        } else {
            "past"
        };
        tx.execute(
            "INSERT INTO generation (number, status, job, created_at, activated_at)
             SELECT ?1, ?2, job, created_at, activated_at FROM generation WHERE number = ?3",
            params![number, status, active],
        )
        .unwrap();
        tx.execute(
            "INSERT INTO generation_pack (generation, ref, install)
             SELECT ?1, ref, install FROM generation_pack WHERE generation = ?2",
            params![number, active],
        )
        .unwrap();
        let folder = state.join("generations").join(number.to_string());
        fs_err::create_dir(&folder).unwrap();
        for name in &links {
            symlink(
                fs_err::read_link(own.join(name)).unwrap(),
                folder.join(name),
            )
            .unwrap();
        }
    }
    tx.commit().unwrap();
    fs_err::remove_file(state.join("current")).unwrap();
    symlink(
        format!("generations/{}", active + count),
        state.join("current"),
    )
    .unwrap();
}
