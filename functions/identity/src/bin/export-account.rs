//! Collects what the shop stores about the owner of an account into one document, step by step, and deletes what an account that
//! was deleted has left.

use std::process::ExitCode;

use domain::{
    event::{Envelope, Event},
    identity::AccountChangeKind,
    jobs::JobKind,
};
use gateways::objects::Bucket;
use identity::{erasure, export::Exports};
use runtime::{ConsumeError, Consumer, Delivery};
use store::Store;

struct ExportAccount {
    exports: Exports,
}

impl Consumer for ExportAccount {
    type Message = Envelope;

    async fn handle(&self, delivery: Delivery<Envelope>) -> Result<(), ConsumeError> {
        let (attempt, now) = (delivery.attempt, delivery.now);
        let occurred_at = delivery.message.occurred_at;
        match delivery.message.event {
            Event::JobStarted {
                job_id,
                kind: JobKind::AccountExport,
                ..
            } => self.exports.start(job_id, attempt, now).await,
            Event::JobStepDue {
                job_id,
                kind: JobKind::AccountExport,
                step,
            } => self.exports.do_step(job_id, step, attempt, now).await,
            Event::AccountChanged {
                account_id,
                what: AccountChangeKind::Erased,
                ..
            } => erasure::finish(&self.exports, account_id, occurred_at, now).await,
            other => Err(format!("{} is not about an export", other.kind()).into()),
        }
    }
}

fn main() -> ExitCode {
    runtime::consume(|environment| {
        let config = environment.sdk_config()?;
        let store = Store::new(&config, environment.require("TABLE_NAME")?);
        let uploads = Bucket::new(&config, environment.require("UPLOAD_BUCKET")?);
        Ok(ExportAccount {
            exports: Exports::new(store, uploads),
        })
    })
}
