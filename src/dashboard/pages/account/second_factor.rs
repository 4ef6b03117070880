//! One's own second factor: a secret for an authenticator, confirmed by a code of it; and taking it away.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use domain::{
    Error,
    access::second_factor::{self, NewSecondFactor, RecoveryCodes},
};

use super::myself;
use crate::{
    dashboard::{
        forms::{Fields, done},
        page::{Answer, Page, show, show_as},
        ui,
        viewer::Viewer,
    },
    http::{Shared, peer::ClientAddress, problem::Problem},
};

const TITLE: &str = "Your second factor";

/// Where somebody is on the way to one.
#[derive(Template)]
#[template(path = "account/second_factor.html")]
struct Factor {
    page: Page,
    since: Option<DateTime<Utc>>,
    /// To be typed into an authenticator, in groups of four.
    offered: Option<Offered>,
    /// A code is asked for: the secret is in the authenticator.
    confirms: bool,
    /// Their tenant wants everybody to have one.
    demanded: bool,
    wrong: Option<String>,
}

impl Factor {
    /// How it is, where nothing is offered or asked for.
    async fn plain(viewer: &Viewer, since: Option<DateTime<Utc>>) -> Result<Self, Problem> {
        let demanded = second_factor::is_demanded(viewer.user()?).await?;
        let page = viewer.page(TITLE);
        Ok(Self { page, since, offered: None, confirms: false, demanded, wrong: None })
    }
}

struct Offered {
    groups: String,
    url: String,
}

#[derive(Template)]
#[template(path = "account/recovery.html")]
struct Recovery {
    page: Page,
    codes: Vec<String>,
}

fn offered(new: NewSecondFactor) -> Offered {
    let letters: Vec<char> = new.secret.chars().collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    Offered { groups: groups.join(" "), url: new.otpauth_url }
}

/// How it is with one's second factor.
pub async fn form(viewer: Viewer) -> Answer {
    let (ctx, id) = myself(&viewer)?;
    let since = second_factor::since(ctx, id).await?;
    show(&Factor::plain(&viewer, since).await?)
}

/// Shows a secret to whoever shows their password.
pub async fn offer(
    State(app): Shared,
    viewer: Viewer,
    ClientAddress(address): ClientAddress,
    fields: Fields,
) -> Result<Response, Problem> {
    let (ctx, _) = myself(&viewer)?;
    let password = fields.get("current").unwrap_or_default();
    match second_factor::offer(ctx, &app.gate, password, address).await {
        Ok(new) => {
            let offered = Some(offered(new));
            let shown = Factor { offered, confirms: true, ..Factor::plain(&viewer, None).await? };
            Ok(show(&shown)?.into_response())
        }
        Err(Error::Invalid(_)) => {
            let wrong = Some("This is not your password.".to_owned());
            let again = Factor { wrong, ..Factor::plain(&viewer, None).await? };
            show_as(StatusCode::UNPROCESSABLE_ENTITY, &again)
        }
        Err(error) => Err(error.into()),
    }
}

/// Confirms it by a code, and shows the recovery codes this once.
pub async fn confirm(
    State(app): Shared,
    viewer: Viewer,
    ClientAddress(address): ClientAddress,
    fields: Fields,
) -> Result<Response, Problem> {
    let (ctx, _) = myself(&viewer)?;
    let code = fields.text("code").unwrap_or_default();
    match second_factor::confirm(ctx, &app.gate, code, address).await {
        Ok(RecoveryCodes { codes }) => {
            let page = viewer.page("Your recovery codes");
            Ok(show(&Recovery { page, codes })?.into_response())
        }
        Err(Error::Invalid(_)) => {
            let wrong = Some("This code is wrong or too late; wait for the next one.".to_owned());
            let again = Factor { confirms: true, wrong, ..Factor::plain(&viewer, None).await? };
            show_as(StatusCode::UNPROCESSABLE_ENTITY, &again)
        }
        Err(error) => Err(error.into()),
    }
}

/// Takes it away by a code of it.
pub async fn remove(
    State(app): Shared,
    viewer: Viewer,
    ClientAddress(address): ClientAddress,
    fields: Fields,
) -> Result<Response, Problem> {
    let (ctx, id) = myself(&viewer)?;
    let code = fields.text("code").unwrap_or_default();
    match second_factor::remove_own(ctx, &app.gate, code, address).await {
        Ok(()) => Ok(done("/ops/account/second-factor", "Your second factor is off.")),
        Err(Error::Invalid(_)) => {
            let since = second_factor::since(ctx, id).await?;
            let wrong = Some("This code is wrong or was used; wait for the next one.".to_owned());
            let again = Factor { wrong, ..Factor::plain(&viewer, since).await? };
            show_as(StatusCode::UNPROCESSABLE_ENTITY, &again)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_typed_in_groups_of_four() {
        let new = NewSecondFactor { secret: "ABCDEFGHIJ".into(), otpauth_url: "otpauth://totp/x".into() };
        assert_eq!(offered(new).groups, "ABCD EFGH IJ");
    }
}
