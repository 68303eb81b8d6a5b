//! A conversation with the server of a repository: what it has, and the objects of a commit.
//!
//! Everything here blocks, within the bounds of a [`Guard`]. How the bytes travel is [`super::line`]'s matter, and why it failed [`super::reason`]'s.

use std::io::{self, BufRead, Cursor, Read as _};
use std::path::PathBuf;
use std::time::Duration;

use gix::ObjectId;
use gix::bstr::ByteSlice as _;
use gix::error::Result as LibraryResult;
use gix_protocol::fetch::negotiate::{Action, Round};
use gix_protocol::fetch::{Arguments, Context, Negotiate, Options, Response, Shallow, Tags};
use gix_protocol::handshake::Ref;
use gix_protocol::ls_refs::RefPrefixes;
use gix_protocol::{Handshake, LsRefsCommand};
use gix_transport::client::blocking_io::Transport;
use gix_transport::{Protocol, Service};

use super::cache::Bare;
use super::error::GitError;
use super::guard::Guard;
use super::line::{self, Connected, Line};
use super::pack;
use super::reason::{Reasons, is_full, is_too_large};
use super::refs::{Advertised, Advertisement};
use super::ssh;
use super::stream::{Program, Said};
use super::url::GitUrl;

/// How many objects a commit may have, and how many a history.
const OBJECTS_OF_ONE: u32 = 1_000_000;
const OBJECTS_OF_HISTORY: u32 = 5_000_000;

/// A server that has answered.
pub(super) struct Talk {
    url: GitUrl,
    guard: Guard,
    transport: Box<dyn Transport + Send>,
    handshake: Handshake,
    said: Option<Said>,
    known_hosts: Option<PathBuf>,
    /// Ended with the conversation.
    _program: Option<Program>,
}

/// What is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// The commit, and not what was before it.
    One,
    /// All that the refs of the server lead to.
    History,
}

/// What a fetch was like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Brought {
    /// What was asked for.
    AsAsked,
    /// More: the server does not know how to leave history out.
    WholeHistory,
}

impl Talk {
    /// Connects, and hears what the server can do.
    ///
    /// # Errors
    /// [`GitError`], of the way to the server.
    pub(super) fn begin(
        url: &GitUrl,
        line: Line,
        guard: &Guard,
        connect_within: Duration,
    ) -> Result<Self, GitError> {
        let Connected {
            mut transport,
            program,
            said,
            known_hosts: hosts,
        } = line::connect(url, line, guard, connect_within)?;
        let handshake = gix_protocol::handshake(
            &mut transport,
            Service::UploadPack,
            // nobody is asked: credentials are in the configuration, and were sent already
            |_| Ok(None),
            Vec::new(),
            &mut gix::progress::Discard,
        );
        let reasons = Reasons {
            url,
            guard,
            said: said.as_ref(),
            known_hosts: hosts.as_ref(),
        };
        let handshake =
            handshake.map_err(|error| reasons.judge("hear what the server has", &error))?;
        let talk = Self {
            url: url.clone(),
            guard: guard.clone(),
            transport,
            handshake,
            said,
            known_hosts: hosts,
            _program: program,
        };
        talk.is_of_a_known_format()?;
        Ok(talk)
    }

    fn is_of_a_known_format(&self) -> Result<(), GitError> {
        let format = self.handshake.capabilities.capability("object-format");
        let format = format.and_then(|one| one.value().map(ToString::to_string));
        match format {
            Some(format) if format != "sha1" => Err(GitError::Format {
                from: self.url.to_string(),
                format: ssh::printable(&format),
            }),
            _ => Ok(()),
        }
    }

