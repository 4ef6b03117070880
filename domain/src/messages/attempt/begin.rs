//! Claiming attempts.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::{
    Attempt, LEASE, Start, frozen, request_place,
    ways::{Choice, Way, choose},
};
use crate::{
    Ctx,
    campaigns::hold::{self, Hold},
    error::{Error, Result},
    events::{Event, EventType},
    messages::{
        accounts::{self, credentials_place},
        gates::{self, Asking},
        provider::{Account, Channel, Outgoing, Provider, Route},
        rules::{Purpose, Status, Stop, Verdict},
        send::place,
        store::{self, Before, Claimed, Deferred, QueuedRow, WayRow},
        suppressions,
        wording::{self, Wording, Wordings},
    },
    tenancy::TenantTx,
    types::{CampaignRunId, MessageId, ProviderId, SubjectId, TemplateId},
    vault::{SubjectKeys, TenantKeys, Vault, cipher::sha256},
};

/// Claims attempts at queued messages in one transaction, answering in the order asked. What may not leave is settled
/// here, what must wait is left queued. Rendering happens here, so that what is sent is what was written down.
///
/// # Errors
/// If the database refuses; nothing was claimed then.
pub async fn begin(ctx: &Ctx, messages: &[MessageId]) -> Result<Vec<Start>> {
    let since = Instant::now();
    let mut tx = ctx.begin().await?;
    let rows = store::lock_queued(tx.conn(), ctx.tenant, messages).await?;
    let subjects: Vec<SubjectId> = rows.iter().map(|row| row.subject_id).collect();
    let keys = Vault::subjects(&mut tx, &subjects).await?;
    let tenant_keys = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
    let mut desk = Desk {
        ctx,
        since,
        holds: hold::of(&mut tx, rows.iter().filter_map(|row| row.run).collect()).await?,
        ways: store::ways(tx.conn(), ctx.tenant).await?,
        wordings: wordings(ctx, &mut tx, &rows).await?,
        before: before(ctx, &mut tx, &rows).await?,
        keys,
        tenant_keys,
        accounts: HashMap::new(),
        claims: Vec::new(),
        going: Vec::new(),
        stops: Vec::new(),
        deferred: Vec::new(),
    };
    let mut asking = Vec::new();
    let mut judged = Vec::new();
    for row in rows {
        if let Some((choice, to)) = desk.place(&row)? {
            asking.push(asking_of(&row, to));
            judged.push((row, choice));
        }
    }
    let verdicts = gates::judge(ctx, &mut tx, &asking).await?;
    for (((row, choice), asked), verdict) in judged.into_iter().zip(asking).zip(verdicts) {
        desk.go(&row, choice, asked, verdict)?;
    }
    desk.write(tx, messages).await
}

/// By which account a message goes.
#[derive(Clone, Copy)]
struct Chosen {
    way: ProviderId,
    /// The next that could take it, if this one surely does not.
    another: Option<ProviderId>,
}

/// What is decided of a batch.
struct Desk<'c> {
    ctx: &'c Ctx,
    since: Instant,
    /// Runs of campaigns whose messages do not leave.
    holds: HashMap<CampaignRunId, Hold>,
    ways: Vec<WayRow>,
    wordings: HashMap<TemplateId, Result<Arc<Wording>, String>>,
    before: HashMap<MessageId, Before>,
    keys: SubjectKeys,
    tenant_keys: Arc<TenantKeys>,
    accounts: HashMap<ProviderId, (Arc<Account>, Arc<dyn Provider>)>,
    claims: Vec<Claimed>,
    going: Vec<Attempt>,
    stops: Vec<(MessageId, Stop)>,
    deferred: Vec<Deferred>,
}

