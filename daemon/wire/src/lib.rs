//! What is said over packd's Unix socket, and nothing else.
//!
//! Requests, views, events, error kinds and paths: the shapes both programs
//! agree on. Serde only, no behaviour beyond what a shape means (the status of
//! a kind, the text of a path). `docs/openapi.json` is generated from here.

mod audit;
mod desired;
mod error;
mod event;
mod gc;
mod generation;
mod hook;
mod job;
mod pack;
pub mod path;
mod query;
mod registry;
mod request;
mod role;
mod status;
mod test;
mod update;

pub use audit::{
    AuditBreak, AuditBroken, AuditHead, AuditList, AuditNoted, AuditVerifyView, AuditView, NotAHead,
};
pub use desired::{ApplyRequest, Desired, DesiredHold, DesiredPack, EnsureQuery, HoldChange};
pub use error::{ErrorKind, Exit, Problem};
pub use event::{EventKind, EventList, EventView};
pub use gc::{GcItem, GcKind, GcLeft, GcRequest, GcView};
pub use generation::{
    BlockedView, DiffQuery, GenerationChange, GenerationDetail, GenerationDiff, GenerationList,
    GenerationPack, GenerationView, GenerationsQuery, PinRequest, PinView, RollbackRequest,
};
pub use hook::{HookStatus, HookView};
pub use job::{
    ChangeAction, JobKind, JobList, JobStatus, JobView, LeftOut, PlanChange, PlanView,
    ProgressUnit, ProgressView, Requester, StepName, StepStatus, StepView,
};
pub use pack::{
    ContentsView, DigestsView, HoldView, PackList, PackState, PackView, SourceType, SourceView,
    TreeChange, TreeDifference, TreeView, Verification, VerifiedView,
};
pub use query::{AuditQuery, AuditVerifyQuery, EventsQuery, JobsQuery, SearchQuery, WaitQuery};
pub use registry::{
    AskedView, AvailableList, AvailableView, RegistryChange, RegistryHealth, RegistryList,
    RegistrySettings, RegistryState, RegistryView, SearchList, SearchView, SignedView, Trust,
    TrustRequest,
};
pub use request::{
    HoldRequest, InstallRequest, RefreshRequest, RegistryRequest, RemoveQuery, UploadQuery,
    VerifyRequest,
};
pub use role::Role;
pub use status::{AcknowledgeView, DegradedView, HealthView, QueueView, ReloadView, StatusView};
pub use test::{
    QualityView, TestList, TestRequest, TestStatus, TestSummary, TestTrigger, TestView, TestsQuery,
};
pub use update::{
    FreezeView, RegistryUpdates, UpdateAllow, UpdateDecision, UpdateList, UpdateMode,
    UpdateRequest, UpdateView, UpdatesSummary,
};
