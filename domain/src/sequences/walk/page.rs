//! What becomes of leads whose steps are due: decided of all of them first, then written in a few statements.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::{
    Ctx,
    error::{Error, Result},
    messages::to_leads::{self, Means, ToLead},
    sequences::{
        Ended,
        facts::{Known, at},
        rules::{
            definition::{Published, SequenceStep, StepDelay},
            due::{again, due, later},
            turn::{Turn, turn},
        },
        store::{self, CameTo, Moved, OnWay, Taken},
        tell_ended,
    },
    tenancy::TenantTx,
    types::{EnrolmentId, LeadId, MessageId, SequenceId},
};

/// How long a step that cannot be taken now is put off, so that others go on meanwhile.
const PUT_OFF: TimeDelta = TimeDelta::minutes(10);

/// A page of leads.
pub(super) struct Page {
    now: DateTime<Utc>,
    moved: Vec<Moved>,
    skipped: Vec<Taken>,
    /// Messages, each with the step that it is.
    sending: Vec<(Place, ToLead)>,
    /// Why the next step of some cannot be taken by anybody. They are put off.
    pub(super) stuck: Option<&'static str>,
}

/// A step of an enrolment.
#[derive(Clone, Copy)]
struct Place {
    enrolment: EnrolmentId,
    version: i32,
    position: i16,
}

/// What is decided by.
struct Ground {
    known: Known,
    means: Means,
    /// Whose last message has not left yet.
    held_up: HashSet<EnrolmentId>,
    /// Of leads whose steps may be due by a time of day.
    clocks: HashMap<LeadId, Tz>,
}

impl Ground {
    async fn find(tx: &mut TenantTx, sequence: SequenceId, rows: &[OnWay]) -> Result<Self> {
        let known = Known::find(tx, sequence, rows, true).await?;
        // Of templates nothing is asked: what a version was published with is sent, archived or not.
        let means = Means::find(tx, &[]).await?;
        let held_up = held_up(tx, rows).await?;
        let clocks = if known.all_published().any(|published| published.definition.asks_zone()) {
            let leads: Vec<LeadId> = rows.iter().map(|row| row.lead).collect();
            to_leads::clocks(tx, &leads).await?
        } else {
            HashMap::new()
        };
        Ok(Self { known, means, held_up, clocks })
    }

    fn clock(&self, row: &OnWay) -> Tz {
        self.clocks.get(&row.lead).copied().unwrap_or(Tz::UTC)
    }
}

impl Page {
    /// Decides what becomes of enrolments that are locked and whose leads are held.
    pub(super) async fn decide(
        tx: &mut TenantTx,
        sequence: SequenceId,
        rows: &[OnWay],
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let ground = Ground::find(tx, sequence, rows).await?;
        let mut page = Self { now, moved: Vec::new(), skipped: Vec::new(), sending: Vec::new(), stuck: None };
        for row in rows {
            page.take(&ground, row)?;
        }
        Ok(page)
    }

    fn take(&mut self, ground: &Ground, row: &OnWay) -> Result<()> {
        let published = ground.known.published(row)?;
        let Some(facts) = ground.known.facts(row) else {
            self.end(row, "left", Some("lead_deleted"));
            return Ok(());
        };
        let step = published.definition.steps.get(at(row));
        if let Some(later) = step.and_then(|step| again(step.delay, row.due_at, self.now, ground.clock(row)))
        {
            self.wait(row, row.position, later);
            return Ok(());
        }
        match turn(&published.definition, at(row), &facts) {
            Turn::Goal(why) => self.end(row, "goal", Some(why)),
            Turn::Leave(why) => self.end(row, "left", Some(why)),
            Turn::Over => self.end(row, "completed", None),
            Turn::Skip(why) => self.skip(ground, published, row, why),
            Turn::Send(step) => self.send(ground, published, row, step)?,
        }
        Ok(())
    }

