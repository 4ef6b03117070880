//! The steps that send a report: its file, and a mail to each recipient. Each may be cut off anywhere and run again.

use chrono::{SecondsFormat, Utc};
use chrono_tz::Tz;
use engine::{NewJob, finish::Claim, schedules};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    addresses, send, store,
    work::{RenderReport, SendReport},
};
use crate::{
    Ctx,
    access::{permission::Permission, rights::still_held},
    analytics::export::{
        FileState, ReportDays, Spec, WriteFile,
        ask::{self, Asked},
        link, store as exports,
    },
    audit::Entry,
    error::{Error, Result},
    messages::{
        templates::{self, TemplateParts},
        to_addresses::{self, Letter},
    },
    tenancy::{self, TenantTx},
    types::{AnalyticsExportId, TemplateId},
};

/// How long the file of a report that was sent is kept, in hours, and the links in its mails are good: two weeks.
const KEPT_HOURS: i32 = 14 * 24;

/// What the first step is to do.
pub enum Begun {
    /// Write this file.
    Write(WriteFile),
    /// The report is gone.
    Gone,
    /// Another node runs the job by now.
    Lost,
}

/// Settles which days the report is about, once for a run, and which file is to be written.
///
/// # Errors
/// If whoever has it sent may not any more, or the database refuses.
pub async fn begin(ctx: &Ctx, claim: &Claim, step: &RenderReport) -> Result<Begun> {
    let mut tx = ctx.begin().await?;
    let Some(of) = tx.step_of(claim).await? else { return Ok(Begun::Lost) };
    if let Some(begun) = store::delivery(tx.conn(), ctx.tenant, of.run).await? {
        return Ok(Begun::Write(WriteFile { export: begun.export }));
    }
    let Some(report) = store::lock(tx.conn(), ctx.tenant, step.report).await? else { return Ok(Begun::Gone) };
    let Some(sender) = sender(ctx, &mut tx).await? else {
        let entry = Entry::new("withhold", "saved_report", report.id).notice();
        tx.audit(&[entry.detail(json!({ "operation": of.run }))]).await?;
        tx.commit().await?;
        return Err(withdrawn());
    };
    let zone = match report.zone.clone() {
        Some(zone) => zone,
        None => tenancy::store::zone(tx.conn(), ctx.tenant).await?,
    };
    let clock: Tz = zone.parse().unwrap_or(Tz::UTC);
    // A time that nobody was there for is made up for later, and is about the same days.
    let due = match report.schedule_id {
        Some(schedule) => schedules::due_of(tx.conn(), ctx.tenant.0, schedule, of.run).await?,
        None => None,
    };
    let due = match due {
        Some(due) => due,
        None => exports::now(tx.conn()).await?,
    };
    let today = due.with_timezone(&clock).date_naive();
    let days = report.span()?.days(today);
    let export = AnalyticsExportId(ctx.id());
    let asked = ReportDays { kind: report.kind()?, from: days.from, to: days.to, zone: Some(zone.clone()) };
    let told = json!({ "report": asked, "saved_report_id": report.id });
    let file = Asked {
        export,
        job: claim.job,
        format: report.format()?,
        spec: &Spec::Report { report: asked },
        personal: report.personal && sender.grants.contains(Permission::PersonalRead),
        keep_hours: KEPT_HOURS,
        run: Some(of.run),
    };
    ask::insert(ctx, &mut tx, &file, told).await?;
    store::insert_delivery(tx.conn(), ctx.tenant, (of.run, report.id), days, &zone, export).await?;
    tx.commit().await?;
    Ok(Begun::Write(WriteFile { export }))
}

/// Whoever has it sent, by a crontab that they saved or by hand, with the rights that they hold at this moment; none if they may
/// not send it any more.
async fn sender(ctx: &Ctx, tx: &mut TenantTx) -> Result<Option<Ctx>> {
    let may = |now: &Ctx| {
        let mut all = send::PERMISSIONS.iter().chain(&[Permission::AnalyticsRead]);
        now.require_all_rows().is_ok() && all.all(|permission| now.grants.contains(*permission))
    };
    Ok(still_held(ctx, tx).await?.filter(may))
}

fn withdrawn() -> Error {
    let detail =
        "whoever saved this report, or had it sent, may not send it any more; have somebody save it who may";
    Error::conflict("rights-withdrawn", detail)
}

