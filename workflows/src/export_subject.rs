//! What is held of somebody becomes a file, and the request that asked for it is answered.

use domain::privacy::export::{ExportSubject, WriteExport};
use engine::Flow;

/// The step: the file and the answer are there together, or neither is.
pub(super) fn steps(flow: &mut Flow, input: &ExportSubject) {
    let (request, export) = (input.request, input.export);
    let about = format!("subject_request:{request}");
    flow.step("write", &WriteExport { request, export }).with(|job| job.about(about.clone()));
}
