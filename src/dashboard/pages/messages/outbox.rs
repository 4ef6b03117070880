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
        ui::{self, Facet, FacetValue},
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
        message: asked::id("?message", asked.message.as_ref())?.map(MessageId),
        channel: asked::word("?channel", asked.channel.as_ref())?,
        provider: asked::id("?provider", asked.provider.as_ref())?.map(ProviderId),
    };
    let window = Window::<Uuid>::of(asked::text(asked.cursor.as_ref()), Some(SHOWN))?;
    let found = outbox::look(&ctx, filter, window.before, window.rows).await?;
    let shown = window.bounded(found, |one| one.delivery.id);
    let accounts = Accounts::of(&ctx).await?;
    let own = |value: Option<&String>| asked::text(value).unwrap_or_default().to_owned();
    let (channel, provider, message) =
        (own(asked.channel.as_ref()), own(asked.provider.as_ref()), own(asked.message.as_ref()));
    let pairs = [("channel", &*channel), ("provider", &*provider), ("message", &*message)];
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
    let named = |word: &'static str| FacetValue::of(&here, "channel", (word, word), Some(&channel));
    let channels = Channel::ALL.iter().map(|channel| named(channel.as_str())).collect();
    let chosen =
        |id: &String| FacetValue::of(&here, "provider", (id, &account_name(&accounts, id)), Some(id));
    let accounts_of = Some(&provider).filter(|id| !id.is_empty()).map(chosen).into_iter().collect();
    let facet = |name, values| Facet { name, values, ..Facet::default() };
    let facets = vec![facet("Channel", channels), facet("Account", accounts_of)];
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
