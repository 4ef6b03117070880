//! Messages of campaigns: whether and when their recipients may be written to, and writing many down at a time, in a
//! transaction of the caller's, who holds the leads. They are sent by the same jobs as all others, and the gates look at each
//! as it leaves.

mod parts;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use engine::{jobs, operate::Action};
use serde_json::{Map, Value};

pub(crate) use self::parts::parts;
use super::{
    gates, of_run,
    policy::{Policy, QuietHours},
    provider::Channel,
    recipient::Recipient,
    rules::Purpose,
    send::{SendMessage, place},
    store::{self, Carrier},
    whereabouts::{self, Whereabouts},
};
use crate::{
    Ctx,
    error::{Error, Result},
    leads::lead,
    tenancy::{self, TenantTx},
    types::{CampaignRunId, LeadId, MessageId, ProviderId, TemplateId},
    vault::SubjectKeys,
};

/// Behind single messages of the tenant, which somebody may wait for.
const PRIORITY: i16 = 2;
/// Jobs that the engine takes at a time.
const AT_ONCE: usize = 1_000;
/// Why a message does not leave whose campaign was cancelled: the code, and what it says.
pub(super) const CANCELLED: (&str, &str) = ("campaign_cancelled", "its campaign was cancelled");

/// In which zones somebody may be: the one that their region is named like, if their number does not tell another; else those
/// of the number. Of whom nothing is known there are none.
#[must_use]
pub(crate) fn zones_of(number: Option<&str>, region: Option<&str>) -> Vec<Tz> {
    Whereabouts::of(number, region).likely()
}

/// The same of some leads, those that there are.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn zones_of_leads(tx: &mut TenantTx, leads: &[LeadId]) -> Result<HashMap<LeadId, Vec<Tz>>> {
    let known = whereabouts::of_leads(tx, leads).await?;
    Ok(known.into_iter().map(|(id, known)| (id, known.likely())).collect())
}

/// What holds of all messages at this moment.
pub(crate) struct Ground {
    policy: Policy,
    home: Tz,
    pub now: DateTime<Utc>,
    carriers: Vec<Carrier>,
}

impl Ground {
    /// # Errors
    /// If the database does not answer, or the policy cannot be read.
    pub(crate) async fn find(tx: &mut TenantTx) -> Result<Self> {
        let tenant = tx.tenant;
        let (now, policy) = store::policy_now(tx.conn(), tenant).await?;
        let home = tenancy::store::zone(tx.conn(), tenant).await?.parse().unwrap_or(Tz::UTC);
        let carriers = store::carriers(tx.conn(), tenant).await?;
        Ok(Self { policy: Policy::stored(policy)?, home, now, carriers })
    }

    /// Whether an account is there that carries a channel: this one, if one is named.
    #[must_use]
    pub(crate) fn carries(&self, provider: Option<ProviderId>, channel: Channel) -> bool {
        self.carrier(provider, channel).is_some()
    }

    fn carrier(&self, provider: Option<ProviderId>, channel: Channel) -> Option<ProviderId> {
        let fits = |one: &&Carrier| one.channel == channel && provider.is_none_or(|wanted| one.id == wanted);
        let mut fit = self.carriers.iter().filter(fits);
        fit.clone().find(|one| !one.paused).or_else(|| fit.next()).map(|one| one.id)
    }

    /// Until when somebody is left alone who may be in any of these zones, if it is quiet now: by the tenant's policy and by
    /// these hours besides.
    #[must_use]
    pub(crate) fn quiet_until(
        &self,
        purpose: Purpose,
        also: Option<&QuietHours>,
        zones: &[Tz],
    ) -> Option<DateTime<Utc>> {
        let hours: Vec<&QuietHours> = self.policy.quiet_for(purpose).into_iter().chain(also).collect();
        gates::quiet_until(&hours, zones, self.home, self.now)
    }
}

/// Those of these leads that were sent so many messages of other runs since a time, or will be: others are kept from being
/// counted for before the commit.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn had_enough(
    tx: &mut TenantTx,
    run: CampaignRunId,
    leads: &[LeadId],
    (most, since): (i32, DateTime<Utc>),
) -> Result<HashSet<LeadId>> {
    let tenant = tx.tenant;
    let mut keys: Vec<Vec<u8>> = leads.iter().map(|lead| lead.0.as_bytes().to_vec()).collect();
    keys.sort_unstable();
    store::lock_counted(tx.conn(), tenant, &keys).await?;
    let counts = store::of_late(tx.conn(), tenant, run, leads, since).await?;
    let enough = leads.iter().zip(counts).filter(|(_, count)| *count >= i64::from(most));
    Ok(enough.map(|(lead, _)| *lead).collect())
}

