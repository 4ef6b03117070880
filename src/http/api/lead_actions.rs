//! One action on many leads: shown first, then done by an operation.

use std::collections::BTreeMap;

use axum::{
    Json as Body,
    response::{IntoResponse, Response},
};
use domain::{
    Error,
    leads::{
        bulk::{self, LeadAction},
        commands::Filter,
    },
    types::LeadId,
};
use serde::{Deserialize, Serialize};

use super::{access::Made, lead_filter::lead_filter, leads::MOST_ATTRIBUTES};
use crate::http::{
    extract::{Caller, Json},
    problem::Problem,
    reply,
};

lead_filter! {
    /// Which leads an action is for: all that fit everything that is said, of which there must be something.
    #[derive(Deserialize, utoipa::ToSchema)]
    #[serde(deny_unknown_fields)]
    LeadFilter by schema {
        /// The whole address.
        email,
        /// The whole number in E.164.
        phone,
        /// As `q` of the list of leads.
        q,
        /// Searchable attributes and their values, written as in a query: at most 10.
        #[serde(default)]
        pub attributes: BTreeMap<String, String>,
    }
}

impl LeadFilter {
    fn read(self) -> Result<Filter, Problem> {
        self.read_below("")
    }

    /// Reads a filter that stands below a place of a body.
    pub(super) fn read_below(mut self, at: &str) -> Result<Filter, Problem> {
        if self.attributes.len() > MOST_ATTRIBUTES {
            return Err(Error::invalid(format!("{at}/filter/attributes"), "at most 10 attributes").into());
        }
        let attributes = std::mem::take(&mut self.attributes).into_iter().collect();
        Ok(self.into_filter(attributes))
    }
}

/// An action on many leads.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeadBulkAction {
    pub action: LeadAction,
    pub filter: LeadFilter,
    /// Only show what it would touch.
    #[serde(default)]
    pub dry_run: bool,
}

/// What an action would touch.
#[derive(Serialize, utoipa::ToSchema)]
pub struct LeadBulkPreview {
    /// Leads that fit the filter, exact up to 10,000.
    pub matched: usize,
    /// There are more than 10,000.
    pub more: bool,
    /// The newest 20.
    pub sample: Vec<LeadId>,
}

/// Do something with all leads that fit a filter: a dry run counts them, else it is done by an operation, over the leads
/// there are by now. Each page of 500 leads is one transaction; a lead that somebody changes meanwhile is looked at once
/// more under its lock. The operation's `result` tells how many `matched`, were `changed`, were so already (`unchanged`)
/// and were `refused`, by the reason: `closed`, `agent-not-free`, `too-many-tags` or `been-through`. It is about all leads,
/// so whoever sees only some cannot ask for it. Of what a filter looks for the job holds keyed hashes only.
#[utoipa::path(post, path = "/api/v1/leads/actions", tag = "leads", request_body = LeadBulkAction,
    responses((status = 200, body = LeadBulkPreview), (status = 202, body = Made)))]
pub async fn act_on_leads(
    Caller(ctx): Caller,
    Json(asked): Json<LeadBulkAction>,
) -> Result<Response, Problem> {
    let filter = asked.filter.read()?;
    if !asked.dry_run {
        return Ok(reply::once(bulk::act(&ctx, asked.action, &filter).await?, |id| Made { id }));
    }
    let preview = bulk::preview(&ctx, &asked.action, &filter).await?;
    let answer = LeadBulkPreview { matched: preview.matched, more: preview.more, sample: preview.sample };
    Ok(Body(answer).into_response())
}
