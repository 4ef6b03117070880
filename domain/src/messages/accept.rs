//! Whether messages can be accepted, and writing those down that can: all of a request, or none. `ground` says of each what
//! is wrong with it.

mod ground;

use std::collections::{BTreeMap, HashMap};

use engine::NewJob;
use serde_json::{Value, json};
use uuid::Uuid;

pub(super) use ground::{address_of, first_of};

use self::ground::{Ground, NO_LEAD, Plan};
use super::{
    provider::Channel,
    send::{NewMessage, SendMessage, place},
    store,
};
use crate::{
    Ctx, audit,
    error::{Error, Result},
    events::{Event, EventType},
    leads::{self, merged},
    moment::Moment,
    tenancy::TenantTx,
    types::{LeadId, MessageId, ProviderId, SubjectId, TemplateId},
    vault::{SubjectKeys, Vault},
};

/// Writes messages down with their audit rows and events. The fields of each stand below its place. Answers their ids with
/// the jobs that send them, in the order asked. `run` is the workflow's whose step writes them, if one does.
///
/// # Errors
/// With the place of what is wrong; nothing is written then.
pub(super) async fn accept(
    ctx: &Ctx,
    tx: &mut TenantTx,
    asked: &[(String, &NewMessage)],
    batch: Option<Uuid>,
    run: Option<Uuid>,
) -> Result<Vec<(MessageId, NewJob)>> {
    let ground = Ground::find(ctx, tx, asked, false).await?;
    accept_on(ctx, tx, ground, asked, (batch, run)).await
}

/// The same with templates that were fixed before, and may be archived by now.
///
/// # Errors
/// As [`accept`].
pub(super) async fn accept_fixed(
    ctx: &Ctx,
    tx: &mut TenantTx,
    asked: &[(String, &NewMessage)],
) -> Result<Vec<(MessageId, NewJob)>> {
    let ground = Ground::find(ctx, tx, asked, true).await?;
    accept_on(ctx, tx, ground, asked, (None, None)).await
}

async fn accept_on(
    ctx: &Ctx,
    tx: &mut TenantTx,
    mut ground: Ground,
    asked: &[(String, &NewMessage)],
    (batch, run): (Option<Uuid>, Option<Uuid>),
) -> Result<Vec<(MessageId, NewJob)>> {
    let mut plans = Vec::with_capacity(asked.len());
    for (at, new) in asked {
        plans.push(ground.plan(ctx, at, new)?);
    }
    let subjects: Vec<SubjectId> = plans.iter().map(|plan| plan.subject).collect();
    ground.keys = Vault::make_subjects(tx, &subjects).await?;
    let (tenant, index) = (ctx.tenant, ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?);
    let (mut rows, mut accepted) = (Vec::new(), Vec::new());
    for (plan, (_, new)) in plans.iter().zip(asked) {
        let mut job =
            SendMessage { message: plan.id, of_step: run.is_some(), by: Some(plan.carrier) }.job(ctx)?;
        if let Some(at) = new.send_at {
            job = job.run_at(at.utc());
        }
        let seal = |column, plain: &str| {
            ground.keys.seal(&ctx.platform, plan.subject, &place(tenant, column, plan.id), plain)
        };
        rows.push(store::NewRow {
            id: plan.id,
            subject: plan.subject,
            lead: plan.lead,
            provider: new.provider_id,
            template: plan.template,
            channel: plan.channel,
            purpose: new.purpose,
            job: job.id,
            run,
            batch,
            campaign: None,
            send_at: new.send_at.map(Moment::utc),
            expires_at: new.expires_at.map(Moment::utc),
            to_sealed: seal("to_sealed", plan.to.as_str())?,
            to_index: plan.to.index(&index),
            vars_sealed: seal("vars_sealed", &Value::Object(new.variables.clone()).to_string())?,
        });
        accepted.push((plan.id, job));
    }
    store::insert_messages(tx.conn(), tenant, &rows).await?;
    let entries: Vec<audit::Entry> =
        plans.iter().map(|plan| audit::Entry::new("create", "message", plan.id)).collect();
    tx.audit(&entries).await?;
    let told = |plan: &Plan| {
        Event::new(EventType::MessageQueued, "message", plan.id).with(json!({ "lead_id": plan.lead }))
    };
    tx.emit(&plans.iter().map(told).collect::<Vec<_>>()).await?;
    Ok(accepted)
}

/// Names what is missing or does not fit before anything is promised. Answers the channel. The fields stand below
/// `at`; the template's has a name of its own.
pub(crate) async fn check(
    ctx: &Ctx,
    tx: &mut TenantTx,
    provider: ProviderId,
    (field, template): (&str, TemplateId),
    lead: Option<LeadId>,
    at: &str,
) -> Result<Channel> {
    let tenant = tx.tenant;
    let wrong = |field: &str, why: &str| Error::invalid(format!("{at}{field}"), why);
    let templates = store::channels_of(tx.conn(), tenant, &[template], false).await?;
    let ground = Ground {
        carriers: store::carriers(tx.conn(), tenant).await?,
        templates,
        named: HashMap::new(),
        leads: BTreeMap::new(),
        contacts: HashMap::new(),
        keys: SubjectKeys::default(),
    };
    if ground.carriers.iter().all(|carrier| carrier.id != provider) {
        return Err(wrong("/provider_id", "there is no such provider"));
    }
    let channel =
        *ground.templates.get(&template).ok_or_else(|| wrong(field, "there is no such template"))?;
    ground.carrier(at, Some(provider), channel, field)?;
    if let Some(lead) = lead
        && merged::by_now(tx, lead, ctx.rows).await? != Some(lead)
    {
        return Err(wrong("/lead_id", NO_LEAD));
    }
    Ok(channel)
}

/// A lead's own address for the channel of a template, if it has one.
pub(super) async fn address(tx: &mut TenantTx, lead: LeadId, template: TemplateId) -> Result<Option<String>> {
    let tenant = tx.tenant;
    let Some(channel) = store::channel_of(tx.conn(), tenant, template).await? else { return Ok(None) };
    let contacts = store::contacts(tx.conn(), tenant, &[lead]).await?;
    let found = contacts.get(&lead).and_then(|contact| address_of(contact, channel));
    let Some((column, sealed)) = found else { return Ok(None) };
    let keys = Vault::subjects(tx, &[leads::lead::subject(lead)]).await?;
    keys.open(&leads::lead::place(tenant, column, lead), sealed)
}
