//! One sending of a campaign: what it goes by, and how it begins.

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use engine::schedules;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    definition::{AudienceMode, Clock, Definition, VariantMessage},
    rules::{
        lifecycle::{CampaignStatus, Happening, RunStatus, Standing},
        timing::{self, When},
    },
    store::{self, CampaignRow, NewRun, RunRow},
};
use crate::{
    Ctx,
    error::{Error, Result},
    events::{Event, EventType},
    leads::audience::Audience,
    messages::{locale, provider::Channel, to_leads, to_many},
    tenancy::{self, TenantTx},
    types::{CampaignId, CampaignRunId, TemplateId},
};

/// A campaign as it was when a run of it began: what is changed later is the next run's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Frozen {
    pub name: String,
    /// Read by `store::touches` too.
    pub attribution_days: u16,
    pub audience: Audience,
    pub definition: Definition,
    /// For each variant, for each channel: the locales that there were and the version of each.
    pub templates: Vec<Vec<Versions>>,
    /// The zone of its clock, and of whom nothing is known.
    pub zone: String,
}

/// The versions of one message of a variant.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Versions {
    pub channel: Channel,
    pub of: Vec<(String, TemplateId)>,
}

impl Frozen {
    pub(super) fn read(run: &RunRow) -> Result<Self> {
        serde_json::from_value(run.frozen.clone()).map_err(Error::internal)
    }

    /// The version of a variant's message that is nearest to a language.
    pub(super) fn template(
        &self,
        variant: usize,
        channel: Channel,
        language: Option<&str>,
    ) -> Option<TemplateId> {
        let versions = self.templates.get(variant)?.iter().find(|versions| versions.channel == channel)?;
        let locales: Vec<&str> = versions.of.iter().map(|(locale, _)| locale.as_str()).collect();
        let picked = locale::pick(language.unwrap_or_default(), &locales)?;
        versions.of.iter().find(|(locale, _)| locale == picked).map(|(_, id)| *id)
    }

    /// When the recipients of a run are due.
    pub(super) fn when(&self, due_at: DateTime<Utc>, due_local: Option<NaiveDateTime>) -> When {
        let home = self.zone.parse().unwrap_or(Tz::UTC);
        due_local.map_or(When::At(due_at), |at| When::RecipientLocal { at, home })
    }

    pub(super) fn is_snapshot(&self) -> bool {
        self.definition.audience == AudienceMode::Snapshot
    }
}

/// The zone of a campaign's clock: the tenant's own where it names none.
pub(super) async fn zone(tx: &mut TenantTx, definition: &Definition) -> Result<String> {
    let tenant = tx.tenant;
    match definition.schedule.as_ref().and_then(|timing| timing.zone.clone()) {
        Some(named) => Ok(named),
        None => tenancy::store::zone(tx.conn(), tenant).await,
    }
}

/// Looks for the templates and accounts that a campaign names, as they are now.
///
/// # Errors
/// With the place of what is not there or does not fit.
pub(super) async fn templates(tx: &mut TenantTx, definition: &Definition) -> Result<Vec<Vec<Versions>>> {
    let content = &definition.content;
    let ground = to_many::Ground::find(tx).await?;
    for (place, way) in content.channels.iter().enumerate() {
        if !ground.carries(way.provider_id, way.channel) {
            let (field, detail) = match way.provider_id {
                Some(_) => {
                    ("/provider_id", format!("there is no such provider for {}", way.channel.as_str()))
                }
                None => ("/channel", format!("no provider sends {}; set one up first", way.channel.as_str())),
            };
            return Err(Error::invalid(format!("/content/channels/{place}{field}"), detail));
        }
    }
    let ids: Vec<TemplateId> = content
        .variants
        .iter()
        .flat_map(|variant| variant.messages.iter().filter_map(|message| message.template_id))
        .collect();
    let means = to_leads::Means::find(tx, &ids).await?;
    let mut all = Vec::with_capacity(content.variants.len());
    for (variant, said) in content.variants.iter().enumerate() {
        let mut messages = Vec::with_capacity(said.messages.len());
        for (place, message) in said.messages.iter().enumerate() {
            let at = format!("/content/variants/{variant}/messages/{place}");
            messages.push(versions(tx, &means, &at, message).await?);
        }
        all.push(messages);
    }
    Ok(all)
}