impl Desk<'_> {
    /// The account of a message, and its recipient; none if it does not leave now, which is written down.
    fn place(&mut self, row: &QueuedRow) -> Result<Option<(Chosen, String)>> {
        if !self.keys.knows(row.subject_id) {
            self.stop(row, Status::Cancelled, "erased", "the recipient was erased");
            return Ok(None);
        }
        if row.expired {
            self.stop(row, Status::Cancelled, "too_late", "it could not be sent before it expired");
            return Ok(None);
        }
        match row.run.and_then(|run| self.holds.get(&run)).copied() {
            None => {}
            Some(Hold::Paused) => {
                // Whoever resumes it wakes the message before.
                let after = row.expires_in.map_or(hold::PATIENCE, |left| hold::PATIENCE.min(left));
                self.defer(row, after, "campaign_paused", "its campaign is paused; resume it".into());
                return Ok(None);
            }
            Some(Hold::Stopped) => {
                self.stop(row, Status::Cancelled, "campaign_cancelled", "its campaign was cancelled");
                return Ok(None);
            }
        }
        let bound = match row.provider_id.filter(|_| row.pinned) {
            Some(pinned) => Some(pinned),
            None => self.in_doubt_at(row.id)?,
        };
        let of_channel = self.ways.iter().filter(|way| way.channel == row.channel);
        let ways: Vec<Way> = of_channel
            .map(|way| Way {
                id: way.id,
                paused: way.paused,
                throttled: way.throttled,
                known: self.ctx.platform.providers.get(&way.kind).is_some(),
            })
            .collect();
        let tried: Vec<ProviderId> = row.tried.iter().copied().map(ProviderId).collect();
        let chosen = match choose(&ways, bound, &tried, row.waited) {
            Choice::By { way, another } => Chosen { way, another },
            Choice::Wait { after, code } => {
                // Whoever waits no longer than until it expires hears in time that it was not sent.
                let after = row.expires_in.map_or(after, |left| after.min(left));
                self.defer(row, after, code, waits_for(code).into());
                return Ok(None);
            }
            Choice::Gone(code) => {
                self.stop(row, Status::Failed, code, "no account of this build can carry it");
                return Ok(None);
            }
        };
        if let Ok(Some(to)) = self.keys.open(&place(self.ctx.tenant, "to_sealed", row.id), &row.to_sealed) {
            return Ok(Some((chosen, to)));
        }
        self.stop(row, Status::Failed, "unreadable", "the message's sealed fields cannot be opened");
        Ok(None)
    }

    /// The account that may have sent the message already and drops what comes twice: no other may be asked. Of one that
    /// does not drop it somebody has said that its messages may come twice (`on_unknown`).
    fn in_doubt_at(&mut self, message: MessageId) -> Result<Option<ProviderId>> {
        let Some(provider) = self.before.get(&message).filter(|one| one.in_doubt).map(|one| one.provider)
        else {
            return Ok(None);
        };
        if !self
            .ways
            .iter()
            .any(|way| way.id == provider && self.ctx.platform.providers.get(&way.kind).is_some())
        {
            return Ok(Some(provider));
        }
        let (account, adapter) = self.account(provider)?;
        Ok((adapter.route(&account) == Route::Keyed).then_some(provider))
    }

    /// Claims it, if the gates let it through and it can be filled in.
    fn go(
        &mut self,
        row: &QueuedRow,
        Chosen { way, another }: Chosen,
        asked: Asking,
        verdict: Verdict,
    ) -> Result<()> {
        match verdict {
            Verdict::Go => {}
            Verdict::Stop(Stop { status, code, text }) => {
                self.stop(row, status, code, &text);
                return Ok(());
            }
            Verdict::Defer { until, code } => {
                let after = (until - row.now).to_std().unwrap_or_default();
                if row.expires_in.is_some_and(|left| left <= after) {
                    self.stop(row, Status::Cancelled, "too_late", "it may not be sent before it expires");
                } else {
                    let until = until.to_rfc3339_opts(SecondsFormat::Secs, true);
                    self.defer(row, after, code, format!("it may not be sent before {until}"));
                }
                return Ok(());
            }
        }
        let Ok((account, adapter)) = self.account(way) else {
            // It is one account's fault, and none of the others' in the batch.
            let why = "the account's credentials cannot be opened; enter them again";
            self.defer(row, Duration::from_mins(1), "account_unreadable", why.into());
            return Ok(());
        };
        let outgoing = match self.request(row, &account, adapter.as_ref(), asked.to) {
            Ok(outgoing) => outgoing,
            Err(why) => {
                self.stop(row, Status::Failed, "template", &why);
                return Ok(());
            }
        };
        let fence = row.fence + 1;
        let request = serde_json::to_string(&outgoing).map_err(Error::internal)?;
        let place = request_place(self.ctx.tenant, row.id);
        let sealed = self.keys.seal(&self.ctx.platform, row.subject_id, &place, &request)?;
        self.claims.push(Claimed {
            id: row.id,
            fence,
            provider: way,
            hash: sha256(request.as_bytes()),
            sealed,
        });
        let on_unknown =
            self.ways.iter().find(|known| known.id == way).map(|way| way.on_unknown).unwrap_or_default();
        self.going.push(Attempt {
            message: row.id,
            fence,
            rounds: row.rounds,
            in_doubt: self.is_in_doubt(row.id),
            outgoing,
            channel: row.channel,
            to_index: asked.to_index,
            on_unknown,
            another,
            account,
            adapter,
            since: self.since,
        });
        Ok(())
    }

    fn account(&mut self, id: ProviderId) -> Result<(Arc<Account>, Arc<dyn Provider>)> {
        if let Some((account, adapter)) = self.accounts.get(&id) {
            return Ok((Arc::clone(account), Arc::clone(adapter)));
        }
        let way = self.ways.iter().find(|way| way.id == id);
        let way = way.ok_or_else(|| Error::internal("an account that was chosen is not there"))?;
        let adapter = self.ctx.platform.providers.get(&way.kind);
        let adapter = adapter.ok_or_else(|| Error::internal("an adapter that was there is not"))?;
        let credentials =
            self.tenant_keys.open(&credentials_place(self.ctx.tenant, id), &way.credentials_sealed)?;
        let account = Arc::new(Account { id, channel: way.channel, credentials, version: way.version });
        self.accounts.insert(id, (Arc::clone(&account), Arc::clone(&adapter)));
        Ok((account, adapter))
    }

    /// What is to be sent. To a receiver that drops what comes twice under one key goes what went before.
    fn request(
        &self,
        row: &QueuedRow,
        account: &Account,
        adapter: &dyn Provider,
        to: String,
    ) -> Result<Outgoing, String> {
        if adapter.route(account) == Route::Keyed
            && let Some(before) = self.before.get(&row.id).filter(|before| before.provider == account.id)
            && let Ok(Some(request)) = frozen(&self.keys, self.ctx.tenant, row.id, &before.request_sealed)
        {
            return Ok(request);
        }
        let wording = match self.wordings.get(&row.template_id) {
            Some(wording) => wording.clone()?,
            None => return Err("the template is not there any more".into()),
        };
        let vars = self.keys.open(&place(self.ctx.tenant, "vars_sealed", row.id), &row.vars_sealed);
        let vars = vars.ok().flatten().ok_or("the variables cannot be opened")?;
        let mut variables: Value = serde_json::from_str(&vars).unwrap_or_default();
        let unsubscribe_url = self.unsubscribe_url(row);
        if let (Some(url), Some(fields)) = (&unsubscribe_url, variables.as_object_mut()) {
            fields.entry("unsubscribe_url").or_insert_with(|| json!(url));
        }
        wording::fit(row.channel, &mut variables);
        let said = wording.render(&variables)?;
        let token = accounts::callback_token(&self.tenant_keys, self.ctx.tenant, account.id);
        Ok(Outgoing {
            message: row.id,
            subject_id: row.subject_id,
            to,
            subject: said.subject,
            text: said.text,
            html: said.html,
            extra: said.extra,
            unsubscribe_url,
            callback_url: accounts::callback_url(&self.ctx.platform, adapter.kind(), &token),
        })
    }

    /// Where a click ends marketing mail (RFC 8058).
    fn unsubscribe_url(&self, row: &QueuedRow) -> Option<String> {
        if row.purpose != Purpose::Marketing || row.channel != Channel::Email {
            return None;
        }
        let base = self.ctx.platform.public_url.as_deref()?;
        let token = suppressions::unsubscribe_token(&self.tenant_keys, self.ctx.tenant, row.id);
        Some(format!("{base}/unsubscribe/{token}"))
    }

    fn is_in_doubt(&self, message: MessageId) -> bool {
        self.before.get(&message).is_some_and(|before| before.in_doubt)
    }

    /// Ends it unsent. Of one that may have been sent before, that is all that is known.
    fn stop(&mut self, row: &QueuedRow, status: Status, code: &'static str, text: &str) {
        let status = if self.is_in_doubt(row.id) { Status::Unknown } else { status };
        self.stops.push((row.id, Stop { status, code, text: text.to_owned() }));
    }

    fn defer(&mut self, row: &QueuedRow, after: Duration, code: &'static str, text: String) {
        self.deferred.push(Deferred { id: row.id, after, code, text });
    }

    /// Writes all down and commits.
    async fn write(mut self, mut tx: TenantTx, messages: &[MessageId]) -> Result<Vec<Start>> {
        let tenant = self.ctx.tenant;
        store::claim(tx.conn(), tenant, &self.claims, LEASE).await?;
        store::stop(tx.conn(), tenant, &self.stops).await?;
        // Who waits for the same thing as before is not told of again.
        let begun = store::defer(tx.conn(), tenant, &self.deferred).await?;
        let stopped = self.stops.iter().map(|(id, stop)| {
            let kind = match stop.status {
                Status::Suppressed => EventType::MessageSuppressed,
                Status::Cancelled => EventType::MessageCancelled,
                Status::Unknown => EventType::MessageUnknown,
                _ => EventType::MessageFailed,
            };
            Event::new(kind, "message", *id).with(json!({ "code": stop.code }))
        });
        let waiting = self.deferred.iter().filter(|one| begun.contains(&one.id)).map(|one| {
            Event::new(EventType::MessageDeferred, "message", one.id).with(json!({ "code": one.code }))
        });
        tx.emit(&stopped.chain(waiting).collect::<Vec<_>>()).await?;
        let over = if self.going.len() + self.deferred.len() < messages.len() {
            store::statuses(tx.conn(), tenant, messages).await?
        } else {
            HashMap::new()
        };
        tx.commit().await?;
        let start = |id: &MessageId| {
            if let Some(at) = self.going.iter().position(|attempt| attempt.message == *id) {
                return Start::Go(Box::new(self.going.swap_remove(at)));
            }
            match self.deferred.iter().find(|one| one.id == *id) {
                Some(one) => Start::Later(one.after),
                None => Start::Over(over.get(id).copied()),
            }
        };
        Ok(messages.iter().map(start).collect())
    }
}

