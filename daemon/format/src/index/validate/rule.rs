//! The rules, each with its number, its weight and what it asks for. `docs/index-format.md#7-rules` has the same
//! table; a test compares them.

use super::Severity;
use crate::rules::rules;

rules! {
    /// A rule that indexes are held to.
    pub enum Rule {
        Json = "I101", Error, "the index is JSON in UTF-8";
        Shape = "I102", Error, "it is an object with `packs` once, a list or an object of at most 1,000,000 entries";
        Header = "I103", Error, "`registry_name`, `registry_url`, `version` and `last_updated` are texts (list form), and there once";
        Updated = "I104", Warning, "`last_updated` is a time of RFC 3339";
        Home = "I105", Warning, "`registry_url` is an absolute URL";
        Format = "I106", Warning, "`version` is a version of the format that is known: `1.…`";
        Empty = "I107", Error, "there is at least one entry";
        Order = "I108", Warning, "entries are sorted by `ref` (list form)";

        Entry = "I201", Error, "an entry is an object of at most 1 MiB, and no known key comes twice in it";
        Ref = "I202", Error, "an entry has a `ref`, or a key, that is a ref";
        RefTwice = "I203", Error, "no two entries have the same ref";
        Required = "I204", Error, "an entry has the fields that it must have";
        Kind = "I205", Error, "values are of the kind that their field has";
        License = "I206", Warning, "`license` is an SPDX expression, and not `NOASSERTION`";
        Counts = "I207", Error, "`contents` lists components, and does not only count them (list form)";
        Key = "I208", Warning, "`ref` is the same as the key (map form)";
        Link = "I209", Warning, "`homepage` and `repository` are URLs";
        Dependency = "I210", Error, "dependencies can be read";
        Component = "I211", Warning, "a component has a `name` and a `description`";

        Version = "I301", Error, "a release has a `version` that can be read as a semantic version";
        Spelling = "I302", Warning, "a version is written as the semantic version it means";
        VersionTwice = "I303", Error, "a version is listed once, and the top level's not again with other sources";
        Newest = "I304", Warning, "the top level is the newest version that is neither a pre-release nor withdrawn";
        VersionOrder = "I305", Warning, "`versions` are sorted, newest first";
        NoSource = "I306", Error, "a release has a source";
        SourceKind = "I307", Error, "a source has a `type` that is known";
        Url = "I308", Error, "a source has a URL, absolute with a scheme that is known, or relative";
        Credentials = "I309", Error, "a URL has no credentials in it";
        NoChecksum = "I310", Error, "an archive has a `checksum`";
        Checksum = "I311", Error, "digests are whole ones of SHA-256 or SHA-512";
        GitChecksum = "I312", Error, "a git source on the top level has a `checksum`, without which Attune's own client reads nothing (list form)";
        GitRef = "I313", Error, "`ref` and `commit` can be a ref and a commit of git";
        Moving = "I314", Warning, "a git source says which `ref` or `commit` it is";
        Size = "I315", Error, "`size` is a number of bytes";
        Unencrypted = "I316", Warning, "a source is not fetched without encryption";
        Placeholder = "I317", Error, "a source is not the placeholder of a template";
        Published = "I318", Warning, "`published_at` is a time of RFC 3339";
        Many = "I319", Warning, "there are not more sources and versions than are read";
        Phased = "I320", Warning, "`phased` is a share in percent";
        OtherChecksum = "I321", Warning, "any other git source has a `checksum` (list form), and that of a git source is a digest";
        Template = "I322", Warning, "a source is not at an address that other templates are written with";
        Trees = "I323", Warning, "the sources of a release have the same `tree`";

        Unreachable = "I501", Error, "an archive can be fetched (`--fetch`)";
        Digest = "I502", Error, "an archive has the digest that the index gives (`--fetch`)";
        Length = "I503", Error, "an archive has the size that the index gives (`--fetch`)";
    }
}
