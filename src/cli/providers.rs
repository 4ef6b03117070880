//! `providers`: accounts by which messages leave, and whether their credentials are good.

use clap::Subcommand;
use domain::{
    Ctx,
    messages::accounts::{self, ProviderView, Verification, verify::VerificationResult},
    types::ProviderId,
};
use serde::Serialize;
use uuid::Uuid;

use super::{
    Failure,
    exit::Exit,
    output::{Columns, Form},
    progress,
    tenant::{Look, Of},
    with_platform,
};
use crate::config::Config;

const COLUMNS: Columns = &[
    ("ID", "/id"),
    ("NAME", "/name"),
    ("KIND", "/kind"),
    ("CHANNEL", "/channel"),
    ("PRIORITY", "/priority"),
    ("PAUSED", "/paused_at"),
    ("WHY", "/pause_code"),
    ("VERIFIED", "/verified_at"),
];
const CHECKED: Columns = &[
    ("ID", "/id"),
    ("NAME", "/name"),
    ("KIND", "/kind"),
    ("RESULT", "/result"),
    ("CODE", "/code"),
    ("TEXT", "/text"),
];
/// Accounts read at a time.
const PAGE: i64 = 200;

#[derive(Subcommand)]
pub(super) enum Command {
    /// The accounts, newest first, without their credentials.
    List {
        #[command(flatten)]
        look: Look,
    },
    /// Ask providers whether the credentials are good; nothing is sent. The exit code is 0 only if none is bad or away.
    Check {
        #[command(flatten)]
        of: Of,
        /// Which accounts; all if none is named.
        ids: Vec<Uuid>,
    },
}

/// What a provider said of an account.
#[derive(Serialize)]
struct Checked {
    id: ProviderId,
    name: String,
    kind: String,
    #[serde(flatten)]
    said: Verification,
}

pub(super) async fn run(config: &Config, form: Form, command: Command) -> Result<(), Failure> {
    with_platform(config, async |platform| match command {
        Command::List { look } => {
            let ctx = look.enter(platform, "providers list").await?;
            let mut list = form.list(COLUMNS, None);
            list.read(
                async |before, wanted| Ok(accounts::list(&ctx, before, wanted).await?),
                |provider| provider.id,
            )
            .await?;
            list.end()
        }
        Command::Check { of, ids } => check(&of.show(platform).await?, form, &ids).await,
    })
    .await
}

async fn check(ctx: &Ctx, form: Form, ids: &[Uuid]) -> Result<(), Failure> {
    let asked = if ids.is_empty() { all(ctx).await? } else { named(ctx, ids).await? };
    let bar = progress::bar(u64::try_from(asked.len())?, "check");
    let ask = async |ProviderView { id, name, kind, .. }| {
        let said = accounts::verify(ctx, id).await?;
        bar.inc(1);
        Ok(Checked { id, name, kind, said })
    };
    let found = Exit::until_refused(asked, ask).await;
    bar.finish_and_clear();
    let (checked, refused) = found?;
    let is_wrong =
        |one: &&Checked| matches!(one.said.result, VerificationResult::Bad | VerificationResult::Unreachable);
    let wrong = checked.iter().filter(is_wrong).count();
    let shown = form.list(CHECKED, None).all(&checked);
    // The verdict is told whether or not somebody reads the list.
    match (refused, wrong) {
        (Some(why), _) => Err(Exit::half_done(&*why)),
        (None, 0) => shown,
        (None, wrong) => Err(Exit::Failed.because(format!("{wrong} accounts are bad or away"))),
    }
}

async fn named(ctx: &Ctx, ids: &[Uuid]) -> Result<Vec<ProviderView>, Failure> {
    let mut found = Vec::new();
    for id in ids {
        found.push(accounts::get(ctx, ProviderId(*id)).await?);
    }
    Ok(found)
}

/// All accounts of the tenant: a handful, set up one by one.
async fn all(ctx: &Ctx) -> Result<Vec<ProviderView>, Failure> {
    let mut found: Vec<ProviderView> = Vec::new();
    loop {
        let page = accounts::list(ctx, found.last().map(|last| last.id), PAGE).await?;
        if page.is_empty() {
            return Ok(found);
        }
        found.extend(page);
    }
}
