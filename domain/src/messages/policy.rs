//! What a tenant lets be sent when: quiet hours, how often, and what it asks consent for. [`super::gates`] goes by it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{rules::Purpose, store};
use crate::{
    Ctx,
    access::permission::Permission,
    agents::shifts::ClockTime,
    audit::Entry,
    error::{Error, FieldError, Result},
};

/// The highest cap, and the longest time that one looks back, in hours: 30 days.
const MOST: i32 = 1_000;
const LONGEST: i32 = 720;

/// What is said of all messages of a tenant. What is not said is as the product has it: no quiet hours, no cap,
/// marketing with consent only and all else unless it was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = MessagePolicy)]
pub struct Policy {
    /// Null for none.
    pub quiet_hours: Option<QuietHours>,
    /// Null for none.
    pub frequency_cap: Option<FrequencyCap>,
    pub consent: ConsentRules,
}

/// Hours of every day in which nobody is written to, as a clock shows them where the person is; half open. Up to
/// `until` on the next day, if that is before `from`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    #[schema(value_type = String, example = "21:00")]
    pub from: ClockTime,
    #[schema(value_type = String, example = "08:00")]
    pub until: ClockTime,
    /// What is kept back meanwhile, and sent after.
    pub purposes: Vec<Purpose>,
}

/// How many messages a person gets at the most; what would be more is not sent at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FrequencyCap {
    /// 1 to 1,000.
    pub most: i32,
    /// Within so many hours, up to the moment: 1 to 720.
    pub hours: i32,
    /// Which messages count, and which are held back.
    pub purposes: Vec<Purpose>,
    pub per: CapPer,
}

/// What a cap counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CapPer {
    /// Messages to an address, each channel by itself.
    Channel,
    /// Messages to an address, and to whichever address of the same lead, over all channels.
    Person,
}

/// What is asked of messages of each purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConsentRules {
    pub marketing: ConsentRule,
    pub transactional: ConsentRule,
}

/// Whether somebody must have agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsentRule {
    /// Yes, and have not withdrawn it.
    Required,
    /// No, but they may not have said that they do not want it.
    UnlessWithdrawn,
}

/// A tenant's policy as it is in force.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = MessagePolicyView)]
pub struct PolicyView {
    pub quiet_hours: Option<QuietHours>,
    pub frequency_cap: Option<FrequencyCap>,
    pub consent: ConsentRules,
    /// 0 for the product's own, which nobody has changed.
    pub version: i64,
    pub updated_at: Option<DateTime<Utc>>,
}

impl Default for ConsentRules {
    fn default() -> Self {
        Self { marketing: ConsentRule::Required, transactional: ConsentRule::UnlessWithdrawn }
    }
}

impl ConsentRules {
    /// What is asked of messages of a purpose.
    #[must_use]
    pub fn of(self, purpose: Purpose) -> ConsentRule {
        match purpose {
            Purpose::Marketing => self.marketing,
            Purpose::Transactional => self.transactional,
        }
    }
}

impl Policy {
    /// As it is stored; the product's own if nothing is.
    ///
    /// # Errors
    /// If it is none that this build knows: nothing is sent by a policy that cannot be read.
    pub(super) fn stored(policy: Option<Value>) -> Result<Self> {
        policy.map_or_else(
            || Ok(Self::default()),
            |policy| serde_json::from_value(policy).map_err(Error::internal),
        )
    }

    /// The quiet hours that messages of a purpose keep.
    #[must_use]
    pub fn quiet_for(&self, purpose: Purpose) -> Option<&QuietHours> {
        self.quiet_hours.as_ref().filter(|quiet| quiet.purposes.contains(&purpose))
    }

    /// The cap that messages of a purpose are under.
    #[must_use]
    pub fn cap_for(&self, purpose: Purpose) -> Option<&FrequencyCap> {
        self.frequency_cap.as_ref().filter(|cap| cap.purposes.contains(&purpose))
    }

    /// Names what cannot be meant.
    fn check(&self) -> Result<()> {
        let mut wrong = Vec::new();
        let mut unless = |holds: bool, pointer: &str, detail: &str| {
            if !holds {
                wrong.push(FieldError::new(pointer, detail));
            }
        };
        if let Some(quiet) = &self.quiet_hours {
            let other = "another time than `from`; to send nothing at all, pause the queue `messages`";
            unless(quiet.from != quiet.until, "/quiet_hours/until", other);
            unless(
                !quiet.purposes.is_empty(),
                "/quiet_hours/purposes",
                "name a purpose, or set quiet_hours to null",
            );
        }
        if let Some(cap) = &self.frequency_cap {
            unless((1..=MOST).contains(&cap.most), "/frequency_cap/most", "1 to 1000");
            unless((1..=LONGEST).contains(&cap.hours), "/frequency_cap/hours", "1 to 720");
            unless(
                !cap.purposes.is_empty(),
                "/frequency_cap/purposes",
                "name a purpose, or set frequency_cap to null",
            );
        }
        if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
    }
}

