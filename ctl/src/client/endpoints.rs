//! What can be asked: one method for each endpoint, typed both ways.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::Method;
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE};
use packd_wire::{
    AcknowledgeView, ApplyRequest, AuditList, AuditQuery, AuditVerifyQuery, AuditVerifyView,
    AvailableList, DiffQuery, EventList, EventsQuery, FreezeView, GcRequest, GenerationDetail,
    GenerationDiff, GenerationList, GenerationView, GenerationsQuery, HoldRequest, InstallRequest,
    JobList, JobView, JobsQuery, PackList, PackView, PinRequest, RefreshRequest, RegistryChange,
    RegistryList, RegistryRequest, RegistryView, RemoveQuery, RollbackRequest, SearchList,
    SearchQuery, StatusView, TestList, TestRequest, TestsQuery, TrustRequest, UpdateList,
    UpdateRequest, UploadQuery, VerifyRequest, path,
};

use super::body::{self, Upload};
use super::call::{ANSWER_TIME, Call, segment};
use super::{Client, ClientError, decode, invalid, silent, unexpected};

/// How long registries may take to be read again.
const REFRESH_TIME: Duration = Duration::from_mins(10);

impl Client {
    /// `GET /v1/status`
    pub(crate) async fn status(&self) -> Result<StatusView, ClientError> {
        self.ask(Call::get(path::STATUS)).await
    }

    /// `GET /v1/packs`
    pub(crate) async fn packs(&self) -> Result<PackList, ClientError> {
        self.ask(Call::get(path::PACKS)).await
    }

    /// `GET /v1/packs/{ref}`
    pub(crate) async fn pack(&self, pack_ref: &str) -> Result<PackView, ClientError> {
        self.ask(Call::get(path::pack(&segment(pack_ref)))).await
    }

    /// `POST /v1/packs/install`
    pub(crate) async fn install(&self, request: &InstallRequest) -> Result<JobView, ClientError> {
        self.ask(Call::change(Method::POST, path::INSTALL).with_json(request)?)
            .await
    }

    /// `POST /v1/packs/upload`; not sent again by itself, because its body can be read once.
    pub(crate) async fn upload(
        &self,
        query: &UploadQuery,
        content_type: &'static str,
        length: Option<u64>,
        upload: Upload,
    ) -> Result<JobView, ClientError> {
        let call = Call::change(Method::POST, path::UPLOAD).with_query(query)?;
        let mut request = self.request(&call, upload.boxed_unsync())?;
        request
            .headers_mut()
            .insert(CONTENT_TYPE, content_type.parse().map_err(invalid(&call))?);
        if let Some(length) = length {
            request.headers_mut().insert(CONTENT_LENGTH, length.into());
        }
        let name = call.name();
        let response = self.send(request, &name).await?;
        let bytes = self.read(response, &name, ANSWER_TIME).await?;
        decode(&bytes, &name)
    }

    /// `POST /v1/apply`
    pub(crate) async fn apply(&self, request: &ApplyRequest) -> Result<JobView, ClientError> {
        self.ask(Call::change(Method::POST, path::APPLY).with_json(request)?)
            .await
    }

    /// `POST /v1/packs/verify`
    pub(crate) async fn verify(&self, request: &VerifyRequest) -> Result<JobView, ClientError> {
        self.ask(Call::change(Method::POST, path::VERIFY).with_json(request)?)
            .await
    }

    /// `POST /v1/packs/update`
    pub(crate) async fn update(&self, request: &UpdateRequest) -> Result<JobView, ClientError> {
        self.ask(Call::change(Method::POST, path::UPDATE).with_json(request)?)
            .await
    }

    /// `GET /v1/updates`
    pub(crate) async fn updates(&self) -> Result<UpdateList, ClientError> {
        self.ask(Call::get(path::UPDATES)).await
    }

    /// `POST /v1/freeze`
    pub(crate) async fn freeze(&self, request: &HoldRequest) -> Result<FreezeView, ClientError> {
        self.ask(Call::change(Method::POST, path::FREEZE).with_json(request)?)
            .await
    }

    /// `DELETE /v1/freeze`
    pub(crate) async fn thaw(&self) -> Result<FreezeView, ClientError> {
        self.ask(Call::change(Method::DELETE, path::FREEZE)).await
    }

