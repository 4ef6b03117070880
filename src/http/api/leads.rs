//! Leads.

use axum::{
    Json as Body,
    extract::FromRequestParts,
    http::{StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use domain::{
    leads::{
        commands,
        contacts::IfTaken,
        lead::{LeadChange, LeadView, NewLead},
        merged::{self, Found},
        sorted::{self, Sort},
    },
    types::LeadId,
};
use serde::{Deserialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{access::Made, lead_filter::lead_filter};
use crate::http::{
    conditional::tagged,
    extract::{Caller, Json, Path, Query},
    fields::{Fields, Shown, Sparse},
    page::{Page, Window},
    problem::Problem,
    reply,
};

/// How a lead is to be written.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WriteQuery {
    /// What becomes of a lead that comes by a number or an address that another lead has: with `allow`, which it is if
    /// not said, it is written all the same, with `reject` it is answered with 409 `duplicate-lead`, which names the
    /// other one; of several requests at one moment one is done. `reject` looks among the leads that you see, for which
    /// it needs `leads:read` and `personal:read`.
    #[param(inline)]
    pub on_duplicate: Option<IfTaken>,
}

/// Make a lead.
#[utoipa::path(post, path = "/api/v1/leads", tag = "leads", params(WriteQuery), request_body = NewLead,
    responses((status = 201, body = Made)))]
pub async fn create_lead(
    Caller(ctx): Caller,
    Query(query): Query<WriteQuery>,
    Json(new): Json<NewLead>,
) -> Result<Response, Problem> {
    let if_taken = query.on_duplicate.unwrap_or(IfTaken::Allow);
    Ok(reply::once(commands::create(&ctx, new, if_taken).await?, |id| Made { id: id.0 }))
}

lead_filter! {
    /// Which leads, and how many.
    #[derive(Deserialize, utoipa::IntoParams)]
    #[serde(deny_unknown_fields)]
    #[into_params(parameter_in = Query)]
    LeadQuery by param {
        /// The whole address; found by its blind index.
        email,
        /// The whole number in E.164; found by its blind index.
        phone,
        /// A phone number with +, an e-mail address, or whole words of the name, all of which must be there; by names only
        /// if your tenant wants that (`search_names` of its settings).
        q,
        /// `-created`, the newest first, if not said. A cursor is for the order of its list.
        #[param(inline)]
        pub sort: Option<Sort>,
        /// Only these fields, with commas between them; `a.b` is a part of `a`, and `id` is always there.
        pub fields: Option<String>,
        /// `next_cursor` of the page before.
        pub cursor: Option<String>,
        /// 1 to 200, 50 if not said.
        pub limit: Option<u16>,
    }
}

/// Parameters of attributes that one request may have.
pub(super) const MOST_ATTRIBUTES: usize = 10;

/// A query with parameters `attr.<name>` besides those that are known.
pub struct Asked<Q>(pub Q, pub Vec<(String, String)>);

impl<Q: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<Q> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let (named, known): (Vec<&str>, Vec<&str>) =
            query.split('&').partition(|parameter| parameter.starts_with("attr."));
        if named.len() > MOST_ATTRIBUTES {
            return Err(Problem::field("?", "at most 10 parameters of attributes"));
        }
        let uri = |part: &[&str]| {
            Uri::try_from(format!("/?{}", part.join("&")))
                .map_err(|_| Problem::field("?", "this is no query"))
        };
        parts.uri = uri(&named)?;
        let Query(named) = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await?;
        parts.uri = uri(&known)?;
        let Query(known) = Query::<Q>::from_request_parts(parts, state).await?;
        let name =
            |(name, value): (String, String)| (name.strip_prefix("attr.").unwrap_or(&name).to_owned(), value);
        Ok(Self(known, named.into_iter().map(name).collect()))
    }
}

/// The leads, newest first unless another order is asked for. Searchable attributes are asked for by `attr.<name>=<value>`.
#[utoipa::path(get, path = "/api/v1/leads", tag = "leads", params(LeadQuery),
    responses((status = 200, body = Page<LeadView>)))]
pub async fn list_leads(
    Caller(ctx): Caller,
    Asked(query, attributes): Asked<LeadQuery>,
) -> Result<Body<Page<Shown<LeadView>>>, Problem> {
    let (sort, fields) = (query.sort.unwrap_or_default(), Fields::of::<LeadView>(query.fields.as_deref())?);
    let window: Window<(u8, i64, Uuid)> = Window::of(query.cursor.as_deref(), query.limit)?;
    if window.before.is_some_and(|(order, ..)| order != sort.number()) {
        let detail =
            "this cursor is of a list in another order; send its `sort` with it, or begin anew without it";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "cursor-of-another-order", detail));
    }
    let filter = query.into_filter(attributes);
    let after = window.before.map(|(_, key, id)| (key, id));
    let rows = sorted::list(&ctx, &filter, sort, after, window.rows).await?;
    let page = window.page(rows, |lead| {
        let (key, id) = sort.place(lead);
        (sort.number(), key, id)
    });
    Ok(Body(fields.page(page)?))
}

/// One lead. One that was merged into another is answered with 308: `Location` leads to what it is by now, and so does
/// `id`.
#[utoipa::path(get, path = "/api/v1/leads/{id}", tag = "leads", params(("id" = Uuid, Path), Sparse),
    responses(
        (status = 200, body = LeadView),
        (status = 308, body = Made, description = "It was merged into this lead, to which `Location` leads"),
    ))]
pub async fn get_lead(
    Caller(ctx): Caller,
    Path(id): Path<LeadId>,
    uri: Uri,
    Query(sparse): Query<Sparse>,
) -> Result<Response, Problem> {
    let fields = Fields::of::<LeadView>(sparse.fields.as_deref())?;
    match merged::find(&ctx, id).await? {
        Found::Here(view) => tagged(view.version, &fields.show(*view)?),
        Found::MergedInto(lead) => Ok(elsewhere(lead, uri.query())),
    }
}

/// Leads whoever asks for a lead on to another one, with what was asked for of it.
fn elsewhere(lead: LeadId, query: Option<&str>) -> Response {
    let asked = query.map(|query| format!("?{query}")).unwrap_or_default();
    let location = format!("/api/v1/leads/{lead}{asked}");
    (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, location)], Body(Made { id: lead.0 }))
        .into_response()
}

/// Change a lead (RFC 7396: absent fields stay, null removes).
#[utoipa::path(patch, path = "/api/v1/leads/{id}", tag = "leads", params(("id" = Uuid, Path), WriteQuery),
    request_body = LeadChange, responses((status = 200, body = LeadView)))]
pub async fn change_lead(
    Caller(ctx): Caller,
    Path(id): Path<LeadId>,
    Query(query): Query<WriteQuery>,
    Json(change): Json<LeadChange>,
) -> Result<Response, Problem> {
    let if_taken = query.on_duplicate.unwrap_or(IfTaken::Allow);
    let view = commands::change(&ctx, id, change, if_taken).await?;
    tagged(view.version, &view)
}

/// Delete a lead.
#[utoipa::path(delete, path = "/api/v1/leads/{id}", tag = "leads", params(("id" = Uuid, Path)),
    responses((status = 204)))]
pub async fn delete_lead(Caller(ctx): Caller, Path(id): Path<LeadId>) -> Result<StatusCode, Problem> {
    commands::delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
