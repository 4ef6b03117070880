//! What becomes of leads whose steps are due: decided of all of them first, then written in a few statements.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::{
    Ctx,
    error::{Error, Result},
    messages::to_leads::{self, Means, ToLead},
    sequences::{
        Ended,
        facts::{Known, at},
        rules::{
            definition::{Published, StepWording},
            due::{again, due},
            turn::{Turn, turn},
        },
        store::{self, CameTo, Moved, OnWay, Taken},
        tell_ended,
    },
    tenancy::TenantTx,
    types::{EnrolmentId, LeadId, ProviderId, SequenceId, TemplateId},
};

/// A page of leads.
pub(super) struct Page {
    now: DateTime<Utc>,
    moved: Vec<Moved>,
    skipped: Vec<Taken>,
    /// Messages, each with the step that it is.
    sending: Vec<(Place, ToLead)>,
    /// Why the next step of some cannot be taken. They stay where they are.
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
    /// Of leads whose steps may be due by a time of day.
    clocks: HashMap<LeadId, Tz>,
}

impl Ground {
    async fn find(tx: &mut TenantTx, sequence: SequenceId, rows: &[OnWay]) -> Result<Self> {
        let known = Known::find(tx, sequence, rows, true).await?;
        let wordings = known.all_published().flat_map(|published| &published.wordings);
        let templates: Vec<TemplateId> =
            wordings.flat_map(|wording| &wording.versions).map(|version| version.template_id).collect();
        let means = Means::find(tx, &templates).await?;
        let clocks = if known.all_published().any(|published| published.definition.asks_zone()) {
            let leads: Vec<LeadId> = rows.iter().map(|row| row.lead).collect();
            to_leads::clocks(tx, &leads).await?
        } else {
            HashMap::new()
        };
        Ok(Self { known, means, clocks })
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
            Turn::Send(step) => {
                let wording = published.wordings.get(at(row));
                let wording = wording.ok_or_else(|| Error::internal("a step without words was published"))?;
                let Some(to) = ground.known.address(row).map(ToOwned::to_owned) else {
                    self.skip(ground, published, row, "no_address");
                    return Ok(());
                };
                match ready(ground, row, wording, step.provider_id) {
                    Ok(template) => {
                        let purpose = published.definition.purpose;
                        let message =
                            ToLead { lead: row.lead, to, template, provider: step.provider_id, purpose };
                        self.sending.push((place(row), message));
                        self.go_on(ground, published, row);
                    }
                    Err(why) => self.stuck = Some(why),
                }
            }
        }
        Ok(())
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

/// The version of the template that a lead gets; or why its step cannot be taken by anybody.
fn ready(
    ground: &Ground,
    row: &OnWay,
    wording: &StepWording,
    provider: Option<ProviderId>,
) -> Result<TemplateId, &'static str> {
    if !ground.means.carries(provider, wording.channel) {
        return Err("no_account");
    }
    let picked = wording.pick(ground.known.language(row));
    picked.filter(|template| ground.means.channel_of(*template).is_some()).ok_or("template_archived")
}

fn place(row: &OnWay) -> Place {
    Place { enrolment: row.id, version: row.version, position: row.position }
}

fn taken(place: Place, came_to: CameTo) -> Taken {
    let Place { enrolment, version, position } = place;
    Taken { enrolment, version, position, came_to }
}
