//! A campaign as a run goes by it: what was said, and the versions of its templates that were in use when it began.

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::{
    campaigns::{
        definition::{AudienceMode, Definition, VariantMessage},
        rules::timing::When,
        store::{CampaignRow, RunRow},
    },
    error::{Error, Result},
    leads::audience::Audience,
    messages::{locale, provider::Channel, to_leads, to_many},
    tenancy::{self, TenantTx},
    types::TemplateId,
};

/// A campaign as it was when a run of it began: what is changed later is the next run's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Frozen {
    pub audience: Audience,
    /// `store::touches` reads `attribution_days` of it.
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
    pub(in crate::campaigns) fn read(run: &RunRow) -> Result<Self> {
        serde_json::from_value(run.frozen.clone()).map_err(Error::internal)
    }

    /// The version of a variant's message that is nearest to a language.
    pub(in crate::campaigns) fn template(
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
    pub(in crate::campaigns) fn when(&self, due_at: DateTime<Utc>, due_local: Option<NaiveDateTime>) -> When {
        let home = self.zone.parse().unwrap_or(Tz::UTC);
        due_local.map_or(When::At(due_at), |at| When::RecipientLocal { at, home })
    }

    pub(in crate::campaigns) fn is_snapshot(&self) -> bool {
        self.definition.audience == AudienceMode::Snapshot
    }
}

/// The zone of a campaign's clock: the tenant's own where it names none.
pub(in crate::campaigns) async fn zone(tx: &mut TenantTx, definition: &Definition) -> Result<String> {
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
pub(in crate::campaigns) async fn templates(
    tx: &mut TenantTx,
    definition: &Definition,
) -> Result<Vec<Vec<Versions>>> {
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

/// The campaign as it is now, with the versions of its templates: those that somebody agreed to, if it needed that.
///
/// # Errors
/// As [`templates`], also if what was agreed to is not offered any more.
pub(in crate::campaigns) async fn freeze(tx: &mut TenantTx, campaign: &CampaignRow) -> Result<Frozen> {
    let definition = campaign.definition()?;
    let newest = templates(tx, &definition).await?;
    let agreed = campaign.approved_templates.clone().map(serde_json::from_value);
    Ok(Frozen {
        audience: serde_json::from_value(campaign.audience.clone()).map_err(Error::internal)?,
        templates: agreed.transpose().map_err(Error::internal)?.unwrap_or(newest),
        zone: zone(tx, &definition).await?,
        definition,
    })
}
