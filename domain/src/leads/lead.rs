//! The lead and what may be said of it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    error::{FieldError, Result},
    scoring::points::Parts,
    types::{AgentId, E164, EmailAddress, ImportId, LeadId, SubjectId, TeamId, TenantId, Text, nullable},
    vault::{Personal, Place, personal::reveal},
    words::words,
};

words! {
    /// How far a lead has come. `converted` and `lost` are closed, all others open.
    Status {
        New = "new",
        Contacted = "contacted",
        Qualified = "qualified",
        Proposal = "proposal",
        Converted = "converted",
        Lost = "lost",
    }
}

impl Status {
    /// Whether nothing more is to be done for the lead.
    #[must_use]
    pub fn is_closed(self) -> bool {
        matches!(self, Self::Converted | Self::Lost)
    }
}

/// The one that is asked for, or all, as the database has them.
pub(crate) fn statuses(asked: Option<Status>) -> Vec<String> {
    let wanted = asked.map_or_else(|| Status::ALL.to_vec(), |one| vec![one]);
    wanted.into_iter().map(|status| status.as_str().to_owned()).collect()
}

words! {
    /// Where a lead came from.
    Source {
        Referral = "referral",
        Organic = "organic",
        Campaign = "campaign",
        PaidAds = "paid_ads",
        Import = "import",
        Manual = "manual",
    }
}

/// A lead to be made.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLead {
    #[schema(value_type = Option<String>)]
    pub name: Option<Text<200>>,
    /// E.164; a lead needs a phone number or an e-mail address.
    #[schema(value_type = Option<String>)]
    pub phone: Option<E164>,
    #[schema(value_type = Option<String>)]
    pub email: Option<EmailAddress>,
    #[serde(default = "new")]
    #[schema(required = false)]
    pub status: Status,
    #[serde(default = "manual")]
    #[schema(required = false)]
    pub source: Source,
    /// BCP 47, for example `de` or `pt-BR`.
    #[schema(value_type = Option<String>)]
    pub language: Option<Text<35>>,
    #[schema(value_type = Option<String>)]
    pub region: Option<Text<100>>,
    /// Expected value in hundredths of the tenant's currency.
    pub value_cents: Option<i64>,
    /// What was spent on it, in hundredths of the tenant's currency.
    pub cost_cents: Option<i64>,
    /// At most 50.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub tags: Vec<Text<50>>,
    /// Anything else that is known, at most 32 KiB of JSON. Sealed like name and numbers.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub attributes: Map<String, Value>,
}

/// What to change; absent fields stay, null removes (RFC 7396).
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeadChange {
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    pub name: Option<Option<Text<200>>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    pub phone: Option<Option<E164>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    pub email: Option<Option<EmailAddress>>,
    pub status: Option<Status>,
    pub source: Option<Source>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    pub language: Option<Option<Text<35>>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    pub region: Option<Option<Text<100>>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>)]
    pub value_cents: Option<Option<i64>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>)]
    pub cost_cents: Option<Option<i64>>,
    #[schema(value_type = Option<Vec<String>>)]
    pub tags: Option<Vec<Text<50>>>,
    /// Replaces all attributes.
    #[schema(value_type = Option<Object>)]
    pub attributes: Option<Map<String, Value>>,
    /// The version the change was made for; another one in the meantime is answered with 409.
    pub version: Option<i64>,
}

/// A lead as its tenant sees it. Personal fields are absent once the person was erased.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LeadView {
    pub id: LeadId,
    pub import_id: Option<ImportId>,
    pub owner_id: Option<AgentId>,
    pub team_id: Option<TeamId>,
    pub status: String,
    pub source: String,
    #[serde(serialize_with = "reveal")]
    #[schema(value_type = Option<String>)]
    pub name: Option<Personal<String>>,
    #[serde(serialize_with = "reveal")]
    #[schema(value_type = Option<String>)]
    pub phone: Option<Personal<String>>,
    #[serde(serialize_with = "reveal")]
    #[schema(value_type = Option<String>)]
    pub email: Option<Personal<String>>,
    #[serde(serialize_with = "reveal")]
    #[schema(value_type = Option<Object>)]
    pub attributes: Option<Personal<Value>>,
    pub language: Option<String>,
    pub region: Option<String>,
    pub value_cents: Option<i64>,
    pub cost_cents: Option<i64>,
    pub tags: Vec<String>,
    pub score: Option<Score>,
    pub version: i64,
    pub assigned_at: Option<DateTime<Utc>>,
    /// Since when nothing is done with what is known of them but to keep it (GDPR Art. 18).
    pub restricted_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A score with its parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Score {
    /// 0 to 100, the sum of the parts.
    pub total: i16,
    #[serde(flatten)]
    pub parts: Parts,
    /// 0 to 100: how good it would be whatever was done with it.
    pub fit: i16,
    /// 0 to 100: how much was done with it lately.
    pub engagement_score: i16,
    /// The version of the model.
    pub model: i32,
    pub scored_at: DateTime<Utc>,
}

fn new() -> Status {
    Status::New
}

fn manual() -> Source {
    Source::Manual
}

pub(super) const MOST_TAGS: usize = 50;
const MOST_ATTRIBUTES: usize = 32 * 1024;

/// What no lead may lack or exceed, told by JSON pointer.
pub(super) fn check(
    reachable: bool,
    (value_cents, cost_cents): (Option<i64>, Option<i64>),
    tags: &[Text<50>],
    attributes: &Map<String, Value>,
) -> Vec<FieldError> {
    let mut wrong = Vec::new();
    if !reachable {
        wrong.push(FieldError::new("/phone", "a lead needs a phone number or an e-mail address"));
    }
    for (pointer, cents) in [("/value_cents", value_cents), ("/cost_cents", cost_cents)] {
        if cents.is_some_and(|cents| cents < 0) {
            wrong.push(FieldError::new(pointer, "0 or more"));
        }
    }
    if tags.len() > MOST_TAGS {
        wrong.push(FieldError::new("/tags", "at most 50 tags"));
    }
    if serde_json::to_string(attributes).map_or(0, |text| text.len()) > MOST_ATTRIBUTES {
        wrong.push(FieldError::new("/attributes", "at most 32 KiB"));
    }
    wrong
}

/// The person behind a lead.
#[must_use]
pub fn subject(lead: LeadId) -> SubjectId {
    SubjectId(lead.0)
}

pub(crate) fn place(tenant: TenantId, column: &'static str, lead: LeadId) -> Place {
    Place { tenant, table: "leads", column, row: lead.0 }
}

/// Reads the attributes' JSON, of those that are shown if not all are; none if nothing is left.
pub(super) fn attributes(text: &str, shown: Option<&[String]>) -> Result<Option<Personal<Value>>> {
    let mut all: Map<String, Value> = serde_json::from_str(text).map_err(crate::error::Error::internal)?;
    if let Some(shown) = shown {
        all.retain(|name, _| shown.contains(name));
    }
    let empty = all.is_empty();
    Ok((!empty).then(|| Personal::new(Value::Object(all))))
}