/// The policy in force.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn get(ctx: &Ctx) -> Result<PolicyView> {
    ctx.require(Permission::MessagePolicyRead)?;
    let mut tx = ctx.begin().await?;
    view(store::policy(tx.conn(), ctx.tenant).await?)
}

/// Puts another policy in force, for all messages that have not left.
///
/// # Errors
/// If a value is out of its bounds, or the policy was changed since it was read.
pub async fn put(ctx: &Ctx, policy: Policy) -> Result<PolicyView> {
    ctx.require(Permission::MessagePolicyWrite)?;
    ctx.require_all_rows()?;
    policy.check()?;
    let stored = serde_json::to_value(&policy).map_err(Error::internal)?;
    let mut tx = ctx.begin().await?;
    let there = store::lock_policy(tx.conn(), ctx.tenant, &stored).await?;
    ctx.expect_version("message policy", None, there)?;
    store::update_policy(tx.conn(), ctx.tenant, &stored).await?;
    tx.audit(&[Entry::new("update", "message_policy", ctx.tenant).detail(stored).notice()]).await?;
    let view = view(store::policy(tx.conn(), ctx.tenant).await?)?;
    tx.commit().await?;
    Ok(view)
}

fn shown(policy: Policy, version: i64, updated_at: Option<DateTime<Utc>>) -> PolicyView {
    let Policy { quiet_hours, frequency_cap, consent } = policy;
    PolicyView { quiet_hours, frequency_cap, consent, version, updated_at }
}

fn view(row: Option<store::PolicyRow>) -> Result<PolicyView> {
    let Some(row) = row else {
        return Ok(shown(Policy::default(), 0, None));
    };
    let policy = Policy::stored(Some(row.policy))?;
    Ok(shown(policy, row.version, Some(row.updated_at)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(policy: Value) -> Policy {
        serde_json::from_value(policy).expect("a policy")
    }

    #[test]
    fn what_is_not_said_is_the_products_own() {
        let own = json!({
            "quiet_hours": null, "frequency_cap": null,
            "consent": {"marketing": "required", "transactional": "unless_withdrawn"},
        });
        assert_eq!(read(json!({})), read(own.clone()));
        assert_eq!(serde_json::to_value(Policy::default()).expect("JSON"), own);
        let lax = read(json!({"consent": {"marketing": "unless_withdrawn"}}));
        assert_eq!(lax.consent.of(Purpose::Marketing), ConsentRule::UnlessWithdrawn);
        assert_eq!(lax.consent.of(Purpose::Transactional), ConsentRule::UnlessWithdrawn);
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        let quiet = |from: &str, until: &str, purposes: Value| json!({"quiet_hours": {"from": from, "until": until, "purposes": purposes}});
        let cap = |most: i32, hours: i32, purposes: Value| json!({"frequency_cap": {"most": most, "hours": hours, "purposes": purposes, "per": "person"}});
        for (policy, wanted) in [
            (json!({}), &[][..]),
            (quiet("21:00", "08:00", json!(["marketing"])), &[][..]),
            (quiet("08:00", "21:00", json!(["marketing", "transactional"])), &[][..]),
            (quiet("21:00", "21:00", json!(["marketing"])), &["/quiet_hours/until"][..]),
            (quiet("21:00", "21:00", json!([])), &["/quiet_hours/until", "/quiet_hours/purposes"][..]),
            (cap(1, 1, json!(["marketing"])), &[][..]),
            (cap(1_000, 720, json!(["marketing"])), &[][..]),
            (cap(0, 721, json!(["marketing"])), &["/frequency_cap/most", "/frequency_cap/hours"][..]),
            (
                cap(1_001, 0, json!([])),
                &["/frequency_cap/most", "/frequency_cap/hours", "/frequency_cap/purposes"][..],
            ),
        ] {
            let named: Vec<String> = match read(policy.clone()).check() {
                Err(Error::Invalid(wrong)) => wrong.into_iter().map(|field| field.pointer).collect(),
                _ => Vec::new(),
            };
            assert_eq!(named, wanted, "{policy}");
        }
    }
}