/// What the second step came to.
pub enum Mailed {
    /// The jobs that send the mails.
    Mails(Vec<NewJob>),
    /// Nobody is written to, for this reason.
    Nothing(&'static str),
}

/// Writes a mail to each recipient, in the transaction in which the step ends.
///
/// # Errors
/// If whoever has it sent may not any more, no account carries e-mail any more, the template is gone, or the database refuses.
pub async fn mail(ctx: &Ctx, tx: &mut TenantTx, run: Uuid, step: &SendReport) -> Result<Mailed> {
    let tenant = tx.tenant;
    // In the order in which both are deleted.
    let Some(report) = store::lock(tx.conn(), tenant, step.report).await? else {
        return Ok(Mailed::Nothing("report_gone"));
    };
    let Some(delivery) = store::delivery(tx.conn(), tenant, run).await? else {
        return Ok(Mailed::Nothing("report_gone"));
    };
    if delivery.sent {
        return Ok(Mailed::Nothing("sent_before"));
    }
    if sender(ctx, tx).await?.is_none() {
        return Err(withdrawn());
    }
    let file = exports::held(tx.conn(), tenant, delivery.export).await?;
    let until = file.filter(|file| file.state == FileState::Ready).and_then(|file| file.expires_at);
    let Some(until) = until else { return Ok(Mailed::Nothing("file_gone")) };
    if ctx.platform.public_url.is_none() {
        return Err(Error::conflict("no-public-url", "a mail can hold no link: have `public_url` set"));
    }
    let to = addresses(tx, &[report.id]).await?.remove(&report.id).unwrap_or_default();
    if to.is_empty() {
        return Ok(Mailed::Nothing("no_recipients"));
    }
    let link = link::made(tx, delivery.export, None, until).await?;
    let template = match report.template_id {
        Some(template) => template,
        None => own(ctx, tx).await?,
    };
    let variables: Map<String, Value> = [
        ("report", json!(report.name)),
        ("tenant", json!(exports::tenant_name(tx.conn(), tenant).await?)),
        ("from", json!(delivery.days.from)),
        // As people say it: the last day that is in it.
        ("to", json!(delivery.days.to.pred_opt().unwrap_or(delivery.days.to))),
        ("zone", json!(delivery.zone)),
        ("link", json!(link.url)),
        (
            "link_expires_at",
            json!(link.expires_at.with_timezone(&Utc).to_rfc3339_opts(SecondsFormat::Secs, true)),
        ),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
    .collect();
    let letter = Letter { provider: report.provider_id, template, to: &to, variables: &variables };
    let accepted = to_addresses::write(ctx, tx, run, &letter).await?;
    let detail = json!({
        "export_id": delivery.export, "until": link.expires_at, "saved_report_id": report.id, "messages": accepted.len(),
    });
    tx.audit(&[Entry::new("create", "file_link", delivery.export).detail(detail).notice()]).await?;
    store::sent(tx.conn(), tenant, run, i32::try_from(accepted.len()).unwrap_or(i32::MAX)).await?;
    Ok(Mailed::Mails(accepted.into_iter().map(|(_, job)| job).collect()))
}

/// The name of the template that is written where a tenant has none of this name: it may save another version of it.
const TEMPLATE: &str = "scheduled report";

async fn own(ctx: &Ctx, tx: &mut TenantTx) -> Result<TemplateId> {
    let text = "Dear colleague,\n\nhere is the report \"{{report}}\" of {{tenant}}, from {{from}} up to and including {{to}} \
                ({{zone}}):\n\n{{link}}\n\nThe link is good until {{link_expires_at}}. Whoever has it gets the file.\n";
    let html = "<p>Dear colleague,</p><p>here is the report “{{report}}” of {{tenant}}, from {{from}} up to and including \
                {{to}} ({{zone}}):</p><p><a href=\"{{link}}\">{{link}}</a></p><p>The link is good until \
                {{link_expires_at}}. Whoever has it gets the file.</p>";
    let parts = TemplateParts {
        subject: Some("{{report}}: {{from}} to {{to}}".into()),
        text: text.into(),
        html: Some(html.into()),
        extra: None,
    };
    templates::of_product(ctx, tx, TEMPLATE, &parts).await
}
