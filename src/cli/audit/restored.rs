//! Rows of the archive brought back from the command line, and let go again.

use domain::archive::restore::{self, Restored};
use serde_json::json;
use uuid::Uuid;

use crate::{
    cli::{Failure, exit::Exit, output::Form, progress, tenant::Of, with_platform},
    config::Config,
};

pub(in crate::cli) async fn restore(
    config: &Config,
    form: Form,
    of: &Of,
    archive: Uuid,
) -> Result<(), Failure> {
    let restored = with_platform(config, async |platform| {
        let ctx = of.act(platform).await?;
        Ok(progress::during("the archive is read", restore::restore(&ctx, archive, &|| false)).await?)
    })
    .await?;
    match restored {
        Restored::All(rows) => {
            let words = format!("{rows} rows can be looked into again, with `archived=true`");
            form.done(&words, &json!({ "archive_id": archive, "rows": rows }))
        }
        Restored::Damaged(why) => Err(Exit::Failed.because(format!("{why}; nothing of it is shown"))),
        Restored::Busy => Err(Exit::Refused.because(
            "somebody else brings it back or lets it go at this moment; try again when that is over",
        )),
        Restored::Nothing | Restored::Stopped => Err(Exit::NotFound
            .because("there is no such archive of the audit log, or its rows have not left the database")),
    }
}

pub(in crate::cli) async fn release(
    config: &Config,
    form: Form,
    of: &Of,
    archive: Uuid,
) -> Result<(), Failure> {
    with_platform(config, async |platform| Ok(restore::release(&of.act(platform).await?, archive).await?))
        .await?;
    let words = format!("the rows of {archive} lie in the archive only");
    form.done(&words, &json!({ "archive_id": archive }))
}
