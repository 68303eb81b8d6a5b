use insta::assert_snapshot;

use super::*;

#[test]
fn versions_say_what_is_special_about_them() {
    let version = |version: &str, registry: &str, shadowed, yanked, installed| AvailableView {
        version: version.to_owned(),
        registry: registry.to_owned(),
        shadowed,
        yanked,
        installed,
    };
    let list = AvailableList {
        nearest: Vec::new(),
        pack_ref: "slack".to_owned(),
        versions: vec![
            version("3.0.0", "public", true, false, false),
            version("2.1.0", "acme", false, true, true),
            version("2.0.0", "acme", false, false, false),
        ],
        warnings: Vec::new(),
        registries: Vec::new(),
    };
    let table = table(&list, Width::Unlimited);
    assert_snapshot!(anstream::adapter::strip_str(&table).to_string(), @"
    VERSION  REGISTRY  NOTE
    3.0.0    public    shadowed
    2.1.0    acme      installed, yanked
    2.0.0    acme
    ");
}