async fn versions(
    tx: &mut TenantTx,
    means: &to_leads::Means,
    at: &str,
    message: &VariantMessage,
) -> Result<Versions> {
    let (field, found) = match (&message.template, message.template_id) {
        (Some(name), _) => ("/template", to_leads::offered(tx, name).await?),
        (None, Some(id)) => {
            let channel = means.channel_of(id);
            ("/template_id", channel.map(|channel| (channel, vec![(String::new(), id)])))
        }
        (None, None) => ("/template", None),
    };
    let Some((channel, of)) = found else {
        return Err(Error::invalid(format!("{at}{field}"), "there is no such template"));
    };
    if channel != message.channel {
        let (is, wanted) = (channel.as_str(), message.channel.as_str());
        return Err(Error::invalid(
            format!("{at}{field}"),
            format!("the template is for {is}, not for {wanted}"),
        ));
    }
    Ok(Versions { channel, of })
}

/// The campaign as it is now, with the versions of its templates.
///
/// # Errors
/// As [`templates`].
pub(super) async fn freeze(tx: &mut TenantTx, campaign: &CampaignRow) -> Result<Frozen> {
    let definition: Definition =
        serde_json::from_value(campaign.definition.clone()).map_err(Error::internal)?;
    Ok(Frozen {
        name: campaign.name.clone(),
        attribution_days: definition.attribution_days,
        audience: serde_json::from_value(campaign.audience.clone()).map_err(Error::internal)?,
        templates: templates(tx, &definition).await?,
        zone: zone(tx, &definition).await?,
        definition,
    })
}

/// What a run is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Occasion {
    pub due_at: DateTime<Utc>,
    /// Where each recipient's own clock counts.
    pub due_local: Option<NaiveDateTime>,
}

impl Occasion {
    /// The time that a tick of the schedule stands for.
    fn of_tick(definition: &Definition, due_at: DateTime<Utc>) -> Self {
        let timing = definition.schedule.as_ref().filter(|timing| timing.clock == Clock::Recipient);
        let due_local = timing.map(|timing| timing.at.unwrap_or_else(|| timing::occurrence(due_at)));
        Self { due_at, due_local }
    }
}

/// Writes a run of a campaign down that is locked and may begin one.
///
/// # Errors
/// If what it names is not there any more, with its place; nothing was written then.
pub(super) async fn write(
    tx: &mut TenantTx,
    campaign: &CampaignRow,
    id: CampaignRunId,
    occasion: Occasion,
) -> Result<()> {
    let frozen = freeze(tx, campaign).await?;
    let tenant = tx.tenant;
    if frozen.is_snapshot() {
        store::settle_audience(tx.conn(), tenant, campaign.id, id.0).await?;
    }
    let frozen = serde_json::to_value(&frozen).map_err(Error::internal)?;
    let Occasion { due_at, due_local } = occasion;
    let new = NewRun {
        id,
        campaign: campaign.id,
        status: RunStatus::Planning,
        due_at,
        due_local,
        frozen: &frozen,
        broke: None,
    };
    store::insert_run(tx.conn(), tenant, &new).await?;
    store::set_status(tx.conn(), tenant, campaign.id, CampaignStatus::Running, None).await?;
    let told = Event::new(EventType::CampaignStarted, "campaign", campaign.id);
    tx.emit(&[told.with(json!({ "run_id": id }))]).await
}

/// What became of the beginning of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It goes on.
    Yes,
    /// Another run of the campaign is not over.
    Later,
    /// It does not begin, for this reason.
    No(&'static str),
}

