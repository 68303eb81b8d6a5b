use clap::CommandFactory as _;
use insta::assert_snapshot;

use super::*;

fn parse(line: &str) -> Result<Args, clap::Error> {
    Args::of(line.split_whitespace().map(Into::into))
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
        "packctl generations",
        "packctl generations -n 5 --before 40 -j",
        "packctl generation show 4",
        "packctl generations diff 4 7",
        "packctl generations diff 4",
        "packctl generations pin 4 --reason x",
        "packctl generations unpin 4 5",
        "packctl apply -f packs.yaml --prune --check --diff",
        "packctl apply -f - --dry-run --force --skip-deps --skip-tests --pre --timeout 5",
        "packctl apply --plan-file plan.json --check",
        "packctl export",
        "packctl export -o packs.yaml",
        "packctl export -o json",
        "packctl gc",
        "packctl gc --dry-run --no-wait",
        "packctl update slack jira --pre --dry-run --timeout 60",
        "packctl update --all --no-wait",
        "packctl update --explain",
        "packctl update --explain slack -j",
        "packctl hold --all --until 14d --reason x",
        "packctl unhold --all",
        "packctl rollback",
        "packctl rollback --generation 4 --dry-run",
        "packctl rollback slack --force --no-wait",
        "packctl rollback slack jira --timeout 60",
        "packctl events -f --since 0 --job 3 --ref slack --kind job_queued,warning",
        "packctl registry refresh acme",
        "packctl registry trust acme --accept-unsigned",
        "packctl key init ./public --keys ./keys --root-keys 3 --threshold 2 --fresh-key --namespace acme_* --password-fd 3",
        "packctl key generate index.key --unencrypted",
        "packctl key show index.pub root.pub",
        "packctl key sign public/packd/index.meta.json --key - --password-credential signing",
        "packctl root show public",
        "packctl root fingerprint root.json",
        "packctl root rotate public --role root --add new.pub --remove 224ebc24 --threshold 2 -k a.key -k b.key",
        "packctl index-sign index.json -k index.key --expires 90d --created 2026-01-01T00:00:00Z --digests more.json",
        "packctl index-fresh index.json -k fresh.key --expires 12h",
        "packctl index-verify public --root root.json --at 2027-01-01T00:00:00Z",
        "packctl list -o ndjson --color never -q",
        "packctl pack test . --detailed",
        "packctl test ./slack -d -v --timeout 60 --env A=b --env C= -j",
        "packctl install slack --version ^2 --ref main --path packs/slack --checksum sha256:00 \
         --registry acme --change-origin --force --skip-deps --skip-tests --pre --dry-run --timeout 60",
        "packctl apply -f packs.yaml --change-origin --check",
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
        "packctl apply",
        "packctl apply -f a --plan-file b",
        "packctl apply --plan-file b --prune",
        "packctl apply --plan-file b --change-origin",
        "packctl install slack --no-wait --timeout 3",
        "packctl install slack --registry acme --no-registry",
        "packctl job show slack",
        "packctl generations show slack",
        "packctl generations -n 5 diff 1 2",
        "packctl update",
        "packctl update slack --all",
        "packctl update --explain --dry-run",
        "packctl hold",
        "packctl unhold slack --all",
        "packctl rollback --generation 0",
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
fn m21_output_names_a_file_where_a_file_is_written() {
    let merge = |line: &str| match parse(line).map(|args| (args.global.format(), args.command)) {
        Ok((
            format,
            Command::Verb(Verb::IndexMerge(verb)) | Command::Pack(Verb::IndexMerge(verb)),
        )) => Ok((format, format!("{verb:?}"))),
        Ok(_) => panic!("`{line}` is another verb"),
        Err(error) => Err(error.exit_code()),
    };
    for (line, format) in [
        ("packctl index-merge --output out.json a b", Format::Human),
        ("packctl index-merge a b --output=out.json", Format::Human),
        ("packctl index-merge -o out.json a b", Format::Human),
        ("packctl index-merge -oout.json a b", Format::Human),
        ("packctl index-merge --file out.json a b", Format::Human),
        (
            "packctl pack index-merge --output out.json -j a b",
            Format::Json,
        ),
        (
            "packctl --output json pack index-merge --output out.json a b",
            Format::Json,
        ),
        (
            "packctl index-merge --output yaml --output out.json a b",
            Format::Yaml,
        ),
        (
            "packctl index-merge --output=ndjson -o out.json a b",
            Format::Ndjson,
        ),
        (
            "packctl index-merge --output table --file out.json a b",
            Format::Human,
        ),
    ] {
        let (shape, verb) = merge(line).unwrap_or_else(|code| panic!("`{line}` exits with {code}"));
        assert_eq!(shape, format, "{line}");
        assert!(verb.contains("file: \"out.json\""), "{line}: {verb}");
    }
    let (_, verb) = merge("packctl index-merge --output ./json a").expect("a path is a file");
    assert!(verb.contains("file: \"./json\""), "{verb}");
    for line in [
        "packctl index-merge --output json a b",
        "packctl index-merge a --output",
        "packctl index-merge --output out.json --file other.json a",
        "packctl --output out.json index-merge a b",
        "packctl index-merge -- --output out.json",
    ] {
        assert_eq!(merge(line).err(), Some(2), "`{line}` was taken");
    }
    let error = parse("packctl index-merge --output json a b").expect_err("no file is named");
    let said = error.to_string();
    assert!(said.contains("--file <FILE>"), "{said}");
    assert!(
        said.contains("tip: --output FILE says where to write, too; `json` and other names"),
        "{said}"
    );
}

#[test]
fn the_help_lists_the_verbs_as_a_manual_does() {
    let help = Args::command().term_width(100).render_help().to_string();
    let verbs = help
        .split("Commands:\n")
        .nth(1)
        .and_then(|rest| rest.split("\n\n").next());
    assert_snapshot!(verbs.unwrap_or_default(), @r"
    install         Install packs, or bring them to another version
    remove          Remove packs [alias: uninstall]
    update          Bring packs to newer versions, or say why they are or are not updated by
                    themselves
    apply           Make this host have the packs that a file names, or run a plan that was saved
    export          Write what this host has as a file that `apply -f` reads
    list            List the packs that are installed
    show            Show everything about an installed pack [alias: info]
    search          Search the registries for packs
    versions        List the versions of a pack that registries offer
    hold            Keep packs in the version that they have
    unhold          Let held packs change again
    rollback        Go back to the packs of an earlier generation
    generations     Show what changed and when, and keep the ways back [alias: generation]
    verify          Compare packs with what was installed, and repair them
    gc              Free the disk of what nothing needs any more
    job             Look at jobs, watch them, cancel them
    events          Show what happened, and follow what happens
    registry        Look at the registries that packs come from, and add others [alias: registries]
    status          Show how packd fares, what is wrong first
    doctor          Check the installation, and say what to do about each thing that is wrong
    metrics         Print figures for monitoring, as OpenMetrics
    audit           Show who asked for what, and what became of it
    checksum        Print the digest of a folder, an archive or a file
    index-entry     Make the index entry of a pack from its folder
    index-update    Publish a pack into an index file
    index-merge     Merge indexes: the newest of each pack, with all its versions
    index-validate  Check an index: its form, versions, checksums, and with --fetch its archives
    index-sign      Sign an index, and everything that it names
    index-fresh     Say that a signed index is current
    index-verify    Check a signed registry as a host would, before it is published
    key             Keys of signed registries
    root            Roots of signed registries: which keys may sign what
    lint            Check a pack folder against its own manifest
    test            Run the tests of a pack: of a folder here, or of an installed one
    tests           Show what came of the tests of a pack on this host, the newest first
    build           Build the archive that a pack is published as
    create          Make a new pack that builds, installs and passes its test
    completions     Print the completions of a shell
    man             Print the manual page, or write one per verb
    ");
}
