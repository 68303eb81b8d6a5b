//! The rules, each with its number, its weight and what it asks for. `docs/pack-format.md#11-lint` has the same
//! table; a test compares them.

use super::Severity;
use crate::rules::rules;

rules! {
    /// A rule that packs are held to.
    pub enum Rule {
        Manifest = "P101", Error, "`pack.yaml` can be read, and what decides in it is right";
        MisspeltKey = "P102", Warning, "a key is not nearly another one";
        UnknownKey = "P103", Note, "a key is one that some vocabulary has";
        Version = "P104", Warning, "`version` is written as the semantic version it means";
        LeftOut = "P105", Warning, "what describes can be read, too";
        NoLicense = "P106", Warning, "there is a `license`";
        License = "P107", Warning, "`license` is an SPDX expression";
        NoDescription = "P108", Warning, "there is a `description`";
        NoLabel = "P109", Note, "there is a `label` or a `name`";
        NoAuthor = "P110", Note, "there is an `author`";
        NoRef = "P111", Note, "there is a `ref`";
        SelfDependency = "P112", Error, "a pack does not need itself";
        DuplicateDependency = "P113", Warning, "a pack is named once among the dependencies";
        Engine = "P114", Warning, "what is asked of Attune, StackStorm, Python or Node.js is a requirement";
        Url = "P115", Warning, "`homepage` and `repository` are URLs";
        Runtime = "P116", Note, "a runtime is one that hosts are known to have";

        ComponentSyntax = "P201", Error, "a component's file can be read as YAML";
        ComponentDialect = "P202", Warning, "no key comes twice in a component's file";
        ComponentShape = "P203", Error, "a component's file is a mapping";
        ComponentName = "P204", Error, "a component has a `ref` or a `name`";
        ComponentPack = "P205", Error, "a component belongs to this pack";
        ComponentTwice = "P206", Error, "no two components of one kind have the same name";
        EntryPoint = "P207", Error, "an entry point is there";
        EntryPointOutside = "P208", Error, "an entry point lies in the pack";
        NotExecutable = "P209", Warning, "an entry point that is a script or a program is executable";
        Workflow = "P210", Error, "a workflow's file is there";
        Runner = "P211", Warning, "a runner is one that an ecosystem has";
        ComponentSize = "P212", Warning, "a component's file has at most 256 KiB";
        Program = "P213", Warning, "a program that is an entry point has been built";

        TestEntryPoint = "P301", Error, "what tests run is there";
        NoTests = "P302", Warning, "a `testing` section that is enabled has something to run";

        File = "P401", Error, "every file is one that a pack may have";
        Size = "P402", Warning, "the pack is not larger than other readers allow";
        Secret = "P403", Warning, "no file looks like a secret";
        Crlf = "P404", Warning, "a `#!` line does not end with CR";
        Shebang = "P405", Note, "a file with a `#!` line is executable";
        Repository = "P406", Warning, "no folder of the pack is a git repository of its own";
    }
}
