use insta::assert_snapshot;
use packd_wire::{QualityView, SearchView};

use super::*;

fn hit(name: &str, registry: &str) -> SearchView {
    SearchView {
        pack_ref: name.to_owned(),
        label: Some("A label".to_owned()),
        version: "2.1.0".to_owned(),
        description: Some("Does \u{1b}[1mthings\u{1b}[0m".to_owned()),
        author: None,
        keywords: Vec::new(),
        registry: registry.to_owned(),
        shadowed: false,
        installed: None,
        quality: None,
    }
}

#[test]
fn hits_say_where_they_come_from_and_what_hides_them() {
    let mut shadowed = hit("slack", "public");
    shadowed.shadowed = true;
    shadowed.description = None;
    let mut list = SearchList {
        packs: vec![hit("slack", "acme"), shadowed],
        truncated: false,
        warnings: Vec::new(),
        registries: Vec::new(),
    };
    let plain = |list: &SearchList| {
        anstream::adapter::strip_str(&table(list, Width::Unlimited)).to_string()
    };
    assert_snapshot!(plain(&list), @r"
    REF    VERSION  REGISTRY           DESCRIPTION
    slack  2.1.0    acme               Does \u{1b}[1mthings\u{1b}[0m
    slack  2.1.0    public (shadowed)  A label
    ");
    list.packs[0].installed = Some("2.0.0".to_owned());
    assert_snapshot!(plain(&list), @r"
    REF    VERSION  INSTALLED  REGISTRY           DESCRIPTION
    slack  2.1.0    2.0.0      acme               Does \u{1b}[1mthings\u{1b}[0m
    slack  2.1.0    -          public (shadowed)  A label
    ");
    list.packs[0].quality = Some(QualityView {
        installs: 1,
        failures: 2,
        tests_passed: 0,
        tests_failed: 2,
    });
    assert_snapshot!(plain(&list), @r"
    REF    VERSION  INSTALLED  HERE                                     REGISTRY           DESCRIPTION
    slack  2.1.0    2.0.0      1 install, failed 2 ×, tests failed 2 ×  acme               Does \u{1b}[1mthings\u{1b}[0m
    slack  2.1.0    -          -                                        public (shadowed)  A label
    ");
    list.packs.clear();
    assert_eq!(plain(&list), "", "no hits, no header");
}
