//! Whom a campaign would be to and how it would look, before anything is sent; and one message of it to try it out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    definition::{Content, Definition},
    manage::NewCampaign,
    run::{Frozen, freeze, templates, zone},
    store,
};
use crate::{
    Ctx,
    access::permission::Permission,
    error::{Error, Result},
    leads::audience::{Audience, addressed},
    messages::{
        provider::Channel,
        rules::Purpose,
        send::{self, NewMessage},
        templates::{self as texts, TemplatePreview, TemplateSample},
    },
    tenancy::{Once, TenantTx},
    types::{CampaignId, LeadId, MessageId},
    vault::mask,
};

/// The newest leads that are shown.
const SAMPLE: i64 = 20;

/// Whom a campaign would be to at this moment.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CampaignPreview {
    /// Leads that fit.
    pub matched: i64,
    /// Those of them that none of the channels reaches.
    pub unreachable: i64,
    /// How many each channel reaches, whether or not it comes first.
    pub reached: BTreeMap<String, i64>,
    /// The newest 20.
    pub sample: Vec<LeadId>,
    /// How each message of each variant would look to the newest.
    pub messages: Vec<MessagePreview>,
}

/// How a message of a variant would look.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = CampaignMessagePreview)]
pub struct MessagePreview {
    pub variant: String,
    #[serde(flatten)]
    pub looks: TemplatePreview,
}

/// Shows whom a campaign that is not saved would be to, and how it would look.
///
/// # Errors
/// If something about it is wrong, or it names what there is not.
pub async fn preview(ctx: &Ctx, new: &NewCampaign) -> Result<CampaignPreview> {
    may_look(ctx)?;
    new.definition.check(&new.name)?;
    let mut tx = ctx.begin().await?;
    let (audience, _) = Audience::of(ctx, &mut tx, &new.filter).await?;
    let definition = new.definition.clone();
    let frozen = Frozen {
        templates: templates(&mut tx, &definition).await?,
        zone: zone(&mut tx, &definition).await?,
        audience,
        definition,
    };
    shown(ctx, tx, &frozen).await
}

/// The same of one that is saved.
///
/// # Errors
/// If there is no such campaign, or it names what there is not any more.
pub async fn preview_saved(ctx: &Ctx, id: CampaignId) -> Result<CampaignPreview> {
    may_look(ctx)?;
    let mut tx = ctx.begin().await?;
    let row = store::campaign(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("campaign"))?;
    let frozen = freeze(&mut tx, &row).await?;
    shown(ctx, tx, &frozen).await
}

fn may_look(ctx: &Ctx) -> Result<()> {
    ctx.require(Permission::CampaignsRead)?;
    ctx.require(Permission::LeadsRead)?;
    ctx.require(Permission::TemplatesRead)?;
    ctx.require_all_rows()
}

async fn shown(ctx: &Ctx, mut tx: TenantTx, frozen: &Frozen) -> Result<CampaignPreview> {
    let reach = frozen.audience.reach(&mut tx).await?;
    let sample = frozen.audience.sample(&mut tx, SAMPLE).await?;
    let newest = sample.first().copied();
    let content = &frozen.definition.content;
    let (variables, language) = match newest {
        Some(lead) => said_of(ctx, &mut tx, lead, content).await?,
        None => (content.variables.clone(), None),
    };
    drop(tx);
    let by = |channel: Channel| match channel {
        Channel::Email => reach.by_email,
        _ => reach.by_phone,
    };
    let reached: BTreeMap<String, i64> =
        content.channels.iter().map(|way| (way.channel.as_str().to_owned(), by(way.channel))).collect();
    let by_mail = content.channels.iter().any(|way| way.channel == Channel::Email);
    let by_phone = content.channels.iter().any(|way| way.channel != Channel::Email);
    let unreachable = match (by_mail, by_phone) {
        (true, true) => reach.by_nothing,
        (true, false) => reach.matched - reach.by_email,
        _ => reach.matched - reach.by_phone,
    };
    let mut messages = Vec::new();
    for (place, variant) in content.variants.iter().enumerate() {
        for message in &variant.messages {
            let Some(template) = frozen.template(place, message.channel, language.as_deref()) else {
                continue;
            };
            let sample = TemplateSample {
                template_id: Some(template),
                channel: None,
                subject: None,
                text: None,
                html: None,
                extra: None,
                variables: variables.clone(),
            };
            let looks = texts::preview(ctx, sample).await?;
            messages.push(MessagePreview { variant: variant.name.clone(), looks });
        }
    }
    Ok(CampaignPreview { matched: reach.matched, unreachable, reached, sample, messages })
}

/// What templates are given to speak of a lead, masked for whoever may not see it.
async fn said_of(
    ctx: &Ctx,
    tx: &mut TenantTx,
    lead: LeadId,
    content: &Content,
) -> Result<(Map<String, Value>, Option<String>)> {
    let (known, _) = addressed(tx, &[lead]).await?;
    let mut variables = content.variables.clone();
    let Some(lead) = known.get(&lead) else { return Ok((variables, None)) };
    let mut said = lead.variables();
    if !ctx.grants.contains(Permission::PersonalRead) {
        let name = said.get("name").and_then(Value::as_str).map(mask::name);
        said.insert("name".to_owned(), json!(name));
        said.insert("attributes".to_owned(), Value::Null);
    }
    variables.extend(said);
    Ok((variables, lead.language.clone()))
}

/// A message of a campaign to somebody who looks at it.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CampaignTestSend)]
pub struct TestSend {
    /// The recipient as the channel addresses people.
    pub to: String,
    /// The first if not said.
    pub channel: Option<Channel>,
    /// The name of a variant; the first if not said.
    pub variant: Option<String>,
    /// Which language is wanted.
    pub language: Option<String>,
    /// What the template speaks of, besides the campaign's own variables.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub variables: Map<String, Value>,
}

/// Sends one message of a campaign to an address, as a message of its own: it counts for no run. Whoever gets it is taken to
/// have asked for it.
///
/// # Errors
/// If there is no such campaign, variant or channel of it, or the message cannot be accepted.
pub async fn test_send(ctx: &Ctx, id: CampaignId, test: TestSend) -> Result<Once<MessageId>> {
    ctx.require(Permission::CampaignsWrite)?;
    ctx.require(Permission::MessagesSend)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let row = store::campaign(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("campaign"))?;
    let frozen = freeze(&mut tx, &row).await?;
    drop(tx);
    let Definition { content, .. } = &frozen.definition;
    let variant = match &test.variant {
        None => Some(0),
        Some(name) => content.variants.iter().position(|variant| variant.name == *name),
    };
    let variant = variant.ok_or_else(|| Error::invalid("/variant", "there is no such variant"))?;
    let channel = test.channel.or_else(|| content.channels.first().map(|way| way.channel));
    let way = channel.and_then(|channel| content.way(channel));
    let way = way.ok_or_else(|| Error::invalid("/channel", "it is no channel of the campaign"))?;
    let template = frozen.template(variant, way.channel, test.language.as_deref());
    let mut variables = content.variables.clone();
    variables.extend(test.variables);
    let new = NewMessage {
        provider_id: way.provider_id,
        template_id: template,
        template: None,
        locale: None,
        to: Some(test.to),
        lead_id: None,
        variables,
        purpose: Purpose::Transactional,
        send_at: None,
        expires_at: None,
    };
    send::send(ctx, new).await
}
