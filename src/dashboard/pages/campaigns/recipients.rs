//! Who got what of a run, and who did not and why. There are ids and words of ours, and nothing personal.

use askama::Template;
use axum::{extract::State, response::Response};
use domain::{
    access::permission::Permission,
    campaigns::{
        manage::{self, CampaignView},
        progress::{self, CampaignProgress},
        recipients::{self, RecipientView},
        rules::lifecycle::RecipientStatus,
    },
    leads::export::ExportFormat,
    types::{CampaignId, CampaignRunId, LeadId},
};
use serde::Deserialize;

use crate::{
    dashboard::{
        link,
        page::{Answer, Page, show},
        ui::{self, Facet},
        viewer::Viewer,
    },
    http::{
        Shared,
        download::attached,
        extract::{Caller, Path, Query},
        page::Window,
        problem::Problem,
    },
};

/// Several states that are one figure elsewhere.
const GROUPS: [(&str, &str, &[RecipientStatus]); 4] = [
    ("open", "still open", &[RecipientStatus::Planned, RecipientStatus::Queued, RecipientStatus::Sending]),
    (
        "sent",
        "sent",
        &[RecipientStatus::Sent, RecipientStatus::Delivered, RecipientStatus::Read, RecipientStatus::Bounced],
    ),
    ("delivered", "delivered", &[RecipientStatus::Delivered, RecipientStatus::Read]),
    (
        "unreached",
        "not reached",
        &[
            RecipientStatus::Skipped,
            RecipientStatus::Cancelled,
            RecipientStatus::Suppressed,
            RecipientStatus::Unknown,
            RecipientStatus::Failed,
            RecipientStatus::Bounced,
        ],
    ),
];

/// The parameters of the address.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    run: Option<CampaignRunId>,
    status: Option<String>,
    group: Option<String>,
    variant: Option<String>,
    channel: Option<String>,
    reason: Option<String>,
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "campaigns/recipients.html")]
struct RecipientsPage {
    page: Page,
    campaign: CampaignView,
    run: CampaignProgress,
    rail: Vec<Facet>,
    reason: Option<(String, String)>,
    recipients: Vec<RecipientView>,
    next: Option<String>,
    filtered: bool,
    cleared: String,
    file: String,
    leads: bool,
    messages: bool,
}

/// The recipients of a run that fit the filters, in the order of their leads.
pub async fn list(
    viewer: Viewer,
    Caller(ctx): Caller,
    Path(id): Path<CampaignId>,
    Query(asked): Query<Asked>,
) -> Answer {
    let campaign = manage::get(&ctx, id).await?;
    let run = progress::progress(&ctx, id, asked.run).await?;
    let wanted = asked.wanted(&campaign, run.run_id)?;
    let window = Window::of(asked.cursor.as_deref(), None)?;
    let rows = recipients::list(&ctx, id, &wanted, window.before.map(LeadId), window.rows).await?;
    let shown = window.page(rows, |recipient| recipient.lead_id.0);
    let here = asked.address(id);
    let reason = asked.reason.clone().filter(|reason| !reason.is_empty());
    show(&RecipientsPage {
        page: viewer.page(&format!("Recipients of {}", campaign.name)),
        rail: rail(&asked, &campaign, &run, &here),
        reason: reason.map(|reason| (reason, link::with(&here, "reason", ""))),
        recipients: shown.items,
        next: shown.next_cursor,
        filtered: wanted != recipients::Asked { run: Some(run.run_id), ..recipients::Asked::default() },
        cleared: of_run(id, asked.run),
        file: here.replacen("/recipients", "/recipients/file", 1),
        leads: viewer.may(Permission::LeadsRead),
        messages: viewer.may(Permission::MessagesRead),
        campaign,
        run,
    })
}

/// The same recipients as a file. It holds ids and no names, numbers or addresses.
pub async fn file(
    State(app): Shared,
    Caller(ctx): Caller,
    Path(id): Path<CampaignId>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let campaign = manage::get(&ctx, id).await?;
    let run = progress::progress(&ctx, id, asked.run).await?;
    let wanted = asked.wanted(&campaign, run.run_id)?;
    let export = recipients::Export::begin(&ctx, id, &wanted, ExportFormat::Csv).await?;
    Ok(attached(app, "text/csv; charset=utf-8; header=present", &export.name(), export))
}

