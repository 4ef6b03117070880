//! Who got what of a run, and who did not and why: a list, and a file of it.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::{
    progress::find_run,
    rules::lifecycle::RecipientStatus,
    run::Frozen,
    store::{self, RunRow},
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::{Entry, record},
    error::{Error, Result},
    leads::export::ExportFormat,
    messages::provider::Channel,
    spreadsheet,
    tenancy::TenantTx,
    types::{CampaignId, CampaignRunId, LeadId, MessageId},
};

/// Recipients of one piece of a file.
const PIECE: i64 = 200;

/// A recipient of a run.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = CampaignRecipient)]
pub struct RecipientView {
    pub lead_id: LeadId,
    /// `planned` until a message was made, then as the message is; `skipped` if none will be.
    pub status: RecipientStatus,
    /// Why nothing was sent, or what became of it: `too_late`, `no_address`, `erased`, `lead_gone`, `merged`, `duplicate`,
    /// `frequency_cap`, `campaign_cancelled`, or the message's own code.
    pub reason: Option<String>,
    /// The name of the variant; none until it is known.
    pub variant: Option<String>,
    /// The channel that it is at, or was.
    pub channel: Option<Channel>,
    /// By whose zone it is sent, if each recipient's own clock counts.
    pub zone: Option<String>,
    pub message_id: Option<MessageId>,
    /// When its message is to be made.
    pub due_at: Option<DateTime<Utc>>,
    pub updated_at: DateTime<Utc>,
}

/// Which recipients.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The newest run if none is named.
    pub run: Option<CampaignRunId>,
    pub status: Option<RecipientStatus>,
    /// Any of these, if no one of them is named; all if this is empty, too.
    pub any_of: Vec<RecipientStatus>,
    /// The name of a variant.
    pub variant: Option<String>,
    pub channel: Option<Channel>,
    pub reason: Option<String>,
}

/// The same for the store.
pub(super) struct Filter {
    /// Any of these; all if it is empty.
    pub statuses: Vec<RecipientStatus>,
    pub variant: Option<i16>,
    pub channel: Option<Channel>,
    pub reason: Option<String>,
}

/// Recipients of a run in the order of their leads, those behind one.
///
/// # Errors
/// If there is no such campaign, run or variant, or the database does not answer.
pub async fn list(
    ctx: &Ctx,
    campaign: CampaignId,
    asked: &Asked,
    after: Option<LeadId>,
    limit: i64,
) -> Result<Vec<RecipientView>> {
    ctx.require(Permission::CampaignsRead)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let (run, names, filter) = found(&mut tx, campaign, asked).await?;
    read(&mut tx, run.id, (&names, &filter), after, limit).await
}

async fn read(
    tx: &mut TenantTx,
    run: CampaignRunId,
    (names, filter): (&[String], &Filter),
    after: Option<LeadId>,
    limit: i64,
) -> Result<Vec<RecipientView>> {
    let tenant = tx.tenant;
    let rows = store::recipients(tx.conn(), tenant, run, filter, after, limit).await?;
    let with_variant = |(place, mut view): (Option<i16>, RecipientView)| {
        let place = place.and_then(|place| usize::try_from(place).ok());
        view.variant = place.and_then(|place| names.get(place)).cloned();
        view
    };
    Ok(rows.into_iter().map(with_variant).collect())
}

/// The run that is meant, the names of its variants, and what is asked of its recipients.
async fn found(
    tx: &mut TenantTx,
    campaign: CampaignId,
    asked: &Asked,
) -> Result<(RunRow, Vec<String>, Filter)> {
    let tenant = tx.tenant;
    store::campaign(tx.conn(), tenant, campaign).await?.ok_or(Error::NotFound("campaign"))?;
    let run = find_run(tx, campaign, asked.run).await?;
    let variants = Frozen::read(&run).map(|frozen| frozen.definition.content.variants).unwrap_or_default();
    let names: Vec<String> = variants.into_iter().map(|variant| variant.name).collect();
    let variant = match &asked.variant {
        None => None,
        Some(name) => {
            let place = names.iter().position(|known| known == name);
            let place = place.and_then(|place| i16::try_from(place).ok());
            Some(place.ok_or_else(|| Error::invalid("?variant", "there is no such variant"))?)
        }
    };
    let statuses = asked.status.map_or_else(|| asked.any_of.clone(), |status| vec![status]);
    let (channel, reason) = (asked.channel, asked.reason.clone());
    Ok((run, names, Filter { statuses, variant, channel, reason }))
}

/// The run that is meant, the newest if none is, and the names of its variants.
///
/// # Errors
/// If there is no such campaign or run, or the database does not answer.
pub(crate) async fn of_run(
    tx: &mut TenantTx,
    campaign: CampaignId,
    run: Option<CampaignRunId>,
) -> Result<(CampaignRunId, Vec<String>)> {
    let (run, names, _) = found(tx, campaign, &Asked { run, ..Asked::default() }).await?;
    Ok((run.id, names))
}

/// The messages of a run in the order of their leads, those behind one: of each recipient the newest.
///
/// # Errors
/// If there is no such campaign or run, or the database does not answer.
pub async fn messages(
    ctx: &Ctx,
    campaign: CampaignId,
    run: Option<CampaignRunId>,
    after: Option<LeadId>,
    limit: i64,
) -> Result<Vec<(LeadId, MessageId)>> {
    ctx.require(Permission::CampaignsRead)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let run = find_run(&mut tx, campaign, run).await?;
    store::messages_of_run(tx.conn(), ctx.tenant, run.id, after, limit).await
}

