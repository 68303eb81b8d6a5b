//! The tools of the tests, tried on each other and on curl.

use std::{io::Read, net::TcpStream, process::Command, time::Duration};

use crate::{Fault, Format, PackTree, Ran, Site, Tree, support::strace};

fn pack() -> PackTree {
    PackTree::new("slack", "2.1.0")
        .folder("rules")
        .link("run", "actions/say.sh")
        .with_bulk(30, 5_000)
}

fn curl(site: &Site, url: &str) -> Ran {
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--fail", "--max-time", "20", "--cacert"])
        .arg(site.authority());
    Ran::of(command.args(["-o", "/dev/null", "-w", "%{size_download}", url]))
}

#[test]
fn what_an_archive_holds_is_what_is_written_to_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    pack().write_to(folder.path());
    let written = Tree::of(folder.path());
    assert_eq!(written.files(), 33);
    for format in Format::ALL {
        assert_eq!(Tree::unpacked_by_others(&pack().archive(format)), written);
    }
}

#[test]
fn a_site_speaks_tls_with_an_authority_of_its_own_until_it_is_stopped() {
    let mut site = Site::serving([&pack()]);
    curl(&site, &site.url("index.json")).success();
    curl(&site, &site.plain_url("packs/slack-2.1.0.tar.gz")).success();
    let other = Site::serving([]);
    curl(&other, &site.url("index.json")).failure(60);
    site.stop();
    curl(&site, &site.url("index.json")).failure(7);
    site.resume();
    curl(&site, &site.url("none")).failure(22);
    let served = site.served_when(|served| served.len() == 3);
    let served: Vec<u16> = served.iter().map(|served| served.status).collect();
    assert_eq!(served, [200, 200, 404]);
}

#[test]
fn a_fault_stalls_until_it_is_released() {
    let site = Site::serving([&pack()]);
    let fault = Fault::before(&site).stall_after(50_000);
    let url = fault.url("packs/slack-2.1.0.tar.gz");
    let whole = pack().archive(Format::TarGz).bytes.len();
    std::thread::scope(|scope| {
        let downloads = [(); 2].map(|()| scope.spawn(|| curl(&site, &url)));
        fault.wait_until_stalled(2);
        fault.release();
        for download in downloads {
            let ran = download.join().unwrap();
            ran.success();
            assert_eq!(ran.stdout(), whole.to_string());
        }
    });
    assert_eq!(fault.connections(), 2);
}

#[test]
fn a_fault_cuts() {
    let site = Site::serving([&pack()]);
    let fault = Fault::before(&site).cut_after(50_000);
    let ran = curl(&site, &fault.url("packs/slack-2.1.0.tar.gz"));
    assert_ne!(ran.code(), Some(0));
    drop(fault);
}

#[test]
fn a_fault_that_is_gone_lets_go_of_who_it_held() {
    let site = Site::serving([&pack()]);
    let fault = Fault::before(&site).stall_after(0);
    let port: u16 = fault
        .url("")
        .split(':')
        .nth(2)
        .unwrap()
        .trim_end_matches('/')
        .parse()
        .unwrap();
    let mut held = TcpStream::connect(("127.0.0.1", port)).unwrap();
    fault.wait_until_stalled(1);
    drop(fault);
    held.set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut rest = Vec::new();
    assert_eq!(held.read_to_end(&mut rest).unwrap_or(0), 0);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn a_trace_is_read_back_as_points_to_interfere_at() {
    let folder = tempfile::tempdir().unwrap();
    let tracer = strace::Strace::recording("?rename,renameat,renameat2");
    let mut line = tracer.prefix();
    line.extend(["sh", "-c", "touch a; mv a c"].map(Into::into));
    let mut command = Command::new(&line[0]);
    Ran::of(command.args(&line[1..]).current_dir(folder.path())).success();

    let points = strace::points(&tracer.calls(), "c");

    let point = strace::Point {
        path: "a".to_owned(),
        nth: 1,
    };
    assert_eq!(points, [point]);

    fs_err::write(folder.path().join("a"), "new").unwrap();
    let killer = strace::Strace::killing_at("?rename,renameat,renameat2", &points[0]);
    let mut line = killer.prefix();
    line.extend(["mv", "a", "c"].map(Into::into));
    let mut command = Command::new(&line[0]);
    let ran = Ran::of(command.args(&line[1..]).current_dir(folder.path()));
    assert_eq!(ran.code(), None, "mv was killed");
    assert!(
        folder.path().join("a").exists(),
        "before it had moved anything"
    );
}
