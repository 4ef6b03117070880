//! The list of leads.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use domain::{
    Ctx,
    access::permission::Permission,
    leads::{
        attributes,
        lead::{LeadView, Source, Status},
        sorted::{self, Sort},
    },
    scoring::rank::{self, RankedLead},
    types::{AgentId, LeadId, TeamId},
};
use uuid::Uuid;

use super::{
    asked::{Asked, Found, SORTS},
    like,
    names::Names,
};
use crate::{
    dashboard::{
        link,
        page::{Page, show},
        ui::short,
        ui::{self, Facet, FacetValue},
        viewer::Viewer,
    },
    http::{
        extract::{Caller, Query},
        page::{Page as Part, Window},
        problem::Problem,
    },
};

/// Agents and teams that stand in the rail; the others are found by a click on one of their leads.
const SHOWN: usize = 12;

/// A lead in the list.
struct Row {
    id: LeadId,
    short: String,
    name: Option<String>,
    /// Number and address.
    reached: Vec<String>,
    status: String,
    like: &'static str,
    source: String,
    score: Option<i16>,
    fit: Option<i16>,
    engagement: Option<i16>,
    owner: Option<(String, String)>,
    team: Option<(String, String)>,
    tags: Vec<(String, String)>,
    restricted: bool,
    created_at: DateTime<Utc>,
}

#[derive(Template)]
#[template(path = "leads/list.html")]
#[expect(clippy::struct_excessive_bools, reason = "what is shown does not depend on each other")]
struct List {
    page: Page,
    facets: Vec<Facet>,
    sorts: Vec<ui::Tab>,
    /// Words can be looked for.
    searches: bool,
    q: String,
    tag: String,
    /// Attributes that are searched by: their names as parameters, what they are called, and their values.
    attributes: Vec<(String, String, String)>,
    by_attributes: bool,
    /// Filters that the search keeps.
    kept: Vec<(&'static str, String)>,
    rows: Vec<Row>,
    next: Option<String>,
    filtered: bool,
    news: bool,
    here: String,
}

/// The leads that fit the filters, the best first unless another order is asked for.
pub async fn list(
    viewer: Viewer,
    Caller(ctx): Caller,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let asked = Asked::of(pairs);
    if let Some(id) = asked.lead() {
        return Ok(Redirect::to(&format!("/ops/leads/{id}")).into_response());
    }
    let (agents, teams) = (Names::agents(&ctx).await?, Names::teams(&ctx).await?);
    let here = asked.address();
    let place = Placed { here: &here, agents: &agents, teams: &teams };
    let shown = match asked.found()? {
        Found::Sorted(filter, sort) => {
            let page = sorted_page(&ctx, &asked, &filter, sort).await?;
            Part { items: place.all(page.items, Placed::of_lead), next_cursor: page.next_cursor }
        }
        Found::Ranked(filter) => {
            let window: Window<(i16, Uuid)> = Window::of(asked.cursor(), None)?;
            let after = window.before.map(|(score, id)| (score, LeadId(id)));
            let rows = rank::list(&ctx, filter, after, window.rows).await?;
            let page = window.page(rows, |lead| (lead.score, lead.id.0));
            Part { items: place.all(page.items, Placed::of_ranked), next_cursor: page.next_cursor }
        }
    };
    let own = |name: &str| asked.field(name).unwrap_or_default().to_owned();
    let kept = ["status", "source", "owner", "import", "sort"];
    let attributes = searchable(&ctx, &viewer, &asked).await?;
    let page = List {
        page: viewer.page("Leads"),
        facets: facets(&asked, &here, &agents, &teams),
        sorts: SORTS.map(|sort| ui::Tab::of(&here, "sort", sort, asked.sort())).into(),
        searches: viewer.may(Permission::PersonalRead),
        q: own("q"),
        tag: own("tag"),
        by_attributes: attributes.iter().any(|(_, _, value)| !value.is_empty()),
        attributes,
        kept: kept.into_iter().map(|name| (name, own(name))).filter(|(_, value)| !value.is_empty()).collect(),
        rows: shown.items,
        next: shown.next_cursor,
        filtered: asked.filters(),
        news: viewer.may(Permission::EventsRead),
        here,
    };
    Ok(show(&page)?.into_response())
}

async fn sorted_page(
    ctx: &Ctx,
    asked: &Asked,
    filter: &domain::leads::commands::Filter,
    sort: Sort,
) -> Result<Part<LeadView>, Problem> {
    let window: Window<(u8, i64, Uuid)> = Window::of(asked.cursor(), None)?;
    if window.before.is_some_and(|(order, ..)| order != sort.number()) {
        return Err(Problem::field("?cursor", "this is a page of a list in another order; begin it anew"));
    }
    let after = window.before.map(|(_, key, id)| (key, id));
    let rows = sorted::list(ctx, filter, sort, after, window.rows).await?;
    Ok(window.page(rows, |lead| {
        let (key, id) = sort.place(lead);
        (sort.number(), key, id)
    }))
}

/// What leads are drawn with.
struct Placed<'a> {
    here: &'a str,
    agents: &'a Names,
    teams: &'a Names,
}

