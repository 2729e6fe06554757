//! The result of an import: a file with its errors (CSV), for those who correct many.

use std::error::Error;

use domain::{
    catalog::import::{LineFault, MAX_FAULTS, error_list_key, first_errors_key},
    id::JobId,
    jobs::Job,
};
use gateways::objects::Bucket;
use jiff::Timestamp;
use store::{StepOutcome, Store};

/// Maximum number of errors in the file, besides those found while reading: about 20 MB.
const MAX_LISTED: usize = 100_000;

/// Errors as rows of a CSV file with a header.
pub fn error_list(errors: &[LineFault]) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
    let mut list = b"Line,Code,Message\n".to_vec();
    append(&mut list, errors)?;
    Ok(list)
}

fn append(list: &mut Vec<u8>, errors: &[LineFault]) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut rows = csv::Writer::from_writer(list);
    for error in errors {
        rows.write_record([&error.line.to_string(), &error.code, &error.message])?;
    }
    rows.flush()?;
    Ok(())
}

/// Keeps errors of which the table may not have all, until the result is written.
pub async fn keep_first_errors(
    uploads: &Bucket,
    id: JobId,
    errors: &[LineFault],
) -> Result<(), Box<dyn Error + Send + Sync>> {
    if errors.len() >= MAX_FAULTS {
        let list = error_list(errors)?;
        uploads.put(&first_errors_key(id), list, "text/csv").await?;
    }
    Ok(())
}

/// Completes a job if every step is done: writes its result, then its state. May be repeated.
pub async fn complete(
    store: &Store,
    uploads: &Bucket,
    after: StepOutcome,
    now: Timestamp,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let StepOutcome::AllDone(job) = after else {
        return Ok(());
    };
    let result = match job.failed {
        0 => None,
        _ => Some(write(store, uploads, &job).await?),
    };
    Ok(store.complete_job(&job, result.as_deref(), now).await?)
}

/// Writes the file and returns its key.
async fn write(
    store: &Store,
    uploads: &Bucket,
    job: &Job,
) -> Result<String, Box<dyn Error + Send + Sync>> {
    let kept = match store.first_errors(job).await?.len() {
        MAX_FAULTS.. => uploads.get(&first_errors_key(job.id)).await?,
        _ => None,
    };
    let list = match kept {
        None => error_list(&store.job_errors(job, MAX_LISTED).await?)?,
        // With all of the first ones, of which the table has a part.
        Some(kept) => {
            let mut list = kept.bytes;
            append(&mut list, &store.step_errors(job, MAX_LISTED).await?)?;
            list
        }
    };
    let key = error_list_key(job.id);
    uploads.put(&key, list, "text/csv").await?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_a_row() {
        let fault = |line, message: &str| LineFault {
            line,
            code: "invalid_price".to_owned(),
            message: message.to_owned(),
        };
        let mut list = error_list(&[fault(2, "The price \"1,2\" is not a number.")]).unwrap();
        append(&mut list, &[fault(7, "Ö")]).unwrap();
        assert_eq!(
            String::from_utf8(list).unwrap(),
            "Line,Code,Message\n\
             2,invalid_price,\"The price \"\"1,2\"\" is not a number.\"\n\
             7,invalid_price,Ö\n"
        );
    }
}