    /// `POST /v1/status/acknowledge`
    pub(crate) async fn acknowledge(&self) -> Result<AcknowledgeView, ClientError> {
        self.ask(Call::change(Method::POST, path::ACKNOWLEDGE))
            .await
    }

    /// `DELETE /v1/packs/{ref}`
    pub(crate) async fn remove(
        &self,
        pack_ref: &str,
        query: &RemoveQuery,
    ) -> Result<JobView, ClientError> {
        let path = path::pack(&segment(pack_ref));
        self.ask(Call::change(Method::DELETE, path).with_query(query)?)
            .await
    }

    /// `POST /v1/packs/{ref}/hold`
    pub(crate) async fn hold(
        &self,
        pack_ref: &str,
        request: &HoldRequest,
    ) -> Result<PackView, ClientError> {
        let call = Call::change(Method::POST, path::pack_hold(&segment(pack_ref)));
        self.ask(call.with_json(request)?).await
    }

    /// `DELETE /v1/packs/{ref}/hold`
    pub(crate) async fn unhold(&self, pack_ref: &str) -> Result<PackView, ClientError> {
        let path = path::pack_hold(&segment(pack_ref));
        self.ask(Call::change(Method::DELETE, path)).await
    }

    /// `GET /v1/generations`: one page, newest first.
    pub(crate) async fn generations(
        &self,
        query: &GenerationsQuery,
    ) -> Result<GenerationList, ClientError> {
        self.ask(Call::get(path::GENERATIONS).with_query(query)?)
            .await
    }

    /// `GET /v1/generations/{number}`
    pub(crate) async fn generation(&self, number: i64) -> Result<GenerationDetail, ClientError> {
        self.ask(Call::get(path::generation(number))).await
    }

    /// `GET /v1/generations/{number}/diff`
    pub(crate) async fn generation_diff(
        &self,
        number: i64,
        query: &DiffQuery,
    ) -> Result<GenerationDiff, ClientError> {
        self.ask(Call::get(path::generation_diff(number)).with_query(query)?)
            .await
    }

    /// `POST /v1/generations/{number}/pin`
    pub(crate) async fn pin(
        &self,
        number: i64,
        request: &PinRequest,
    ) -> Result<GenerationView, ClientError> {
        let call = Call::change(Method::POST, path::generation_pin(number));
        self.ask(call.with_json(request)?).await
    }

    /// `DELETE /v1/generations/{number}/pin`
    pub(crate) async fn unpin(&self, number: i64) -> Result<GenerationView, ClientError> {
        let path = path::generation_pin(number);
        self.ask(Call::change(Method::DELETE, path)).await
    }

    /// `POST /v1/rollback`
    pub(crate) async fn rollback(&self, request: &RollbackRequest) -> Result<JobView, ClientError> {
        self.ask(Call::change(Method::POST, path::ROLLBACK).with_json(request)?)
            .await
    }

    /// `POST /v1/gc`
    pub(crate) async fn gc(&self, request: &GcRequest) -> Result<JobView, ClientError> {
        self.ask(Call::change(Method::POST, path::GC).with_json(request)?)
            .await
    }

    /// `POST /v1/packs/{ref}/test`
    pub(crate) async fn test(&self, pack_ref: &str) -> Result<JobView, ClientError> {
        let path = path::pack_test(&segment(pack_ref));
        let call = Call::change(Method::POST, path);
        self.ask(call.with_json(&TestRequest::default())?).await
    }

    /// `GET /v1/packs/{ref}/tests`: one page, newest first.
    pub(crate) async fn tests(
        &self,
        pack_ref: &str,
        query: &TestsQuery,
    ) -> Result<TestList, ClientError> {
        let path = path::pack_tests(&segment(pack_ref));
        self.ask(Call::get(path).with_query(query)?).await
    }

    /// `GET /v1/jobs`: one page, newest first.
    pub(crate) async fn jobs(&self, query: &JobsQuery) -> Result<JobList, ClientError> {
        self.ask(Call::get(path::JOBS).with_query(query)?).await
    }

    /// `GET /v1/jobs/{id}`
    pub(crate) async fn job(&self, id: i64) -> Result<JobView, ClientError> {
        self.ask(Call::get(path::job(id))).await
    }

    /// `POST /v1/jobs/{id}/cancel`
    pub(crate) async fn cancel(&self, id: i64) -> Result<JobView, ClientError> {
        self.ask(Call::change(Method::POST, path::job_cancel(id)))
            .await
    }

