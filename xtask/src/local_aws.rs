//! `make local-aws`: runs the emulators without functions.

use std::collections::BTreeMap;

use local::{
    executor::executor, outcome::Outcome, project::root, signals::stop_signal, stack::Aws, staff,
};

use crate::dev::{lock, write_environment};

/// Runs the emulators until Ctrl-C.
pub(crate) fn run() -> Outcome {
    let folder = root().join(".local");
    let _lock = lock(&folder, "make local-aws")?;
    executor()?.block_on(async {
        let public_key = staff::make_key(&folder)?;
        let token = staff::make_token(&folder, "developer", 24)?;
        staff::write_private(&folder.join("staff-token"), &token)?;
        let parameters = BTreeMap::from([("StaffTokenPublicKey".to_owned(), public_key)]);
        let aws = Aws::start(&root(), Some(&folder.join("data")), parameters).await?;
        write_environment(&aws.environment(), &folder)?;
        println!(
            "ready, without functions\n  DynamoDB                       {}\n  \
             SQS, S3, SES, Secrets Manager  {}\n  \
             token                          .local/staff-token (staff, for /v1/admin)\n  \
             settings                       .local/functions.env (for cargo lambda watch)\n\
             Ctrl-C stops it. docs/local.md says how to run functions on it.",
            aws.emulators.dynamodb, aws.emulators.endpoint
        );
        stop_signal().await;
        println!("\nstopping");
        aws.stop().await;
        Ok(())
    })
}
