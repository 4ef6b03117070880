//! What the sandbox delivered: what would have been sent.

use askama::Template;
use chrono::{DateTime, Utc};
use domain::{
    access::permission::Permission,
    messages::{
        outbox::{self, Delivered, OutboxFilter},
        provider::Channel,
    },
    types::{MessageId, ProviderId},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Accounts,
    wording::{Wording, wording},
};
use crate::{
    dashboard::{
        asked, link,
        page::{Answer, Page, show},
        ui::short,
        ui::{self, Facet},
        viewer::Viewer,
    },
    http::{
        extract::{Caller, Query},
        page::Window,
    },
};

/// Deliveries on a page, all of which are shown in full.
const SHOWN: u16 = 25;

/// The parameters of the address.
#[derive(Deserialize)]
pub struct Asked {
    channel: Option<String>,
    provider: Option<String>,
    message: Option<String>,
    cursor: Option<String>,
}

/// A delivery.
struct Row {
    short: String,
    message: MessageId,
    channel: &'static str,
    account: String,
    account_href: String,
    at: DateTime<Utc>,
    wording: Option<Wording>,
}

#[derive(Template)]
#[template(path = "messages/outbox.html")]
#[expect(clippy::struct_excessive_bools, reason = "what may be seen does not depend on each other")]
struct Outbox {
    page: Page,
    facets: Vec<Facet>,
    rows: Vec<Row>,
    next: Option<String>,
    filtered: bool,
    /// The viewer sees what was written.
    reads: bool,
    /// The viewer sees messages.
    follows: bool,
    news: bool,
    here: String,
}

/// What was delivered, the newest first.
pub async fn list(viewer: Viewer, Caller(ctx): Caller, Query(asked): Query<Asked>) -> Answer {
    let filter = OutboxFilter {
        message: asked::id("?message", asked.message.as_deref())?.map(MessageId),
        channel: asked::word("?channel", asked.channel.as_deref())?,
        provider: asked::id("?provider", asked.provider.as_deref())?.map(ProviderId),
    };
    let window = Window::<Uuid>::of(asked::text(asked.cursor.as_deref()), Some(SHOWN))?;
    let found = outbox::look(&ctx, filter, window.before, window.rows).await?;
    let shown = window.bounded(found, |one| one.delivery.id);
    let accounts = Accounts::of(&ctx).await?;
    let own = |value| asked::text(value).unwrap_or_default();
    let (channel, provider) = (own(asked.channel.as_deref()), own(asked.provider.as_deref()));
    let pairs = [("channel", channel), ("provider", provider), ("message", own(asked.message.as_deref()))];
    let here = link::to("/ops/outbox", &pairs);
    let row = |one: Delivered| Row {
        short: short(one.delivery.message_id.0),
        message: one.delivery.message_id,
        channel: one.channel.map_or("", Channel::as_str),
        account: accounts.name(one.provider.0),
        account_href: link::with(&here, "provider", &one.provider.to_string()),
        at: one.delivery.received_at,
        wording: wording(one.channel, one.delivery.content),
    };
    let channels = Channel::ALL.map(|channel| (channel.as_str(), channel.as_str()));
    let name = account_name(&accounts, provider);
    let account = Some((provider, name.as_str())).filter(|_| !provider.is_empty());
    let facets = vec![
        Facet::of("Channel", &here, "channel", channels, Some(channel)),
        Facet::of("Account", &here, "provider", account, Some(provider)),
    ];
    let may = |permission| viewer.may(permission);
    show(&Outbox {
        page: viewer.page("Outbox"),
        facets,
        rows: shown.items.into_iter().map(row).collect(),
        next: shown.next_cursor,
        filtered: pairs.iter().any(|(_, value)| !value.is_empty()),
        reads: may(Permission::PersonalRead),
        follows: may(Permission::MessagesRead),
        news: may(Permission::EventsRead),
        here: here.clone(),
    })
}

fn account_name(accounts: &Accounts, id: &str) -> String {
    id.parse().map_or_else(|_| id.to_owned(), |id| accounts.name(id))
}