/// By what equal addresses are known, and whether a run has written there already for another lead, or to one that is this
/// lead by now; in their order.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn written_to(
    ctx: &Ctx,
    tx: &mut TenantTx,
    run: CampaignRunId,
    to: &[(LeadId, &Recipient)],
) -> Result<Vec<(Vec<u8>, bool)>> {
    let tenant = tx.tenant;
    let index = ctx.platform.vault.tenant_keys(tx.conn(), tenant).await?;
    let indexed: Vec<(LeadId, Vec<u8>)> = to.iter().map(|(lead, to)| (*lead, to.index(&index))).collect();
    let known = store::written_to(tx.conn(), tenant, run, &indexed).await?;
    Ok(indexed.into_iter().map(|(_, index)| index).zip(known).collect())
}

/// A message of a campaign about to be written.
pub(crate) struct Draft {
    pub lead: LeadId,
    pub channel: Channel,
    /// The account that carries it, and no other.
    pub provider: Option<ProviderId>,
    pub template: TemplateId,
    pub to: Recipient,
    pub to_index: Vec<u8>,
    pub variables: Map<String, Value>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// Writes messages of a run down with the jobs that send them; answers their ids, in their order. That a campaign sends them
/// is written down and told once for all of them, by the campaign.
///
/// # Errors
/// If nothing carries one of them any more, which [`Ground::carries`] says before, or the database refuses.
pub(crate) async fn write(
    ctx: &Ctx,
    tx: &mut TenantTx,
    (run, purpose): (CampaignRunId, Purpose),
    (ground, keys): (&Ground, &SubjectKeys),
    drafts: &[Draft],
) -> Result<Vec<MessageId>> {
    let tenant = tx.tenant;
    let (mut rows, mut jobs, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    for draft in drafts {
        let id = MessageId(ctx.id());
        let carrier = ground.carrier(draft.provider, draft.channel);
        let carrier = carrier.ok_or_else(|| Error::internal("nothing carries a message of a campaign"))?;
        let job = SendMessage { message: id, of_step: false, by: Some(carrier) }.job(ctx)?.priority(PRIORITY);
        let subject = lead::subject(draft.lead);
        let seal = |column, plain: &str| keys.seal(&ctx.platform, subject, &place(tenant, column, id), plain);
        rows.push(store::NewRow {
            id,
            subject,
            lead: Some(draft.lead),
            provider: draft.provider,
            template: draft.template,
            channel: draft.channel,
            purpose,
            job: job.id,
            run: None,
            batch: None,
            campaign: Some((run, draft.lead)),
            send_at: None,
            expires_at: draft.expires_at,
            to_sealed: seal("to_sealed", draft.to.as_str())?,
            to_index: draft.to_index.clone(),
            vars_sealed: seal("vars_sealed", &Value::Object(draft.variables.clone()).to_string())?,
        });
        ids.push(id);
        jobs.push(job);
    }
    store::insert_messages(tx.conn(), tenant, &rows).await?;
    tx.enqueue(&jobs).await?;
    Ok(ids)
}

/// Has a page of the messages of a run tried now that wait for something. Answers where it ended; none after the last.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn wake(
    tx: &mut TenantTx,
    run: CampaignRunId,
    after: Option<MessageId>,
    page: i64,
) -> Result<Option<MessageId>> {
    let tenant = tx.tenant;
    let waiting = store::waiting_of_run(tx.conn(), tenant, run, after, page).await?;
    let about: Vec<String> = waiting.iter().map(|message| format!("message:{message}")).collect();
    let due_later = jobs::waiting_about(tx.conn(), tenant.0, &about).await?;
    for some in due_later.chunks(AT_ONCE) {
        tx.act(Action::Retry, some).await?;
    }
    let is_full = i64::try_from(waiting.len()).is_ok_and(|count| count >= page);
    Ok(waiting.last().copied().filter(|_| is_full))
}

/// Cancels a page of the messages of a run that wait to be sent; those that may have been sent are of unknown fate. Answers how
/// many.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn cancel(tx: &mut TenantTx, run: CampaignRunId, page: i64) -> Result<usize> {
    let tenant = tx.tenant;
    let waiting = store::lock_waiting_of_campaign(tx.conn(), tenant, run, page).await?;
    Ok(of_run::end(tx, &waiting, CANCELLED).await?.len())
}