impl Placed<'_> {
    fn all<T>(&self, leads: Vec<T>, row: fn(&Self, T) -> Row) -> Vec<Row> {
        leads.into_iter().map(|lead| row(self, lead)).collect()
    }

    fn owner(&self, id: AgentId) -> (String, String) {
        (self.agents.of(id.0), link::with(self.here, "owner", &id.to_string()))
    }

    /// A team's list knows nothing of other filters than status and owner.
    fn team(&self, id: TeamId) -> (String, String) {
        (self.teams.of(id.0), link::to("/ops/leads", &[("team", &id.to_string())]))
    }

    fn of_lead(&self, lead: LeadView) -> Row {
        let plain = [lead.phone, lead.email].into_iter().flatten().map(|value| value.expose().clone());
        let score = lead.score.as_ref();
        Row {
            id: lead.id,
            short: short(lead.id.0),
            name: lead.name.map(|name| name.expose().clone()),
            reached: plain.collect(),
            like: like(&lead.status),
            status: lead.status,
            source: lead.source,
            score: score.map(|score| score.total),
            fit: score.map(|score| score.fit),
            engagement: score.map(|score| score.engagement_score),
            owner: lead.owner_id.map(|id| self.owner(id)),
            team: lead.team_id.map(|id| self.team(id)),
            tags: lead.tags.iter().map(|tag| (tag.clone(), link::with(self.here, "tag", tag))).collect(),
            restricted: lead.restricted_at.is_some(),
            created_at: lead.created_at,
        }
    }

    fn of_ranked(&self, lead: RankedLead) -> Row {
        Row {
            id: lead.id,
            short: short(lead.id.0),
            name: lead.name.map(|name| name.expose().clone()),
            reached: Vec::new(),
            like: like(&lead.status),
            status: lead.status,
            source: lead.source,
            score: Some(lead.score),
            fit: lead.fit,
            engagement: lead.engagement_score,
            owner: lead.owner_id.map(|id| self.owner(id)),
            team: lead.team_id.map(|id| self.team(id)),
            tags: Vec::new(),
            restricted: false,
            created_at: lead.created_at,
        }
    }
}

fn facets(asked: &Asked, here: &str, agents: &Names, teams: &Names) -> Vec<Facet> {
    let status = |status: &Status| {
        let word = status.as_str();
        let value = FacetValue::of(here, "status", (word, word), asked.field("status"));
        FacetValue { like: like(word), ..value }
    };
    let named = |field: &str, names: &Names| {
        let all = names.sorted().into_iter();
        let value = |(id, name): (Uuid, &str)| {
            FacetValue::of(here, field, (&id.to_string(), name), asked.field(field))
        };
        all.take(SHOWN).map(value).collect()
    };
    let by_team = asked.field("team").is_some();
    let sources = Source::ALL.map(|source| (source.as_str(), source.as_str()));
    let sources = sources.into_iter().filter(|_| !by_team);
    let facet = |name, values| Facet { name, values, ..Facet::default() };
    vec![
        facet("Status", Status::ALL.iter().map(status).collect()),
        Facet::of("Source", here, "source", sources, asked.field("source")),
        facet("Owner", named("owner", agents)),
        facet("Team", if by_team || !asked.filters() { named("team", teams) } else { Vec::new() }),
    ]
}

/// The attributes that a search may be for.
async fn searchable(
    ctx: &Ctx,
    viewer: &Viewer,
    asked: &Asked,
) -> Result<Vec<(String, String, String)>, Problem> {
    if !viewer.may(Permission::AttributesRead) {
        return Ok(Vec::new());
    }
    let sees = viewer.may(Permission::PersonalRead);
    let all = attributes::list(ctx, None, 200).await?;
    let shown = all.into_iter().filter(|one| one.searchable && (sees || !one.personal)).take(10);
    let field = |name: String| {
        let parameter = format!("attr.{name}");
        let value = asked.field(&parameter).unwrap_or_default().to_owned();
        (parameter, name, value)
    };
    Ok(shown.map(|one| field(one.name)).collect())
}
