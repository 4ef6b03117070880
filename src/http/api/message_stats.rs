//! Figures of messages.

use axum::Json as Body;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    messages::{
        provider::Channel,
        rules::Purpose,
        stats::{self, Dimension, MessageFigures, Wanted},
    },
    moment::Moment,
    types::{ProviderId, TemplateId},
};
use serde::{Deserialize, Serialize};

use crate::http::{
    extract::{Caller, Query},
    problem::Problem,
};

/// Which messages, and what they are told apart by.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatsQuery {
    /// The first hour; a day before `until` if not said.
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Moment>,
    /// Before this; now if not said. At most 31 days after `from` by the hour, else 366.
    #[param(value_type = Option<String>, format = DateTime)]
    pub until: Option<Moment>,
    /// `hour`, `channel`, `provider`, `template` and `purpose`, divided by commas; all together if not said.
    pub by: Option<String>,
    pub channel: Option<Channel>,
    pub provider_id: Option<ProviderId>,
    pub template_id: Option<TemplateId>,
    pub purpose: Option<Purpose>,
}

/// Figures of a range of hours.
#[derive(Serialize, utoipa::ToSchema)]
pub struct MessageStats {
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
    pub items: Vec<MessageFigures>,
}

/// What became of messages, by the hour in which they were accepted; each rate says what it is a share of.
#[utoipa::path(get, path = "/api/v1/communication/stats", tag = "communication",
    params(StatsQuery), responses((status = 200, body = MessageStats)))]
pub async fn message_stats(
    Caller(ctx): Caller,
    Query(query): Query<StatsQuery>,
) -> Result<Body<MessageStats>, Problem> {
    let until = query.until.map_or(ctx.now(), Moment::utc);
    let from = query.from.map_or(until - TimeDelta::days(1), Moment::utc);
    let wanted = Wanted {
        from: hour(from),
        until,
        by: dimensions(query.by.as_deref())?,
        channel: query.channel,
        provider: query.provider_id,
        template: query.template_id,
        purpose: query.purpose,
    };
    let items = stats::figures(&ctx, &wanted).await?;
    Ok(Body(MessageStats { from: wanted.from, until, items }))
}

fn dimensions(by: Option<&str>) -> Result<Vec<Dimension>, Problem> {
    let read = |name: &str| match name.trim() {
        "hour" => Ok(Dimension::Hour),
        "channel" => Ok(Dimension::Channel),
        "provider" => Ok(Dimension::Provider),
        "template" => Ok(Dimension::Template),
        "purpose" => Ok(Dimension::Purpose),
        _ => Err(Problem::field("?by", "there are hour, channel, provider, template and purpose")),
    };
    by.into_iter().flat_map(|by| by.split(',').take(10)).map(read).collect()
}

/// The beginning of the hour.
fn hour(at: DateTime<Utc>) -> DateTime<Utc> {
    let seconds = at.timestamp();
    DateTime::from_timestamp(seconds - seconds.rem_euclid(3_600), 0).unwrap_or(at)
}
