//! Recipients whose time has come: who of them is written to now, who later, and who is not.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{Desk, gone::Gone};
use crate::{
    Ctx,
    campaigns::{
        progress::small,
        rules::{
            budget::Micros,
            timing::{Timeliness, expires_at, timeliness},
        },
        store::{self, DueRow, HandedOver, Timed},
    },
    error::{Error, Result},
    leads::audience::{Addressed, addressed},
    messages::{
        policy::QuietHours,
        provider::Channel,
        recipient::Recipient,
        to_many::{self, Draft, Ground},
    },
    tenancy::TenantTx,
    types::LeadId,
    vault::SubjectKeys,
};

impl Desk<'_> {
    /// Makes messages of those who may be written to now, and says of the others why not or when. `false` if there is somebody
    /// to be written to and nothing left to pay even the first message with: then nobody was.
    pub(super) async fn release(
        &mut self,
        ctx: &Ctx,
        tx: &mut TenantTx,
        ground: &Ground,
        rows: &[DueRow],
    ) -> Result<bool> {
        let (tenant, id) = (tx.tenant, self.run.id);
        let leads: Vec<LeadId> = rows.iter().map(|row| row.lead).collect();
        let (known, keys) = addressed(tx, &leads).await?;
        let mut sorted = Sorted::default();
        for row in rows {
            self.sort(ground, &known, row, &mut sorted);
        }
        let gone = std::mem::take(&mut sorted.gone);
        sorted.skipped.extend(self.follow(tx, gone).await?);
        self.under_cap(tx, ground, &mut sorted).await?;
        self.once_each(ctx, tx, &mut sorted).await?;
        let handed = self.write(ctx, tx, (ground, &keys), (&known, sorted.going.as_slice())).await?;
        self.tokens -= f64::from(small(i64::try_from(handed.len()).unwrap_or(i64::MAX)));
        self.moved |= !(handed.is_empty() && sorted.skipped.is_empty() && sorted.later.is_empty());
        store::skip(tx.conn(), tenant, id, &sorted.skipped).await?;
        store::set_due(tx.conn(), tenant, id, &sorted.later).await?;
        store::hand_over(tx.conn(), tenant, id, &handed).await?;
        Ok(!handed.is_empty() || sorted.going.is_empty())
    }

    /// What is to be done with a recipient whose time has come.
    fn sort(&self, ground: &Ground, known: &HashMap<LeadId, Addressed>, row: &DueRow, sorted: &mut Sorted) {
        let definition = self.definition();
        let Some(lead) = known.get(&row.lead) else { return sorted.gone.push(Gone::of(row)) };
        if lead.erased {
            return sorted.skip(row.lead, "erased");
        }
        let late = definition.limits.max_lateness();
        let zones = to_many::zones_of(lead.phone.as_deref(), lead.region.as_deref());
        let due_at = self.due_at(row, &zones);
        let expires = row.expires_at.or_else(|| expires_at(due_at, late));
        if due_at > ground.now {
            sorted.later.push(Timed { lead: row.lead, due_at, zone: None, expires_at: expires });
            return;
        }
        let is_late = expires.is_some_and(|expires| ground.now > expires)
            || timeliness(due_at, ground.now, late) == Timeliness::TooLate;
        if is_late {
            return sorted.skip(row.lead, "too_late");
        }
        let Some((channel, to, rest)) = way(lead, &row.channels) else {
            return sorted.skip(row.lead, "no_address");
        };
        let also = definition.limits.quiet_hours.map(|quiet| QuietHours {
            from: quiet.from,
            until: quiet.until,
            purposes: Vec::new(),
        });
        if let Some(until) = ground.quiet_until(definition.content.purpose, also.as_ref(), &zones) {
            if expires.is_some_and(|expires| until > expires) {
                return sorted.skip(row.lead, "too_late");
            }
            sorted.later.push(Timed { lead: row.lead, due_at: until, zone: None, expires_at: expires });
            return;
        }
        let Some(variant) = row.variant.or(self.winner).or_else(|| self.drawn(row.lead)) else { return };
        sorted.going.push(Going {
            lead: row.lead,
            variant,
            channel,
            to,
            rest,
            expires,
            to_index: Vec::new(),
        });
    }

    /// When a recipient was due in truth: whoever waited for their variant could not be written to before it was known.
    fn due_at(&self, row: &DueRow, zones: &[Tz]) -> DateTime<Utc> {
        match self.decided_at.filter(|decided| row.wave > 0 && row.due_at < *decided) {
            None => row.due_at,
            Some(decided) => {
                let when = self.frozen.when(self.run.due_at, self.run.due_local);
                when.due_from(zones, decided).unwrap_or(decided)
            }
        }
    }

    /// Skips those who had as many messages of campaigns as one of this kind allows.
    async fn under_cap(&self, tx: &mut TenantTx, ground: &Ground, sorted: &mut Sorted) -> Result<()> {
        let Some(cap) = self.definition().limits.frequency_cap.filter(|_| !sorted.going.is_empty()) else {
            return Ok(());
        };
        let leads: Vec<LeadId> = sorted.going.iter().map(|going| going.lead).collect();
        let since = ground.now - TimeDelta::hours(cap.hours.into());
        let enough = to_many::had_enough(tx, self.run.id, &leads, (cap.most, since)).await?;
        sorted.without(&enough, "frequency_cap");
        Ok(())
    }

    /// Skips those whose address the run has written to already, for another lead; and those whom it has written to while
    /// they were another lead, which was merged into this one.
    async fn once_each(&self, ctx: &Ctx, tx: &mut TenantTx, sorted: &mut Sorted) -> Result<()> {
        if sorted.going.is_empty() {
            return Ok(());
        }
        let to: Vec<(LeadId, &Recipient)> =
            sorted.going.iter().map(|going| (going.lead, &going.to)).collect();
        let known = to_many::written_to(ctx, tx, self.run.id, &to).await?;
        let (mut seen, mut doubled) = (HashSet::new(), HashSet::new());
        for (going, (index, written)) in sorted.going.iter_mut().zip(known) {
            if written || !seen.insert(index.clone()) {
                doubled.insert(going.lead);
            }
            going.to_index = index;
        }
        sorted.without(&doubled, "duplicate");
        Ok(())
    }

    /// Writes the messages of those down that can be paid, in their order; the others stay due.
    async fn write(
        &self,
        ctx: &Ctx,
        tx: &mut TenantTx,
        (ground, keys): (&Ground, &SubjectKeys),
        (known, going): (&HashMap<LeadId, Addressed>, &[Going]),
    ) -> Result<Vec<HandedOver>> {
        let content = &self.definition().content;
        let mut drafts = Vec::with_capacity(going.len());
        for one in going {
            let (Some(lead), Some(way)) = (known.get(&one.lead), content.way(one.channel)) else {
                return Err(Error::internal("a recipient that was looked up is not there"));
            };
            let variant = usize::try_from(one.variant).unwrap_or_default();
            let template = self.frozen.template(variant, one.channel, lead.language.as_deref());
            let template = template.ok_or_else(|| Error::internal("a variant without a template"))?;
            let mut variables = content.variables.clone();
            variables.extend(lead.variables());
            drafts.push(Draft {
                lead: one.lead,
                channel: one.channel,
                provider: way.provider_id,
                template,
                to: one.to.clone(),
                to_index: one.to_index.clone(),
                variables,
                expires_at: one.expires,
            });
        }
        // Nobody asks how long messages are of which none costs anything.
        let parts = if self.dearest() > Micros::ZERO {
            to_many::parts(ctx, tx, &drafts).await?
        } else {
            vec![1; drafts.len()]
        };
        let price = |(one, parts): (&Going, &i16)| {
            let way = content.way(one.channel);
            way.map_or(Micros::ZERO, |way| way.price().times((*parts).into()))
        };
        drafts.truncate(self.counts.budget(self.frozen).affords(going.iter().zip(&parts).map(price)));
        let what = (self.run.id, content.purpose);
        let messages = to_many::write(ctx, tx, what, (ground, keys), &drafts).await?;
        let handed = going.iter().zip(parts).zip(messages).map(|((one, parts), message)| HandedOver {
            lead: one.lead,
            message,
            variant: one.variant,
            channel: one.channel,
            rest: one.rest.clone(),
            parts,
            expires_at: one.expires,
        });
        Ok(handed.collect())
    }
}