    /// `GET /v1/events` as a list: one page, oldest first.
    pub(crate) async fn events(&self, query: &EventsQuery) -> Result<EventList, ClientError> {
        let query = EventsQuery {
            follow: Some(false),
            ..query.clone()
        };
        self.ask(Call::get(path::EVENTS).with_query(&query)?).await
    }

    /// `GET /v1/events` as a stream of lines, without a deadline.
    pub(crate) async fn event_stream(&self, query: &EventsQuery) -> Result<Incoming, ClientError> {
        let mut call = Call::get(path::EVENTS).with_query(query)?;
        call.accept = "application/x-ndjson";
        let name = call.name();
        let request = self.request(&call, body::whole(Bytes::new()))?;
        let response = tokio::time::timeout(call.time, self.send(request, &name))
            .await
            .map_err(|_| silent(&name, call.time))??;
        if response.status().is_success() {
            return Ok(response.into_body());
        }
        let status = response.status().as_u16();
        // reading a refusal as a whole makes the error of it
        let bytes = self.read(response, &name, ANSWER_TIME).await?;
        Err(unexpected(status, &bytes, &name))
    }

    /// `GET /v1/registries`
    pub(crate) async fn registries(&self) -> Result<RegistryList, ClientError> {
        self.ask(Call::get(path::REGISTRIES)).await
    }

    /// `POST /v1/registries/refresh`
    pub(crate) async fn refresh(
        &self,
        request: &RefreshRequest,
    ) -> Result<RegistryList, ClientError> {
        let mut call = Call::change(Method::POST, path::REGISTRIES_REFRESH);
        call.time = REFRESH_TIME;
        self.ask(call.with_json(request)?).await
    }

    /// `GET /v1/registries/{name}`
    pub(crate) async fn registry(&self, name: &str) -> Result<RegistryView, ClientError> {
        self.ask(Call::get(path::registry(&segment(name)))).await
    }

    /// `POST /v1/registries`
    pub(crate) async fn add_registry(
        &self,
        request: &RegistryRequest,
    ) -> Result<RegistryChange, ClientError> {
        let call = Call::change(Method::POST, path::REGISTRIES);
        self.ask(call.with_json(request)?).await
    }

    /// `PUT /v1/registries/{name}`
    pub(crate) async fn change_registry(
        &self,
        name: &str,
        request: &RegistryRequest,
    ) -> Result<RegistryChange, ClientError> {
        let call = Call::change(Method::PUT, path::registry(&segment(name)));
        self.ask(call.with_json(request)?).await
    }

    /// `DELETE /v1/registries/{name}`
    pub(crate) async fn remove_registry(&self, name: &str) -> Result<RegistryChange, ClientError> {
        self.ask(Call::change(Method::DELETE, path::registry(&segment(name))))
            .await
    }

    /// `POST /v1/registries/{name}/trust`
    pub(crate) async fn trust(
        &self,
        name: &str,
        request: TrustRequest,
    ) -> Result<RegistryList, ClientError> {
        let call = Call::change(Method::POST, path::registry_trust(&segment(name)));
        self.ask(call.with_json(&request)?).await
    }

    /// `GET /v1/search`
    pub(crate) async fn search(&self, query: &SearchQuery) -> Result<SearchList, ClientError> {
        self.ask(Call::get(path::SEARCH).with_query(query)?).await
    }

    /// `GET /v1/available/{ref}`
    pub(crate) async fn available(&self, pack_ref: &str) -> Result<AvailableList, ClientError> {
        self.ask(Call::get(path::available(&segment(pack_ref))))
            .await
    }

    /// `GET /v1/metrics`
    pub(crate) async fn metrics(&self) -> Result<String, ClientError> {
        let mut call = Call::get(path::METRICS);
        call.accept = "application/openmetrics-text";
        let bytes = self.bytes(call).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// `GET /v1/audit`: one page, newest first.
    pub(crate) async fn audit(&self, query: &AuditQuery) -> Result<AuditList, ClientError> {
        self.ask(Call::get(path::AUDIT).with_query(query)?).await
    }

    /// `GET /v1/audit/verify`: whether the audit is as it was written.
    pub(crate) async fn verify_audit(
        &self,
        query: &AuditVerifyQuery,
    ) -> Result<AuditVerifyView, ClientError> {
        self.ask(Call::get(path::AUDIT_VERIFY).with_query(query)?)
            .await
    }
}
