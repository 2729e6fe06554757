//! Jobs: work that takes longer than a request, split into steps that each take seconds.
//!
//! A job is created by a request, and its steps travel through the queue of its kind's consumer. Each step is counted
//! once, however often its message is delivered. A paused job drops the messages of its steps; resuming it begins a new
//! **run**, which sends the steps that are not done, so a job also goes on after messages were lost. The steps are
//! those of its kind: chunks of rows of a product file, pages of the orders.

mod api;
mod rules;

pub use api::{
    ChangeJobBody, CreateJobBody, JobProgress, JobView, JobsView, NewJobKind, WantedState,
};
pub use rules::{
    Chain, ChangeJobError, GIVEN_UP_AFTER, Job, JobChange, JobInput, JobKind, JobPage, JobState,
    Run,
};
