//! What breaks a rule, one by one: a part of the good index, what is there instead, and what is found.

/// Part, other part, findings.
pub(super) type Case = (&'static str, &'static str, &'static [&'static str]);

const ARCHIVE: &str = "archives/slack-2.1.0.tar.gz";
const GIT: &str = "https://git.example/slack.git";
const DIGEST: &str = "sha256:6a64844f20e285f7cbf08fc1bb31855b08d74371e987f950d080d95d8c9d31b5";

/// About entries, and what is beside them.
pub(super) const ENTRIES: &[Case] = &[
    (
        r#""registry_name": "Example","#,
        "",
        &["I103 registry_name at {"],
    ),
    (
        r#""registry_name": "Example","#,
        r#""registry_name": "Example", "registry_name": "Other","#,
        &["I103 registry_name at \"Other\""],
    ),
    (r#""Example""#, "7", &["I103 registry_name at 7"]),
    (
        "2026-01-31T12:00:00Z",
        "yesterday",
        &["I104 last_updated at \"yesterday\""],
    ),
    (
        "2026-01-31T12:00:00Z",
        "2026-01-31 12:00:00Z",
        &["I104 last_updated at \"2026-01-31"],
    ),
    (
        "2026-01-31T12:00:00Z",
        "2026-02-31T12:00:00Z",
        &["I104 last_updated at \"2026-02-31T"],
    ),
    (
        "https://packs.example\"",
        "packs\"",
        &["I105 registry_url at \"packs\""],
    ),
    (
        "https://packs.example\"",
        "https://me:pw@packs.example\"",
        &["I309 registry_url at \"https://me:"],
    ),
    ("\"1.0\"", "\"2.0\"", &["I106 version at \"2.0\""]),
    (
        "\"ref\": \"slack\"",
        "\"ref\": \"zlack\"",
        &["I108 packs[1].ref at \"teams\""],
    ),
    (
        "\"label\": \"Slack\"",
        "\"label\": \"S\", \"label\": \"T\"",
        &["I201 packs[0] at {"],
    ),
    ("\"ref\": \"slack\",", "", &["I202 packs[0].ref at {"]),
    (
        "\"ref\": \"slack\"",
        "\"ref\": \"aws.ec2\"",
        &["I202 packs[0].ref at \"aws.ec2\""],
    ),
    (
        "\"ref\": \"slack\"",
        "\"ref\": 7",
        &["I205 packs[0].ref at 7"],
    ),
    (
        "\"ref\": \"slack\"",
        "\"ref\": null",
        &["I202 packs[0].ref at null"],
    ),
    ("\"packs\": [", "\"packs\": [[],", &["I201 packs[0] at ["]),
    (
        "\"ref\": \"slack\"",
        "\"ref\": \"teams\"",
        &["I203 packs[1].ref at \"teams\""],
    ),
    ("\"label\": \"Slack\",", "", &["I204 packs[0].label at {"]),
    (
        "\"description\": \"Chat\"",
        "\"description\": null",
        &["I204 packs[0].description at null"],
    ),
    (
        "\"description\": \"Chat\"",
        "\"description\": [1]",
        &["I205 packs[0].description at [1"],
    ),
    (
        "\"runtime_deps\": [],",
        "",
        &["I204 packs[1].runtime_deps at {"],
    ),
    (
        "\"keywords\": [\"chat\"]",
        "\"keywords\": [\"chat\", 5]",
        &["I205 packs[0].keywords[1] at 5"],
    ),
    (
        "\"keywords\": [\"chat\"]",
        "\"keywords\": \"chat\"",
        &["I205 packs[0].keywords at \"chat\""],
    ),
    (
        "\"keywords\": [\"chat\"]",
        "\"meta\": [], \"phased\": 101",
        &["I320 packs[0].phased at 101", "I205 packs[0].meta at ["],
    ),
    (
        "\"license\": \"Apache-2.0\",",
        "",
        &["I204 packs[0].license at {"],
    ),
    (
        "\"Apache-2.0\"",
        "\"NOASSERTION\"",
        &["I206 packs[0].license at \"NOASSERTION"],
    ),
    (
        "\"Apache-2.0\"",
        "\"Our own\"",
        &["I206 packs[0].license at \"Our own\""],
    ),
    (
        "\"contents\": {}",
        "\"contents\": 3",
        &["I207 packs[1].contents at 3"],
    ),
    (
        "\"sensors\": []",
        "\"sensors\": 1, \"rules\": 0",
        &["I207 packs[0].contents.sensors at 1"],
    ),
    (
        "\"sensors\": []",
        "\"sensors\": \"x\"",
        &["I205 packs[0].contents.sensors at \"x\""],
    ),
    (
        "\"sensors\": []",
        "\"sensors\": [{\"name\": \"x\"}]",
        &["I211 packs[0].contents.sensors[0] at {\"name\": \"x\""],
    ),
    (
        "https://packs.example/slack\"",
        "ftp:/x\"",
        &["I209 packs[0].homepage at \"ftp:/x\""],
    ),
    (
        "https://packs.example/slack\"",
        "http://a:b@c/\"",
        &["I309 packs[0].homepage at \"http://a:b@"],
    ),
    (
        "core@^1.0",
        "core@^^1",
        &["I210 packs[0].dependencies at {\"attune_ver"],
    ),
];

/// About releases.
pub(super) const RELEASES: &[Case] = &[
    (
        "\"version\": \"2.1.0\",",
        "",
        &["I301 packs[0].version at {"],
    ),
    (
        "\"2.1.0\"",
        "\"two\"",
        &["I301 packs[0].version at \"two\""],
    ),
    ("\"2.1.0\"", "[]", &["I301 packs[0].version at ["]),
    (
        "\"2.1.0\"",
        "\"v2.1\"",
        &["I302 packs[0].version at \"v2.1\""],
    ),
    ("\"2.1.0\"", "2.10", &["I302 packs[0].version at 2.10"]),
    (
        "\"2.0.0\"",
        "\"2.1.0\"",
        &["I303 packs[0].versions[0] at {"],
    ),
    ("\"2.1.0\"", "\"1.9.0\"", &[]),
    (
        "\"yanked\": true",
        "\"yanked\": \"yes\"",
        &["I205 packs[0].versions[0].yanked at \"yes\""],
    ),
    (
        "\"versions\": [",
        "\"versions\": [{\"version\": \"3.0.0-rc.1\", \"install_sources\": []},",
        &["I306 packs[0].versions[0].install_sources at ["],
    ),
    (
        "\"versions\": [",
        "\"versions\": [{\"version\": \"1.0.0\"},",
        &[
            "I305 packs[0].versions[1] at {",
            "I306 packs[0].versions[0].install_sources at {\"version\":",
        ],
    ),
    (
        "\"versions\": [",
        "\"versions\": [7, {\"version\": \"2.0.0\", \"version\": \"1\"},",
        &[
            "I205 packs[0].versions[0] at 7",
            "I201 packs[0].versions[1] at {\"version\":",
        ],
    ),
    (
        "2025-01-31T12:00:00+01:00",
        "2025-01-31",
        &["I318 packs[0].versions[0].published_at at \"2025-01-31\""],
    ),
    (
        "\"type\": \"archive\"",
        "\"type\": \"oci\"",
        &["I307 packs[0].install_sources[1].type at \"oci\""],
    ),
    (
        "\"type\": \"archive\",",
        "",
        &["I307 packs[0].install_sources[1].type at {"],
    ),
    (
        ARCHIVE,
        "",
        &["I308 packs[0].install_sources[1].url at \"\""],
    ),
    (
        ARCHIVE,
        "a b.zip",
        &["I308 packs[0].install_sources[1].url at \"a b.zip\""],
    ),
    (
        ARCHIVE,
        "oci://h/x",
        &["I308 packs[0].install_sources[1].url at \"oci://h/x\""],
    ),
    (
        ARCHIVE,
        "https:///x",
        &["I308 packs[0].install_sources[1].url at \"https:///x\""],
    ),
    (
        ARCHIVE,
        "data:x",
        &["I308 packs[0].install_sources[1].url at \"data:x\""],
    ),
    (
        ARCHIVE,
        "https://user@h/x",
        &["I309 packs[0].install_sources[1].url at \"https://use"],
    ),
    (
        ARCHIVE,
        "http://h/x",
        &["I316 packs[0].install_sources[1].url at \"http://h/x\""],
    ),
    (
        ARCHIVE,
        "https://example.invalid/x",
        &["I317 packs[0].install_sources[1].url at \"https://exa"],
    ),
    (
        GIT,
        "https://github.com/your-org/x",
        &["I322 packs[0].install_sources[0].url at \"https://git"],
    ),
    (
        ARCHIVE,
        "https://github.com/example/x.zip",
        &["I322 packs[0].install_sources[1].url at \"https://git"],
    ),
    (GIT, "ssh://git@h/x", &[]),
    (GIT, "git@h:x", &[]),
    (
        GIT,
        "ssh://git:pw@h/x",
        &["I309 packs[0].install_sources[0].url at \"ssh://git:p"],
    ),
    (
        GIT,
        "git://h/x",
        &["I316 packs[0].install_sources[0].url at \"git://h/x\""],
    ),
    (
        DIGEST,
        "sha256:abc",
        &["I311 packs[0].install_sources[1].checksum at \"sha256:abc\""],
    ),
    (
        DIGEST,
        "md5:d41d8cd98f00b204e9800998ecf8427e",
        &["I311 packs[0].install_sources[1].checksum at \"md5:d41d8cd"],
    ),
    (
        "\"size\": 1234",
        "\"size\": -1",
        &["I315 packs[0].install_sources[1].size at -1"],
    ),
    (
        "\"size\": 1234",
        "\"size\": \"1\"",
        &["I315 packs[0].install_sources[1].size at \"1\""],
    ),
    (
        "\"size\": 1234",
        "\"tree\": \"x\"",
        &["I311 packs[0].install_sources[1].tree at \"x\""],
    ),
    (
        "\"ref\": \"v2.1.0\",",
        "",
        &["I314 packs[0].install_sources[0] at {"],
    ),
    (
        "\"ref\": \"v2.1.0\"",
        "\"ref\": \"--upload-pack=x\"",
        &["I313 packs[0].install_sources[0].ref at \"--upload-pa"],
    ),
    (
        "\"0123456\"",
        "\"HEAD\"",
        &["I313 packs[0].versions[0].install_sources[0].commit at \"HEAD\""],
    ),
];