/// The wordings of the batch: parsed once for each version and process.
async fn wordings(
    ctx: &Ctx,
    tx: &mut TenantTx,
    rows: &[QueuedRow],
) -> Result<HashMap<TemplateId, Result<Arc<Wording>, String>>> {
    let kept: &Wordings = &ctx.platform.wordings;
    let mut found = HashMap::new();
    let mut missing = Vec::new();
    for row in rows {
        if found.contains_key(&row.template_id) || missing.contains(&row.template_id) {
            continue;
        }
        match kept.kept(row.template_id) {
            Some(wording) => drop(found.insert(row.template_id, Ok(wording))),
            None => missing.push(row.template_id),
        }
    }
    if !missing.is_empty() {
        for text in store::texts(tx.conn(), ctx.tenant, &missing).await? {
            let (subject, html) = (text.subject.as_deref(), text.html.as_deref());
            let made = kept.get(text.id, || Wording::parse(subject, &text.text, html, text.extra.as_ref()));
            found.insert(text.id, made);
        }
    }
    Ok(found)
}

/// What went before of messages that were tried already.
async fn before(ctx: &Ctx, tx: &mut TenantTx, rows: &[QueuedRow]) -> Result<HashMap<MessageId, Before>> {
    let tried: Vec<MessageId> = rows.iter().filter(|row| row.fence > 0).map(|row| row.id).collect();
    if tried.is_empty() {
        return Ok(HashMap::new());
    }
    store::before(tx.conn(), ctx.tenant, &tried).await
}

/// What a message waits for, in words.
fn waits_for(code: &str) -> &'static str {
    match code {
        "provider_paused" => "every account that may carry it is paused; resume one",
        _ => "every account that may carry it was asked by its provider to wait",
    }
}

/// What the gates are asked about.
fn asking_of(row: &QueuedRow, to: String) -> Asking {
    Asking {
        message: row.id,
        subject: row.subject_id,
        lead: row.lead_id,
        channel: row.channel,
        purpose: row.purpose,
        to,
        to_index: row.to_index.clone(),
    }
}