/// Begins the run that a workflow is to carry out, unless it has begun: the first step asks for it.
///
/// # Errors
/// If the database refuses.
pub async fn begin(ctx: &Ctx, campaign: CampaignId, workflow: Uuid) -> Result<Begun> {
    let id = CampaignRunId(workflow);
    let mut tx = ctx.begin().await?;
    let tenant = tx.tenant;
    let Some(row) = store::lock_campaign(tx.conn(), tenant, campaign).await? else {
        return Ok(Begun::No("campaign_gone"));
    };
    if let Some(run) = store::run(tx.conn(), tenant, id).await? {
        return Ok(if run.finished_at.is_some() { Begun::No("over") } else { Begun::Yes });
    }
    let standing = standing(&mut tx, &row).await?;
    match row.status()? {
        CampaignStatus::Running => return Ok(Begun::Later),
        status if status.after(Happening::Due, standing) == Some(CampaignStatus::Running) => {}
        _ => return Ok(Begun::No("not_scheduled")),
    }
    let tick = match row.schedule_id {
        Some(schedule) => store::tick_of(tx.conn(), tenant, (schedule, workflow)).await?,
        None => None,
    };
    // Of one that is begun by hand the run is there; any other is of a schedule that the campaign had before it was changed.
    let Some(tick) = tick else { return Ok(Begun::No("not_its_schedule")) };
    let definition: Definition = serde_json::from_value(row.definition.clone()).map_err(Error::internal)?;
    let occasion = if tick.by_hand {
        Occasion { due_at: tick.due_at, due_local: None }
    } else {
        Occasion::of_tick(&definition, tick.due_at)
    };
    match write(&mut tx, &row, id, occasion).await {
        Ok(()) => {
            tx.commit().await?;
            Ok(Begun::Yes)
        }
        // People are to look at it.
        Err(Error::Invalid(wrong)) => {
            let why: Vec<String> =
                wrong.into_iter().map(|field| format!("{}: {}", field.pointer, field.detail)).collect();
            broken(&mut tx, &row, id, (occasion, standing), &why.join("; ")).await?;
            tx.commit().await?;
            Ok(Begun::No("broke"))
        }
        Err(error) => Err(error),
    }
}

/// Writes a run down that broke before it began.
async fn broken(
    tx: &mut TenantTx,
    campaign: &CampaignRow,
    id: CampaignRunId,
    (occasion, standing): (Occasion, Standing),
    why: &str,
) -> Result<()> {
    let tenant = tx.tenant;
    let frozen = json!({ "name": campaign.name });
    let new = NewRun {
        id,
        campaign: campaign.id,
        status: RunStatus::Failed,
        due_at: occasion.due_at,
        due_local: occasion.due_local,
        frozen: &frozen,
        broke: Some(why),
    };
    store::insert_run(tx.conn(), tenant, &new).await?;
    if let Some(status) = campaign.status()?.after(Happening::Broke, standing) {
        let code = (status == CampaignStatus::Paused).then_some("broke");
        store::set_status(tx.conn(), tenant, campaign.id, status, code).await?;
    }
    let told = Event::new(EventType::CampaignFinished, "campaign", campaign.id);
    tx.emit(&[told.with(json!({ "run_id": id, "status": RunStatus::Failed }))]).await
}

/// What is known of a campaign besides its status.
pub(super) async fn standing(tx: &mut TenantTx, campaign: &CampaignRow) -> Result<Standing> {
    let tenant = tx.tenant;
    let needs = campaign.definition.get("needs_approval").and_then(Value::as_bool).unwrap_or_default();
    let run_open = store::open_run(tx.conn(), tenant, campaign.id).await?.is_some();
    let recurring = campaign.definition["schedule"]["crontab"].is_string();
    let comes_again = match campaign.schedule_id.filter(|_| recurring) {
        Some(schedule) => {
            let view = schedules::get(tx.conn(), tenant.0, schedule).await?;
            view.is_some_and(|view| view.next_at.is_some() || view.buffered_at.is_some())
                || store::has_begun_another(tx.conn(), tenant, schedule).await?
        }
        None => false,
    };
    Ok(Standing { needs_approval: needs, run_open, comes_again })
}
