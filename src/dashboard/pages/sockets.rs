//! Sockets: how many are open, what they were told and how far behind they are; of a tenant, and of all of them.

use askama::Template;
use domain::events::sockets::{self, SocketProcess, SocketStats, TenantSockets};
use serde::Deserialize;

use crate::{
    dashboard::{
        page::{Answer, Page, show},
        ui::{self, Tile},
        viewer::Viewer,
    },
    http::{
        extract::{Caller, Operator, Query},
        page::Window,
    },
};

/// Events that a socket may be behind without anybody minding.
const BEHIND: i64 = 1_000;

#[derive(Template)]
#[template(path = "sockets/list.html")]
struct List {
    page: Page,
    tiles: Vec<Tile>,
    processes: Vec<SocketProcess>,
    operates: bool,
}

/// The sockets of the tenant.
pub async fn list(viewer: Viewer, Caller(ctx): Caller) -> Answer {
    let stats = sockets::stats(&ctx).await?;
    show(&List {
        page: viewer.page("Sockets"),
        tiles: tiles(&stats),
        operates: viewer.operator().is_some(),
        processes: stats.processes,
    })
}

/// What the figures say.
fn tiles(stats: &SocketStats) -> Vec<Tile> {
    let tile = |label: &str, value: i64, note: &str, state: &'static str| Tile {
        label: label.into(),
        value: ui::count(&value),
        note: note.into(),
        state,
        ..Tile::default()
    };
    let or_bad = |bad: bool| if bad { "late" } else { "ok" };
    vec![
        tile("Connections", stats.connections, "open now", ""),
        tile("Sent", stats.sent, "events told since the processes started", ""),
        tile("Dropped", stats.dropped, "found a full queue and were read from the log instead", ""),
        tile("Closed as slow", stats.slow_closed, "nobody took what they were told", ""),
        tile("Lag", stats.lag, "events that the slowest does not know of yet", or_bad(stats.lag > BEHIND)),
    ]
}

/// The parameters of the address.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "sockets/tenants.html")]
struct TenantsPage {
    page: Page,
    tenants: Vec<TenantSockets>,
    processes: Vec<SocketProcess>,
    next: Option<String>,
}

/// The sockets of all tenants, for operators of the installation.
pub async fn tenants(viewer: Viewer, Operator(by): Operator, Query(asked): Query<Asked>) -> Answer {
    let window = Window::<String>::of(asked.cursor.as_deref(), None)?;
    let rows = sockets::by_tenant(&by, window.before.as_deref().unwrap_or_default(), window.rows).await?;
    let shown = window.page(rows, |tenant| tenant.slug.clone());
    show(&TenantsPage {
        page: viewer.page("Sockets of all tenants"),
        tenants: shown.items,
        next: shown.next_cursor,
        processes: sockets::by_process(&by).await?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_is_shown_as_one() {
        let stats =
            |lag| SocketStats { connections: 3, sent: 0, dropped: 0, slow_closed: 0, lag, processes: vec![] };
        let lag = |lag| tiles(&stats(lag)).pop().expect("tiles").state;
        assert_eq!((lag(0), lag(BEHIND + 1)), ("ok", "late"));
    }
}