    fn reasons(&self) -> Reasons<'_> {
        Reasons {
            url: &self.url,
            guard: &self.guard,
            said: self.said.as_ref(),
            known_hosts: self.known_hosts.as_ref(),
        }
    }

    /// What the server has.
    ///
    /// # Errors
    /// [`GitError`].
    pub(super) fn advertisement(&mut self) -> Result<Advertisement, GitError> {
        if let Some(refs) = &self.handshake.refs {
            return Ok(understood(refs));
        }
        let mut prefixes = RefPrefixes::new();
        prefixes.extend(["HEAD", "refs/heads/", "refs/tags/"].map(Into::into));
        let command = LsRefsCommand::new(Some(prefixes), &self.handshake.capabilities, agent());
        let listed =
            command.invoke_blocking(&mut self.transport, &mut gix::progress::Discard, false);
        let refs =
            listed.map_err(|error| self.reasons().judge("list the refs of the server", &error))?;
        let advertisement = understood(&refs);
        self.handshake.refs = Some(refs);
        Ok(advertisement)
    }

    /// Brings the objects of commits into a repository.
    ///
    /// # Errors
    /// [`GitError::Gone`] when the server has no such commit, or does not give it.
    pub(super) fn fetch(
        &mut self,
        bare: &Bare,
        commit: Option<ObjectId>,
        depth: Depth,
        alloc_limit: u64,
    ) -> Result<Brought, GitError> {
        self.guard.objects_come();
        let wants = self.wants(commit);
        let haves = bare.whole();
        let can_be_shallow = self.can_be_shallow();
        let shallow = match depth {
            Depth::One if can_be_shallow => Shallow::DepthAtRemote(std::num::NonZeroU32::MIN),
            Depth::History if can_be_shallow && bare.is_shallow() => Shallow::undo(),
            Depth::One | Depth::History => Shallow::NoChange,
        };
        let mut plan = Plain {
            wants: &wants,
            haves: &haves,
        };
        let from = self.url.to_string();
        let objects = bare.repository.objects.clone();
        let outcome = gix_protocol::fetch(
            &mut plan,
            |reader, _progress, interrupt| {
                let mut reader = counted(reader, &self.guard, &self.url, depth)
                    .map_err(gix::error::ErrorExt::raise)?;
                // bases that the server left out because they are here; where nothing is, nothing is left out
                let bases = (!haves.is_empty()).then_some(objects);
                let limits = pack::Limits {
                    guard: &self.guard,
                    from: &from,
                    object: alloc_limit,
                };
                let folder = bare.path.join("objects/pack");
                pack::write(&mut reader, &folder, bases, &limits, interrupt)?;
                Ok(true)
            },
            gix::progress::Discard,
            self.guard.interrupt(),
            Context {
                handshake: &mut self.handshake,
                transport: &mut self.transport,
                user_agent: agent(),
                trace_packetlines: false,
            },
            Options {
                shallow_file: bare.path.join("shallow"),
                shallow: &shallow,
                tags: Tags::None,
                reject_shallow_remote: false,
            },
        );
        match outcome {
            Ok(_) if depth == Depth::One && !can_be_shallow => Ok(Brought::WholeHistory),
            Ok(_) => Ok(Brought::AsAsked),
            Err(error) => {
                if is_too_large(&error) {
                    return Err(GitError::LargeObject {
                        from: self.url.to_string(),
                        limit: alloc_limit,
                    });
                }
                if is_full(&error) {
                    return Err(GitError::Full {
                        folder: bare.path.clone(),
                    });
                }
                let reason = self.reasons().judge("fetch from the server", &error);
                Err(self.gone(commit, reason))
            }
        }
    }

    /// The objects that a server is asked for: older ones give only what they advertise.
    fn wants(&self, commit: Option<ObjectId>) -> Vec<ObjectId> {
        let refs = self.handshake.refs.as_ref().map(|refs| understood(refs));
        let Some(commit) = commit else {
            let all = refs.unwrap_or_default();
            let mut wants: Vec<_> = all
                .refs
                .iter()
                .map(|one| one.tag.unwrap_or(one.commit))
                .chain(all.head.iter().map(|(_, commit)| *commit))
                .collect();
            wants.sort_unstable();
            wants.dedup();
            return wants;
        };
        if self.handshake.server_protocol_version == Protocol::V2 {
            return vec![commit];
        }
        let named = refs
            .iter()
            .flat_map(|all| &all.refs)
            .find(|one| one.commit == commit);
        vec![named.and_then(|one| one.tag).unwrap_or(commit)]
    }

    /// Whether the server gives nothing that it does not advertise.
    pub(super) fn gives_only_refs(&self) -> bool {
        self.handshake.server_protocol_version != Protocol::V2
    }

    /// Whether the server can leave history out.
    pub(super) fn can_be_shallow(&self) -> bool {
        let capabilities = &self.handshake.capabilities;
        match self.handshake.server_protocol_version {
            Protocol::V2 => capabilities
                .capability("fetch")
                .and_then(|fetch| fetch.supports("shallow"))
                .unwrap_or_default(),
            _ => capabilities.contains("shallow"),
        }
    }

    /// The refusal of a commit, in whatever words it comes.
    fn gone(&self, commit: Option<ObjectId>, error: GitError) -> GitError {
        let (Some(commit), GitError::Server { said, .. } | GitError::Library { reason: said, .. }) =
            (commit, &error)
        else {
            return error;
        };
        let refusals = ["not our ref", "no such remote ref", "unadvertised object"];
        if refusals.iter().any(|words| said.contains(words)) {
            return GitError::Gone {
                from: self.url.to_string(),
                commit: commit.to_string(),
            };
        }
        error
    }
}