    fn send(
        &mut self,
        ground: &Ground,
        published: &Published,
        row: &OnWay,
        step: &SequenceStep,
    ) -> Result<()> {
        let wording = published.wordings.get(at(row));
        let picked = wording.and_then(|wording| Some((wording, wording.pick(ground.known.language(row))?)));
        let (wording, template) =
            picked.ok_or_else(|| Error::internal("a step without words was published"))?;
        // What is to come some time after the message before does not come with it.
        if step.delay != StepDelay::default() && ground.held_up.contains(&row.id) {
            self.put_off(ground, row, step);
            return Ok(());
        }
        let Some(to) = ground.known.address(row).map(ToOwned::to_owned) else {
            self.skip(ground, published, row, "no_address");
            return Ok(());
        };
        if !ground.known.seals(row) {
            self.skip(ground, published, row, "key_unreadable");
            return Ok(());
        }
        if ground.means.carries(step.provider_id, wording.channel) {
            let purpose = published.definition.purpose;
            let message = ToLead { lead: row.lead, to, template, provider: step.provider_id, purpose };
            self.sending.push((place(row), message));
            self.go_on(ground, published, row);
        } else if step.provider_id.is_some() {
            // It does not come back, and no other carries the step.
            self.skip(ground, published, row, "no_account");
        } else {
            self.stuck = Some("no_account");
            self.put_off(ground, row, step);
        }
        Ok(())
    }

    fn put_off(&mut self, ground: &Ground, row: &OnWay, step: &SequenceStep) {
        self.wait(row, row.position, later(step.delay, self.now, PUT_OFF, ground.clock(row)));
    }

    fn skip(&mut self, ground: &Ground, published: &Published, row: &OnWay, why: &'static str) {
        self.skipped.push(taken(place(row), CameTo::Skipped(why)));
        self.go_on(ground, published, row);
    }

    /// To the next step, or to the end.
    fn go_on(&mut self, ground: &Ground, published: &Published, row: &OnWay) {
        match published.definition.steps.get(at(row) + 1) {
            Some(next) => {
                let due_at = due(next.delay, self.now, ground.clock(row));
                self.wait(row, row.position + 1, due_at);
            }
            None => self.end(row, "completed", None),
        }
    }

    fn wait(&mut self, row: &OnWay, position: i16, due_at: DateTime<Utc>) {
        let (id, lead) = (row.id, row.lead);
        self.moved.push(Moved { id, lead, position, state: "waiting", reason: None, due_at: Some(due_at) });
    }

    fn end(&mut self, row: &OnWay, state: &'static str, reason: Option<&'static str>) {
        let (id, lead, position) = (row.id, row.lead, row.position);
        self.moved.push(Moved { id, lead, position, state, reason, due_at: None });
    }

    /// Writes it all down.
    pub(super) async fn write(&self, ctx: &Ctx, tx: &mut TenantTx, sequence: SequenceId) -> Result<()> {
        if self.moved.is_empty() {
            return Ok(());
        }
        let messages: Vec<&ToLead> = self.sending.iter().map(|(_, message)| message).collect();
        let written = to_leads::write(ctx, tx, &messages).await?;
        let sent = self.sending.iter().zip(written);
        let mut steps: Vec<Taken> = sent.map(|((place, _), id)| taken(*place, CameTo::Sent(id))).collect();
        steps.extend(self.skipped.iter().copied());
        if !steps.is_empty() {
            store::insert_steps(tx.conn(), ctx.tenant, sequence, &steps, self.now).await?;
        }
        store::put_moved(tx.conn(), ctx.tenant, &self.moved).await?;
        let is_over = |moved: &&Moved| moved.due_at.is_none();
        let ended = |moved: &Moved| Ended {
            id: moved.id,
            sequence,
            lead: moved.lead,
            state: moved.state,
            reason: moved.reason,
        };
        let ended: Vec<Ended> = self.moved.iter().filter(is_over).map(ended).collect();
        tell_ended(tx, &ended).await
    }
}

/// Those whose last message waits, as for an account that is paused, or is being sent at this moment.
async fn held_up(tx: &mut TenantTx, rows: &[OnWay]) -> Result<HashSet<EnrolmentId>> {
    let tenant = tx.tenant;
    let begun = rows.iter().filter(|row| row.position > 0);
    let begun: Vec<EnrolmentId> = begun.map(|row| row.id).collect();
    let last = store::last_messages(tx.conn(), tenant, &begun).await?;
    let written: Vec<MessageId> = last.iter().map(|(_, message)| *message).collect();
    let under_way = to_leads::under_way(tx, &written).await?;
    Ok(last.into_iter().filter(|(_, message)| under_way.contains(message)).map(|(id, _)| id).collect())
}

fn place(row: &OnWay) -> Place {
    Place { enrolment: row.id, version: row.version, position: row.position }
}

fn taken(place: Place, came_to: CameTo) -> Taken {
    let Place { enrolment, version, position } = place;
    Taken { enrolment, version, position, came_to }
}
