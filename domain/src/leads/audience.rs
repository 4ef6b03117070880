//! Whom a campaign is to: the leads that a filter names, kept as hashes and ids; and what is known of each when they are
//! written to.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    bulk::{in_body, selected::Selected},
    commands::Filter,
    lead, search,
    store::{self, Asked},
};
use crate::{
    Ctx,
    access::rows::Rows,
    error::{Error, Result},
    tenancy::TenantTx,
    types::{CampaignId, CampaignRunId, LeadId, SubjectId},
    vault::{SubjectKeys, Vault},
};

/// What a filter asks for, as a campaign keeps it: of what somebody typed in only keyed hashes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Audience(Selected);

/// How many leads there are of an audience, and how they can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    pub matched: i64,
    pub by_email: i64,
    pub by_phone: i64,
    /// They have neither.
    pub by_nothing: i64,
}

/// How far a walk along leads goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    /// From behind this one.
    pub after: Option<LeadId>,
    /// Leads that are younger than this id are none of its business.
    pub before: Uuid,
    /// Leads walked past.
    pub limit: i64,
}

/// How the recipients of a run are written down.
pub(crate) struct Planning<'a> {
    pub run: CampaignRunId,
    /// Only of those that were taken down for it, as of the end of the walk.
    pub taken_for: Option<CampaignId>,
    /// In the order in which they are tried.
    pub channels: &'a [String],
    /// The weights of the variants, each with those before it.
    pub upto: &'a [i64],
    /// The share of recipients that get one at once, in ten-thousandths. The others wait for the one that wins.
    pub first_wave: i64,
    /// When each is due; none where that is said of each by itself.
    pub due_at: Option<DateTime<Utc>>,
}

/// What became of a page.
pub(crate) struct Planned {
    /// The last lead that was walked past.
    pub last: LeadId,
    /// Those whose time is still to be said.
    pub timeless: Vec<LeadId>,
}

impl Audience {
    /// Keeps what a filter asks for. Answers what may be shown of it too: ids, words of ours, and by what else it asks.
    ///
    /// # Errors
    /// If the caller may not see what it asks for, or it asks for what there is not; its fields stand below `/audience`.
    pub(crate) async fn of(ctx: &Ctx, tx: &mut TenantTx, filter: &Filter) -> Result<(Self, Value)> {
        search::require_sight(ctx, filter)?;
        let wanted =
            search::wanted(ctx, tx, filter).await.map_err(|error| in_body(error).below("/audience"))?;
        Ok((Self(Selected::of(filter, &wanted)), search::told(filter)))
    }

    /// How many leads fit at this moment.
    ///
    /// # Errors
    /// If the database does not answer.
    pub(crate) async fn reach(&self, tx: &mut TenantTx) -> Result<Reach> {
        let (filter, wanted) = self.0.read()?;
        let asked = Asked { tenant: tx.tenant, filter: &filter, wanted: &wanted, seen: Rows::All };
        store::reach(tx.conn(), &asked).await
    }

    /// The newest that fit at this moment.
    ///
    /// # Errors
    /// If the database does not answer.
    pub(crate) async fn sample(&self, tx: &mut TenantTx, most: i64) -> Result<Vec<LeadId>> {
        let (filter, wanted) = self.0.read()?;
        let asked = Asked { tenant: tx.tenant, filter: &filter, wanted: &wanted, seen: Rows::All };
        store::fitting(tx.conn(), &asked, None, most).await
    }

    /// Takes the next of those that fit down for a campaign. Answers the last lead that was walked past; none when all were.
    ///
    /// # Errors
    /// If the database refuses.
    pub(crate) async fn take(
        &self,
        tx: &mut TenantTx,
        campaign: CampaignId,
        span: Span,
    ) -> Result<Option<LeadId>> {
        let (filter, wanted) = self.0.read()?;
        let asked = Asked { tenant: tx.tenant, filter: &filter, wanted: &wanted, seen: Rows::All };
        store::take_audience(tx.conn(), &asked, campaign, span).await
    }

    /// Writes the next of those that fit down as recipients of a run. None when all were.
    ///
    /// # Errors
    /// If the database refuses.
    pub(crate) async fn plan(
        &self,
        tx: &mut TenantTx,
        planning: &Planning<'_>,
        span: Span,
    ) -> Result<Option<Planned>> {
        // Of those that were taken down nobody asks again whether they fit.
        let (filter, wanted) = match planning.taken_for {
            None => self.0.read()?,
            Some(_) => (Filter::default(), store::Wanted::default()),
        };
        let asked = Asked { tenant: tx.tenant, filter: &filter, wanted: &wanted, seen: Rows::All };
        store::plan_page(tx.conn(), &asked, planning, span).await
    }
}

/// A lead as it is written to.
pub(crate) struct Addressed {
    /// Nothing of them can be read any more.
    pub erased: bool,
    pub language: Option<String>,
    pub region: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    name: Option<String>,
    attributes: Option<Value>,
}

impl Addressed {
    /// What a template is given to speak of: `name`, `language`, `region` and `attributes` of the lead.
    #[must_use]
    pub fn variables(&self) -> Map<String, Value> {
        let said = [
            ("name", json!(self.name)),
            ("language", json!(self.language)),
            ("region", json!(self.region)),
            ("attributes", json!(self.attributes)),
        ];
        said.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
    }
}

/// What is known of some leads, by those that there are, and the keys of these. They are kept from being deleted or merged
/// before the commit.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn addressed(
    tx: &mut TenantTx,
    leads: &[LeadId],
) -> Result<(HashMap<LeadId, Addressed>, SubjectKeys)> {
    let tenant = tx.tenant;
    let rows = store::hold_to_address(tx.conn(), tenant, leads).await?;
    let subjects: Vec<SubjectId> = rows.iter().map(|row| lead::subject(row.id)).collect();
    let keys = Vault::subjects(tx, &subjects).await?;
    let mut known = HashMap::with_capacity(rows.len());
    for row in rows {
        let open = |column, sealed: Option<&Vec<u8>>| -> Result<Option<String>> {
            let Some(sealed) = sealed else { return Ok(None) };
            keys.open(&lead::place(tenant, column, row.id), sealed)
        };
        let attributes = open("attributes_sealed", row.attributes_sealed.as_ref())?;
        let attributes = attributes.map(|text| serde_json::from_str(&text)).transpose();
        let addressed = Addressed {
            erased: !keys.knows(lead::subject(row.id)),
            phone: open("phone_sealed", row.phone_sealed.as_ref())?,
            email: open("email_sealed", row.email_sealed.as_ref())?,
            name: open("name_sealed", row.name_sealed.as_ref())?,
            attributes: attributes.map_err(Error::internal)?,
            language: row.language,
            region: row.region,
        };
        known.insert(row.id, addressed);
    }
    Ok((known, keys))
}
