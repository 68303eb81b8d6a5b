use insta::assert_snapshot;
use packd_wire::PackState;

use super::*;
use crate::command::show::tests::{now, pack};

fn plain(list: &PackList) -> String {
    anstream::adapter::strip_str(&table(list, now(), Width::Unlimited)).to_string()
}

#[test]
fn packs_are_listed_with_what_is_worth_knowing() {
    let mut uploaded = pack("a_pack_with_a_long_name", "0.1.0-rc.1");
    uploaded.registry = None;
    uploaded.state = PackState::Missing;
    let mut list = PackList {
        packs: vec![uploaded, pack("slack", "2.1.0")],
    };
    assert_snapshot!(plain(&list), @"
    REF                      VERSION     REGISTRY  INSTALLED  STATE
    a_pack_with_a_long_name  0.1.0-rc.1  -         5 min ago  missing
    slack                    2.1.0       acme      5 min ago  ok
    ");
    list.packs[1].available = Some("2.2.0".to_owned());
    assert_snapshot!(plain(&list), @"
    REF                      VERSION     AVAILABLE  REGISTRY  INSTALLED  STATE
    a_pack_with_a_long_name  0.1.0-rc.1  -          -         5 min ago  missing
    slack                    2.1.0       2.2.0      acme      5 min ago  ok
    ");
    assert_eq!(
        plain(&PackList { packs: Vec::new() }),
        "",
        "no packs, no header"
    );
}
