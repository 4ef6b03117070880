//! What is decided of each message of a batch, while its row is held.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::SecondsFormat;
use uuid::Uuid;

use super::{
    Attempt, Slot, Turn,
    repeat::Repeat,
    request_place,
    ways::{Choice, Way, choose},
};
use crate::{
    Ctx,
    campaigns::hold::{self, Hold},
    error::{Error, Result},
    messages::{
        gates::Asking,
        of_run,
        provider::{Account, Provider},
        rules::{Status, Stop, Verdict},
        send::place,
        store::{Before, Claimed, Deferred, QueuedRow, WayRow},
        to_many,
        wording::Wording,
    },
    types::{CampaignRunId, MessageId, ProviderId, TemplateId},
    vault::{SubjectKeys, TenantKeys, cipher::sha256},
};

/// Where the requests of a batch have so many bytes, it takes no more of them: they are all held in memory and written in one
/// statement.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// By which account a message goes.
#[derive(Clone, Copy)]
pub(super) struct Chosen {
    way: ProviderId,
    /// The next that could take it, if this one surely does not.
    another: Option<ProviderId>,
}

/// What is decided of a batch.
pub(super) struct Desk<'c> {
    pub ctx: &'c Ctx,
    pub since: Instant,
    pub turns: &'c [Turn],
    /// Which turn each message is dealt with in.
    pub turn_of: HashMap<MessageId, usize>,
    /// Runs of campaigns whose messages do not leave.
    pub holds: HashMap<CampaignRunId, Hold>,
    pub ways: Vec<WayRow>,
    pub wordings: HashMap<TemplateId, Result<Arc<Wording>, String>>,
    pub before: HashMap<MessageId, Before>,
    pub stopped_runs: HashSet<Uuid>,
    pub keys: SubjectKeys,
    pub tenant_keys: Arc<TenantKeys>,
    pub accounts: HashMap<ProviderId, (Arc<Account>, Arc<dyn Provider>)>,
    pub claims: Vec<Claimed>,
    pub going: Vec<Attempt>,
    pub stops: Vec<(MessageId, Stop)>,
    pub deferred: Vec<Deferred>,
    /// Messages for which the batch had no room left: nothing is written down of them, their jobs come again.
    pub left: Vec<MessageId>,
    /// What the requests of the batch take, in bytes.
    pub bytes: usize,
    /// Messages that go by an account under whose limit their jobs do not run.
    pub elsewhere: Vec<(MessageId, ProviderId)>,
}

impl Desk<'_> {
    /// The account of a message, and its recipient; none if it does not leave now, which is written down.
    pub fn place(&mut self, row: &QueuedRow) -> Option<(Chosen, String)> {
        if !self.keys.knows(row.subject_id) {
            self.stop(row, Status::Cancelled, "erased", "the recipient was erased");
            return None;
        }
        if row.run_id.is_some_and(|run| self.stopped_runs.contains(&run)) {
            self.stop(row, Status::Cancelled, of_run::OVER.0, of_run::OVER.1);
            return None;
        }
        if row.expired {
            self.stop(row, Status::Cancelled, "too_late", "it could not be sent before it expired");
            return None;
        }
        if self.is_held(row) {
            return None;
        }
        let chosen = self.choose(row)?;
        if let Ok(Some(to)) = self.keys.open(&place(self.ctx.tenant, "to_sealed", row.id), &row.to_sealed) {
            return Some((chosen, to));
        }
        self.stop(row, Status::Failed, "unreadable", "the message's sealed fields cannot be opened");
        None
    }

    /// Whether its campaign keeps it back, which is written down.
    fn is_held(&mut self, row: &QueuedRow) -> bool {
        match row.run.and_then(|run| self.holds.get(&run)) {
            None => return false,
            Some(Hold::Paused) => {
                // Whoever resumes it wakes the message before.
                let after = row.expires_in.map_or(hold::PATIENCE, |left| hold::PATIENCE.min(left));
                self.defer(row, after, "campaign_paused", "its campaign is paused; resume it".into());
            }
            Some(Hold::Stopped) => {
                self.stop(row, Status::Cancelled, to_many::CANCELLED.0, to_many::CANCELLED.1);
            }
        }
        true
    }

    /// By which account it goes now, in the turn of its job.
    fn choose(&mut self, row: &QueuedRow) -> Option<Chosen> {
        let pinned = row.provider_id.filter(|_| row.pinned);
        let bound = match self.repeat(row.id) {
            Repeat::Anywhere => pinned,
            Repeat::Only(provider) => Some(pinned.unwrap_or(provider)),
            Repeat::Nowhere(undropped) => {
                self.stop(row, Status::Unknown, undropped.code(), undropped.why());
                return None;
            }
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
        let slot = self.slot(row.id);
        // Once the account has been asked, the next round goes by the order of the accounts again.
        let by = slot.map(|slot| slot.by).filter(|by| row.provider_id != Some(*by));
        let chosen = match choose(&ways, bound, &tried, by, row.waited) {
            Choice::By { way, another } => Chosen { way, another },
            Choice::Wait { after, code } => {
                // Whoever waits no longer than until it expires hears in time that it was not sent.
                let after = row.expires_in.map_or(after, |left| after.min(left));
                self.defer(row, after, code, waits_for(code).into());
                return None;
            }
            Choice::Gone(code) => {
                self.stop(row, Status::Failed, code, "no account of this build can carry it");
                return None;
            }
        };
        if let Some(slot) = slot.filter(|slot| slot.by != chosen.way) {
            // Where the message names another job by now, that one sees to it.
            if row.job_id == Some(slot.job) {
                self.elsewhere.push((row.id, chosen.way));
            }
            return None;
        }
        Some(chosen)
    }

    /// The job whose turn it is with a message, if it counts against a limit.
    fn slot(&self, message: MessageId) -> Option<Slot> {
        self.turns.get(*self.turn_of.get(&message)?)?.slot
    }

    /// Claims it, if the gates let it through and it can be filled in.
    pub fn go(
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
        // The first has room always, so that each batch comes further.
        if self.bytes >= MOST_BYTES {
            self.left.push(row.id);
            return Ok(());
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
        self.bytes += request.len();
        let place = request_place(self.ctx.tenant, row.id);
        let sealed = self.keys.seal(&self.ctx.platform, row.subject_id, &place, &request)?;
        self.claims.push(Claimed {
            id: row.id,
            fence,
            provider: way,
            version: account.version,
            hash: sha256(request.as_bytes()),
            sealed,
        });
        let on_unknown = self.on_unknown(way);
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

    /// Ends it unsent. Of one that may have been sent before, that is all that is known.
    fn stop(&mut self, row: &QueuedRow, status: Status, code: &'static str, text: &str) {
        let status = if self.is_in_doubt(row.id) { Status::Unknown } else { status };
        self.stops.push((row.id, Stop { status, code, text: text.to_owned() }));
    }

    fn defer(&mut self, row: &QueuedRow, after: Duration, code: &'static str, text: String) {
        self.deferred.push(Deferred { id: row.id, after, code, text });
    }
}

/// What a message waits for, in words.
fn waits_for(code: &str) -> &'static str {
    match code {
        "provider_paused" => "every account that may carry it is paused; resume one",
        _ => "every account that may carry it was asked by its provider to wait",
    }
}
