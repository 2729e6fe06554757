//! The export of an account's data for its owner: a job whose steps collect the parts of one JSON document.

mod api;
mod document;
mod plan;

pub use api::{ExportState, ExportView};
pub use document::{
    AccountSource, ExportedAccount, ExportedInvoice, ExportedOrder, FORMAT, join_parts,
};
pub use plan::{
    ExportPlan, ExportStep, KEPT, MAX_EXPORTED_ORDERS, NOTICE_STEP, document_key, export_folder,
    part_key, plan_key, work_folder,
};
