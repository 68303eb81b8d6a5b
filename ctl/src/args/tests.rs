use clap::CommandFactory as _;
use insta::assert_snapshot;

use super::*;

fn parse(line: &str) -> Result<Args, clap::Error> {
    Args::try_parse_from(line.split_whitespace())
}

#[test]
fn the_definition_holds_together() {
    Args::command().debug_assert();
}

#[test]
fn verbs_can_be_said_after_pack() {
    for line in [
        "packctl install slack",
        "packctl pack install slack@^2 --no-wait",
        "packctl -j --socket /tmp/s pack list",
        "packctl pack remove slack --yes",
        "packctl uninstall slack --cascade --force --dry-run",
        "packctl job watch 12 --timeout 5",
        "packctl events -f --since 0 --job 3 --ref slack --kind job_queued,warning",
        "packctl registry refresh acme",
        "packctl list -o ndjson --color never -q",
        "packctl pack test . --detailed",
        "packctl test ./slack -d -v --timeout 60 --env A=b --env C= -j",
        "packctl install slack --version ^2 --ref main --path packs/slack --checksum sha256:00 \
         --registry acme --force --skip-deps --skip-tests --pre --dry-run --timeout 60",
    ] {
        let parsed = parse(line);
        assert!(
            parsed.is_ok(),
            "`{line}` was refused: {}",
            parsed.err().map_or_else(String::new, |e| e.to_string())
        );
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    for line in [
        "packctl",
        "packctl install",
        "packctl install slack --no-wait --timeout 3",
        "packctl install slack --registry acme --no-registry",
        "packctl job show slack",
        "packctl events --kind nonsense",
        "packctl search --limit 0",
        "packctl list --output xml",
        "packctl pack pack list",
        "packctl test . --timeout 0",
        "packctl test . --env A",
    ] {
        let error = parse(line).err().map(|error| error.exit_code());
        assert_eq!(error, Some(2), "`{line}` was taken");
    }
}

#[test]
fn short_json_wins_over_the_environment_and_the_option() {
    let format = |line: &str| parse(line).map(|args| args.global.format()).ok();
    assert_eq!(format("packctl list -j --output yaml"), Some(Format::Json));
    assert_eq!(format("packctl list --output table"), Some(Format::Human));
    assert_eq!(format("packctl list --output ndjson"), Some(Format::Ndjson));
}

#[test]
fn the_help_lists_the_verbs_as_a_manual_does() {
    let help = Args::command().term_width(100).render_help().to_string();
    let verbs = help
        .split("Commands:\n")
        .nth(1)
        .and_then(|rest| rest.split("\n\n").next());
    assert_snapshot!(verbs.unwrap_or_default(), @"
    install      Install packs, or bring them to another version
    remove       Remove packs [alias: uninstall]
    list         List the packs that are installed
    show         Show everything about an installed pack [alias: info]
    search       Search the registries for packs
    versions     List the versions of a pack that registries offer
    job          Look at jobs, watch them, cancel them
    events       Show what happened, and follow what happens
    registry     Look at the registries that packs come from [alias: registries]
    status       Show how packd fares, what is wrong first
    audit        Show who asked for what, and what became of it
    index-entry  Make the index entry of a pack from its folder
    checksum     Print the digest of a folder, an archive or a file
    build        Build the archive that a pack is published as
    create       Make a new pack that builds, installs and passes its test
    test         Run the tests of a pack that is a folder here
    completions  Print the completions of a shell
    man          Print the manual page, or write one per verb
    install       Install packs, or bring them to another version
    remove        Remove packs [alias: uninstall]
    list          List the packs that are installed
    show          Show everything about an installed pack [alias: info]
    search        Search the registries for packs
    versions      List the versions of a pack that registries offer
    job           Look at jobs, watch them, cancel them
    events        Show what happened, and follow what happens
    registry      Look at the registries that packs come from [alias: registries]
    status        Show how packd fares, what is wrong first
    audit         Show who asked for what, and what became of it
    index-entry   Make the index entry of a pack from its folder
    index-update  Publish a pack into an index file
    completions   Print the completions of a shell
    man           Print the manual page, or write one per verb
    ");
}
