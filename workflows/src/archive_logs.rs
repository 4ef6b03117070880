//! Logs that are past their keeping go to the archive: files are written, read back, and only then rows leave the database.
//!
//! The steps hold nothing. How far each month has come stands in the table of archives, so each of them may be cut off at
//! any moment, and an archive that is refused keeps none of the others.

use domain::archive::work::{ArchiveLogs, CheckArchives, DropArchived, WriteArchives};
use engine::Flow;

/// The steps, in their order.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "all workflows are given their input so")]
pub(super) fn steps(flow: &mut Flow, _: &ArchiveLogs) {
    flow.step("write", &WriteArchives {});
    flow.step("check", &CheckArchives {});
    flow.step("drop", &DropArchived {});
}