/// A recipient who may be written to now.
struct Going {
    lead: LeadId,
    variant: i16,
    channel: Channel,
    to: Recipient,
    /// What is tried after it.
    rest: Vec<String>,
    expires: Option<DateTime<Utc>>,
    to_index: Vec<u8>,
}

/// Recipients by what is to be done with them.
#[derive(Default)]
struct Sorted {
    going: Vec<Going>,
    later: Vec<Timed>,
    skipped: Vec<(LeadId, &'static str)>,
    /// They are no leads any more.
    gone: Vec<Gone>,
}

impl Sorted {
    fn skip(&mut self, lead: LeadId, reason: &'static str) {
        self.skipped.push((lead, reason));
    }

    fn without(&mut self, leads: &HashSet<LeadId>, reason: &'static str) {
        let all = std::mem::take(&mut self.going).into_iter();
        let (out, going): (Vec<Going>, Vec<Going>) = all.partition(|one| leads.contains(&one.lead));
        self.going = going;
        self.skipped.extend(out.into_iter().map(|one| (one.lead, reason)));
    }
}

/// The first of some channels by which a lead can be reached, its address there, and the channels after it.
fn way(lead: &Addressed, channels: &[String]) -> Option<(Channel, Recipient, Vec<String>)> {
    channels.iter().enumerate().find_map(|(place, name)| {
        let channel = Channel::named(name)?;
        let address = match channel {
            Channel::Email => lead.email.as_deref(),
            Channel::Sms | Channel::Whatsapp => lead.phone.as_deref(),
            Channel::Slack | Channel::Push => None,
        };
        let to = Recipient::parse(channel, address?).ok()?;
        Some((channel, to, channels[place + 1..].to_vec()))
    })
}