/// A pack whose head was looked at: there is something to be kept in memory for each object.
fn counted<'a>(
    pack: &'a mut dyn BufRead,
    guard: &Guard,
    url: &GitUrl,
    depth: Depth,
) -> io::Result<impl BufRead + 'a> {
    // `PACK`, the version, and the number of objects; see gitformat-pack(5)
    let mut head = [0; 12];
    pack.read_exact(&mut head)?;
    let [.., a, b, c, d] = head;
    let objects = u32::from_be_bytes([a, b, c, d]);
    let limit = match depth {
        Depth::One => OBJECTS_OF_ONE,
        Depth::History => OBJECTS_OF_HISTORY,
    };
    if objects > limit {
        return Err(guard.fail(GitError::ManyObjects {
            from: url.to_string(),
            objects,
            limit,
        }));
    }
    Ok(Cursor::new(head).chain(pack))
}

fn agent() -> gix_protocol::command::Feature {
    let name = gix_protocol::agent(concat!("packd-", env!("CARGO_PKG_VERSION")));
    ("agent", Some(name))
}

/// The refs as the choice wants them.
fn understood(refs: &[Ref]) -> Advertisement {
    let mut advertisement = Advertisement::default();
    for one in refs {
        match one {
            Ref::Peeled {
                full_ref_name,
                tag,
                object,
            } => push(&mut advertisement, full_ref_name, *object, Some(*tag)),
            Ref::Direct {
                full_ref_name,
                object,
            } => push(&mut advertisement, full_ref_name, *object, None),
            Ref::Symbolic {
                full_ref_name,
                target,
                tag,
                object,
            } => {
                if full_ref_name.as_bytes() == b"HEAD" {
                    let target = target.to_str().ok().map(ToOwned::to_owned);
                    advertisement.head = Some((target, *object));
                } else {
                    push(&mut advertisement, full_ref_name, *object, *tag);
                }
            }
            Ref::Unborn { .. } => {}
        }
    }
    advertisement
}

fn push(
    advertisement: &mut Advertisement,
    name: &gix::bstr::BString,
    commit: ObjectId,
    tag: Option<ObjectId>,
) {
    // a name that is no text can be asked for by nobody
    let Ok(name) = name.to_str() else { return };
    if name == "HEAD" {
        advertisement.head = Some((None, commit));
        return;
    }
    advertisement.refs.push(Advertised {
        name: name.to_owned(),
        commit,
        tag,
    });
}

/// Asks for a few objects in one round: what is here as a whole is known, and there is nothing to find out.
struct Plain<'a> {
    wants: &'a [ObjectId],
    haves: &'a [ObjectId],
}

impl Negotiate for Plain<'_> {
    fn mark_complete_and_common_ref(&mut self) -> LibraryResult<Action> {
        Ok(Action::MustNegotiate {
            remote_ref_target_known: Vec::new(),
        })
    }

    fn add_wants(&mut self, arguments: &mut Arguments, _known: &[bool]) -> bool {
        for want in self.wants {
            arguments.want(want);
        }
        !self.wants.is_empty()
    }

    fn one_round(
        &mut self,
        _state: &mut gix_protocol::fetch::negotiate::one_round::State,
        arguments: &mut Arguments,
        _previous: Option<&Response>,
    ) -> LibraryResult<(Round, bool)> {
        for have in self.haves {
            arguments.have(have);
        }
        let round = Round {
            haves_sent: self.haves.len(),
            in_vain: 0,
            haves_to_send: self.haves.len(),
            previous_response_had_at_least_one_in_common: false,
        };
        Ok((round, true))
    }
}
