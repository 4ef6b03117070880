//! What can be done with a campaign: the same commands as the API's.

use axum::response::Response;
use domain::{
    campaigns::{
        manage::{self, CampaignView},
        steer,
    },
    types::CampaignId,
};

use crate::{
    dashboard::forms::{Fields, done},
    http::{
        extract::{Caller, Path},
        problem::Problem,
    },
};

type Answer = Result<Response, Problem>;

fn told(id: CampaignId, said: &str) -> Response {
    done(&format!("/ops/campaigns/{id}"), said)
}

fn is_now(campaign: &CampaignView) -> Response {
    told(campaign.id, &format!("The campaign is {} now.", campaign.status.as_str().replace('_', " ")))
}

/// Schedules a draft, or asks for approval if it needs that.
pub async fn schedule(Caller(ctx): Caller, Path(id): Path<CampaignId>) -> Answer {
    steer::schedule(&ctx, id).await?;
    Ok(is_now(&manage::get(&ctx, id).await?))
}

/// Begins a run now.
pub async fn start(Caller(ctx): Caller, Path(id): Path<CampaignId>) -> Answer {
    steer::start(&ctx, id).await?;
    Ok(told(id, "A run begins: its recipients are being written down."))
}

/// Holds it up.
pub async fn pause(Caller(ctx): Caller, Path(id): Path<CampaignId>) -> Answer {
    Ok(is_now(&steer::pause(&ctx, id).await?))
}

/// Lets it go on, with another budget if one is named.
pub async fn resume(Caller(ctx): Caller, Path(id): Path<CampaignId>, fields: Fields) -> Answer {
    let budget = fields.text("budget").map(cents).transpose()?;
    Ok(is_now(&steer::resume(&ctx, id, budget).await?))
}

/// Stops it for good, once its name was typed.
pub async fn cancel(Caller(ctx): Caller, Path(id): Path<CampaignId>, fields: Fields) -> Answer {
    fields.confirms(&manage::get(&ctx, id).await?.name)?;
    Ok(is_now(&steer::cancel(&ctx, id).await?))
}

/// Agrees to it.
pub async fn approve(Caller(ctx): Caller, Path(id): Path<CampaignId>) -> Answer {
    Ok(is_now(&steer::approve(&ctx, id).await?))
}

/// Does not.
pub async fn reject(Caller(ctx): Caller, Path(id): Path<CampaignId>) -> Answer {
    Ok(is_now(&steer::reject(&ctx, id).await?))
}

/// An amount as somebody types it: `250`, `250.5` or `250.50`.
fn cents(text: &str) -> Result<i64, Problem> {
    let wrong = || Problem::field("/budget", "an amount like 250 or 250.50");
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || rest.len() > 2 || !digits(whole) || !digits(rest) {
        return Err(wrong());
    }
    let whole: i64 = whole.parse().map_err(|_| wrong())?;
    let rest: i64 = format!("{rest:0<2}").parse().map_err(|_| wrong())?;
    whole.checked_mul(100).and_then(|cents| cents.checked_add(rest)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_type_them() {
        for (text, wanted) in [
            ("250", Some(25_000)),
            ("250.5", Some(25_050)),
            ("0.07", Some(7)),
            ("250.", Some(25_000)),
            ("2,50", None),
            ("-1", None),
            ("1.234", None),
            (".5", None),
            ("9223372036854775807", None),
        ] {
            assert_eq!(cents(text).ok(), wanted, "{text}");
        }
    }
}