/// A file that is being taken out.
pub struct Export {
    ctx: Ctx,
    /// As the audit log names it.
    id: Uuid,
    campaign: CampaignId,
    run: CampaignRunId,
    names: Vec<String>,
    filter: Filter,
    format: ExportFormat,
    after: Option<LeadId>,
    rows: usize,
    over: bool,
}

/// The columns of a file.
const COLUMNS: [&str; 9] =
    ["lead_id", "status", "reason", "variant", "channel", "zone", "message_id", "due_at", "updated_at"];

impl Export {
    /// Begins a file of the recipients of a run. That it is taken out, and what of it, is written down by then. It holds ids
    /// and words of ours: nobody can be known by it.
    ///
    /// # Errors
    /// If a permission is missing, or there is no such campaign, run or variant.
    pub async fn begin(ctx: &Ctx, campaign: CampaignId, asked: &Asked, format: ExportFormat) -> Result<Self> {
        ctx.require(Permission::CampaignsRead)?;
        ctx.require_all_rows()?;
        let mut tx = ctx.begin().await?;
        let (run, names, filter) = found(&mut tx, campaign, asked).await?;
        let id = ctx.id();
        let detail = json!({
            "campaign_id": campaign, "run_id": run.id, "status": asked.status, "any_of": asked.any_of, "reason": asked.reason,
            "format": format,
        });
        tx.audit(&[Entry::new("export", "campaign_recipients", id).detail(detail)]).await?;
        tx.commit().await?;
        let (ctx, run) = (ctx.clone(), run.id);
        Ok(Self { ctx, id, campaign, run, names, filter, format, after: None, rows: 0, over: false })
    }

    /// Whose file it is.
    #[must_use]
    pub fn ctx(&self) -> &Ctx {
        &self.ctx
    }

    /// What it is called: by its campaign.
    #[must_use]
    pub fn name(&self) -> String {
        let ending = match self.format {
            ExportFormat::Csv => "csv",
            ExportFormat::Ndjson => "ndjson",
        };
        format!("recipients-{}.{ending}", self.campaign)
    }

    /// The next piece, none after the last one. With the last it is written down how many there were.
    ///
    /// # Errors
    /// If the database does not answer: what was given out so far is not the whole file.
    pub async fn piece(&mut self) -> Result<Option<Vec<u8>>> {
        if self.over {
            return Ok(None);
        }
        let mut tx = self.ctx.begin().await?;
        let found = read(&mut tx, self.run, (&self.names, &self.filter), self.after, PIECE).await?;
        drop(tx);
        let begins = self.after.is_none();
        self.over = i64::try_from(found.len()).is_ok_and(|rows| rows < PIECE);
        self.after = found.last().map(|one| one.lead_id).or(self.after);
        self.rows += found.len();
        let piece = write(self.format, begins, &found).map_err(Error::internal)?;
        if self.over {
            let entry = Entry::new("finish_export", "campaign_recipients", self.id);
            record(&self.ctx, entry.detail(json!({ "rows": self.rows }))).await?;
        }
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }
}

fn write(format: ExportFormat, begins: bool, found: &[RecipientView]) -> serde_json::Result<Vec<u8>> {
    match format {
        ExportFormat::Csv => {
            let mut text = String::new();
            if begins {
                spreadsheet::line(COLUMNS, &mut text);
            }
            for one in found {
                line(one, &mut text);
            }
            Ok(text.into_bytes())
        }
        ExportFormat::Ndjson => {
            let mut bytes = Vec::new();
            for one in found {
                serde_json::to_writer(&mut bytes, one)?;
                bytes.push(b'\n');
            }
            Ok(bytes)
        }
    }
}

fn line(one: &RecipientView, text: &mut String) {
    let stamp = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let cells = [
        one.lead_id.to_string(),
        one.status.as_str().to_owned(),
        one.reason.clone().unwrap_or_default(),
        one.variant.clone().unwrap_or_default(),
        one.channel.map(|channel| channel.as_str().to_owned()).unwrap_or_default(),
        one.zone.clone().unwrap_or_default(),
        one.message_id.map(|id| id.to_string()).unwrap_or_default(),
        one.due_at.map(stamp).unwrap_or_default(),
        stamp(one.updated_at),
    ];
    spreadsheet::line(cells.iter().map(String::as_str), text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_header_once_and_a_line_for_each_recipient() {
        let one = RecipientView {
            lead_id: LeadId(Uuid::from_u128(1)),
            status: RecipientStatus::Skipped,
            reason: Some("too_late".into()),
            variant: Some("=a".into()),
            channel: Some(Channel::Sms),
            zone: None,
            message_id: None,
            due_at: None,
            updated_at: DateTime::UNIX_EPOCH,
        };
        let first = write(ExportFormat::Csv, true, std::slice::from_ref(&one)).expect("a piece");
        let first = String::from_utf8(first).expect("text");
        let (header, row) = first.split_once("\r\n").expect("a header");
        assert_eq!(header, COLUMNS.join(","));
        assert!(row.contains(",skipped,too_late,'=a,sms,,,,1970-"), "{row}");
        let later = write(ExportFormat::Csv, false, std::slice::from_ref(&one)).expect("a piece");
        assert_eq!(String::from_utf8(later).expect("text"), row);
        let line = write(ExportFormat::Ndjson, true, &[one]).expect("a piece");
        let line: serde_json::Value = serde_json::from_slice(&line).expect("JSON");
        assert_eq!(line["reason"], "too_late");
    }
}