fn of_run(id: CampaignId, run: Option<CampaignRunId>) -> String {
    let run = run.map(|run| run.to_string()).unwrap_or_default();
    link::to(&format!("/ops/campaigns/{id}/recipients"), &[("run", &run)])
}

fn rail(asked: &Asked, campaign: &CampaignView, run: &CampaignProgress, here: &str) -> Vec<Facet> {
    // A state and a group of states are one question.
    let alone = |other: &str| link::with(here, other, "");
    let words = RecipientStatus::ALL.map(RecipientStatus::as_str);
    let there = words.into_iter().filter(|word| {
        run.statuses.get(*word).is_some_and(|count| *count > 0) || asked.status.as_deref() == Some(*word)
    });
    let of_status = |status: &str| run.statuses.get(status).copied().unwrap_or_default();
    let states = Facet::of_states("State", &alone("group"), "status", there, asked.status.as_deref());
    let words = GROUPS.map(|(value, word, _)| (value, word));
    let groups = Facet::of("Together", &alone("status"), "group", words, asked.group.as_deref());
    let of_group = |group: &str| {
        let statuses = GROUPS.iter().find(|(value, ..)| *value == group).map(|(_, _, statuses)| *statuses);
        statuses.into_iter().flatten().map(|status| of_status(status.as_str())).sum()
    };
    let variants = run.variants.iter().map(|one| (one.name.as_str(), one.name.as_str()));
    let channels = campaign.content.channels.iter().map(|way| way.channel.as_str());
    let channels = channels.map(|name| (name, name));
    let others = [
        Facet::of("Variant", here, "variant", variants, asked.variant.as_deref()),
        Facet::of("Channel", here, "channel", channels, asked.channel.as_deref()),
    ];
    let mut rail =
        vec![groups.counting(|one| of_group(&one.value)), states.counting(|one| of_status(&one.value))];
    // Where there is no choice there is nothing to choose.
    rail.extend(others.into_iter().filter(|facet| facet.values.len() > 1));
    rail
}

impl Asked {
    fn address(&self, id: CampaignId) -> String {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let pairs = [
            ("status", text(&self.status)),
            ("group", text(&self.group)),
            ("variant", text(&self.variant)),
            ("channel", text(&self.channel)),
            ("reason", text(&self.reason)),
        ];
        pairs
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .fold(of_run(id, self.run), |here, (name, value)| link::with(&here, name, value))
    }

    fn wanted(&self, campaign: &CampaignView, run: CampaignRunId) -> Result<recipients::Asked, Problem> {
        let own = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
        let status = own(&self.status)
            .map(|named| {
                let known = RecipientStatus::ALL.map(RecipientStatus::as_str).join(", ");
                let found = RecipientStatus::named(&named);
                found.ok_or_else(|| Problem::field("?status", format!("one of {known}")))
            })
            .transpose()?;
        let group = own(&self.group).map(|named| {
            let found = GROUPS.iter().find(|(value, ..)| *value == named);
            found.ok_or_else(|| Problem::field("?group", "one of open, sent, delivered, unreached"))
        });
        let channel = own(&self.channel).map(|named| {
            let ways = campaign.content.channels.iter().map(|way| way.channel);
            let found = ways.into_iter().find(|channel| channel.as_str() == named);
            found.ok_or_else(|| Problem::field("?channel", "one of the campaign's channels"))
        });
        Ok(recipients::Asked {
            run: Some(run),
            status,
            any_of: group.transpose()?.map(|(_, _, statuses)| statuses.to_vec()).unwrap_or_default(),
            variant: own(&self.variant),
            channel: channel.transpose()?,
            reason: own(&self.reason),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_in_no_group_has_no_state() {
        for status in RecipientStatus::ALL {
            let in_open = GROUPS[0].2.contains(&status);
            let elsewhere = GROUPS[1..].iter().any(|(_, _, statuses)| statuses.contains(&status));
            assert!(in_open != elsewhere, "{}", status.as_str());
        }
    }

    #[test]
    fn filters_stand_in_the_address() {
        let asked = Asked { status: Some("failed".into()), reason: Some("a b".into()), ..Asked::default() };
        let id = CampaignId(uuid::Uuid::nil());
        let address = asked.address(id);
        assert!(address.ends_with("/recipients?status=failed&reason=a+b"), "{address}");
    }
}
