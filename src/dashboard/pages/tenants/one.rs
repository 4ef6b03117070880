//! One tenant: what it takes, what it may take, and what operators do with it.

use askama::Template;
use axum::response::Response;
use domain::{
    access::{
        permission::Permission,
        tenants::{self, TenantChange},
    },
    tenancy::{
        settings::{self, LimitsChange, TenantView},
        usage::{self, MOST_USERS, Usage},
    },
};
use engine::queues::QueueView;

use crate::{
    dashboard::{
        forms::{Fields, done},
        link,
        page::{Answer, Page, show},
        ui,
        viewer::Viewer,
    },
    http::{
        extract::{Operator, Path},
        problem::Problem,
    },
};

#[derive(Template)]
#[template(path = "tenants/one.html")]
struct One {
    page: Page,
    tenant: TenantView,
    tiles: Vec<ui::Tile>,
    queues: Option<Vec<QueueView>>,
    /// An operator sees it.
    operates: bool,
    /// And looks into it already.
    looks: bool,
    write: bool,
}

/// A tenant with its limits and what it takes of the house.
pub async fn show_tenant(viewer: Viewer, Path(slug): Path<String>) -> Answer {
    let own = viewer.tenant() == Some(slug.as_str());
    let (tenant, usage) = if let Some(operator) = viewer.operator() {
        (tenants::get(operator, &slug).await?, tenants::usage(operator, &slug).await?)
    } else {
        let ctx = viewer.user()?;
        let tenant = settings::get(ctx).await?;
        if !own {
            return Err(domain::Error::NotFound("tenant").into());
        }
        (tenant, usage::own(ctx).await?)
    };
    let tiles = tiles(&tenant, &usage, own);
    show(&One {
        page: viewer.page(&tenant.name),
        operates: viewer.operator().is_some(),
        looks: viewer.look().is_some_and(|look| look.slug == slug),
        write: viewer.operator().is_none() && viewer.may(Permission::TenantWrite),
        queues: usage.queues,
        tenant,
        tiles,
    })
}

/// The figures, each with the list behind it where whoever sees it may open that.
fn tiles(tenant: &TenantView, usage: &Usage, opens: bool) -> Vec<ui::Tile> {
    let href = |path: String| if opens { path } else { String::new() };
    let tile = |label: &str, value: String, href: String, note: String, state: &'static str| ui::Tile {
        label: label.to_owned(),
        value,
        href,
        note,
        state,
    };
    let mut tiles = Vec::new();
    if let Some(users) = usage.users {
        let most = tenant.limits.most_users.map(i64::from);
        let note = most.map_or("no limit".to_owned(), |most| format!("of {}", ui::count(&most)));
        let full = most.is_some_and(|most| users >= most);
        let many = if users == MOST_USERS { " or more" } else { "" };
        let value = format!("{}{many}", ui::count(&users));
        tiles.push(tile("Users", value, href("/ops/users".into()), note, if full { "late" } else { "" }));
    }
    let pace = tenant.limits.requests_per_s;
    let value = pace.map_or("–".to_owned(), |pace| ui::count(&i64::from(pace)));
    let note = if pace.is_some() { "at the most" } else { "as the installation says" };
    tiles.push(tile("Requests a second", value, String::new(), note.to_owned(), ""));
    if let Some(queues) = &usage.queues {
        let open: i64 = queues.iter().map(|queue| queue.scheduled + queue.available + queue.running).sum();
        tiles.push(tile("Jobs unfinished", ui::count(&open), href("/ops/jobs".into()), String::new(), ""));
    }
    if let Some(ended) = &usage.ended {
        let of = |what: &str| ended.get(what).copied().unwrap_or_default();
        let list = |state: &str| href(link::to("/ops/jobs", &[("state", state), ("last", "24h")]));
        let day = "in 24 hours".to_owned();
        tiles.push(tile(
            "Jobs completed",
            ui::count(&of("completed")),
            list("completed"),
            day.clone(),
            "completed",
        ));
        let given_up = of("discarded") + of("quarantined");
        let mark = if given_up > 0 { "failed" } else { "" };
        tiles.push(tile("Jobs given up", ui::count(&given_up), list("discarded"), day, mark));
    }
    if let Some(messages) = usage.messages {
        let list = href("/ops/messages".into());
        tiles.push(tile("Messages", ui::count(&messages), list, "in 24 hours".to_owned(), ""));
    }
    tiles
}

/// Renames it and says how much it may have; what is left empty is not limited.
pub async fn limit(
    Operator(by): Operator,
    Path(slug): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let whole = "a whole number, or nothing for no limit";
    let change = TenantChange {
        name: fields.read_as("name", "1 to 200 characters")?,
        limits: LimitsChange {
            requests_per_s: Some(fields.read_as("requests_per_s", whole)?),
            most_users: Some(fields.read_as("most_users", whole)?),
        },
        suspended: None,
        why: None,
    };
    let tenant = tenants::change(&by, &slug, change).await?;
    Ok(done(&format!("/ops/tenants/{}", tenant.slug), "The limits are changed."))
}

/// Keeps everybody of it out, once its slug was typed.
pub async fn suspend(
    Operator(by): Operator,
    Path(slug): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let tenant = tenants::get(&by, &slug).await?;
    fields.confirms(&tenant.slug)?;
    steer(&by, &tenant.slug, true, &fields).await
}

/// Lets it in again.
pub async fn readmit(
    Operator(by): Operator,
    Path(slug): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    steer(&by, &slug, false, &fields).await
}

async fn steer(
    by: &domain::ctx::OperatorCtx,
    slug: &str,
    suspended: bool,
    fields: &Fields,
) -> Result<Response, Problem> {
    let change = TenantChange {
        name: None,
        limits: LimitsChange::default(),
        suspended: Some(suspended),
        why: fields.read_as("why", "say why in 1 to 500 characters; the tenant can read it")?,
    };
    let tenant = tenants::change(by, slug, change).await?;
    let said = if suspended { "is suspended" } else { "is let in again" };
    Ok(done(&format!("/ops/tenants/{}", tenant.slug), &format!("{} {said}.", tenant.slug)))
}
