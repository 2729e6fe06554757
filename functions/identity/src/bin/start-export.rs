//! `POST /v1/me/export`: starts an export of everything that the shop stores about the person who is signed in. While one is
//! under way, it returns that one.

use std::process::ExitCode;

use domain::{
    id::{AccountId, ExportId, JobId},
    identity::export::ExportView,
    jobs::{Job, JobKind},
    limits::{EXPORT_DATA, Limit},
    orders::Actor,
};
use limiter::Limiter;
use runtime::{Access, Endpoint, Failure, NoBody, NoPath, NoQuery, Reply, Request};
use store::{StartExport as Started, Store};

pub(crate) struct StartExport {
    store: Store,
    limiter: Limiter,
}

impl Endpoint for StartExport {
    const ACCESS: Access = Access::Person;
    const SUCCESS: u16 = 202;
    const LIMITS: &'static [&'static Limit] = &[&EXPORT_DATA];
    type Path = NoPath;
    type Query = NoQuery;
    type Body = NoBody;
    type Response = ExportView;

    async fn handle(&self, request: Request<Self>) -> Result<Reply<ExportView>, Failure> {
        let (account, now) = (request.account()?, request.now);
        identity::account(&self.store, account).await?;
        let mut newest = self.store.newest_export(account).await?;
        let mut attempts = identity::attempts();
        let mut job = None;
        loop {
            if let Some(running) = newest.clone().running(now) {
                return accepted(&running);
            }
            attempts.next().await?;
            // Counted once, and only if there is one to start.
            let job = match &job {
                Some(job) => job,
                None => {
                    let caller = request.caller();
                    self.limiter.check(&EXPORT_DATA, caller, now).await?;
                    job.insert(new_job(account, &request)?)
                }
            };
            let started = self.store.start_export(account, job, &newest).await?;
            match started {
                Started::Started => {
                    tracing::info!(account.id = %account, job.id = %job.id, "export started");
                    return accepted(job);
                }
                Started::NoAccount => return Err(runtime::invalid_token().into()),
                Started::Superseded => newest = self.store.newest_export(account).await?,
            }
        }
    }
}

fn new_job(account: AccountId, request: &Request<StartExport>) -> Result<Job, Failure> {
    let job = Job::queued(
        JobId::at(request.now, runtime::random()?),
        JobKind::AccountExport,
        Actor::Customer,
        request.now,
        &request.trace_id,
        request.traceparent,
    );
    Ok(job.of_account(account))
}

fn accepted(job: &Job) -> Result<Reply<ExportView>, Failure> {
    let place = format!("/v1/me/exports/{}", ExportId::of(job.id));
    Ok(Reply::of(&ExportView::of(job))?.at(place))
}

fn main() -> ExitCode {
    access::serve_with_settings(|environment, store, control| {
        Ok(StartExport {
            limiter: Limiter::new(&store, control, environment)?,
            store,
        })
    })
}
