//! What a filter asks of leads, written once for all statements that look for some. There are several, for each walks an
//! index of its own, and Postgres plans and checks each by itself.

use uuid::Uuid;

use super::{
    super::{
        commands::Filter,
        lead::{Source, Status},
    },
    terms::Wanted,
};
use crate::{access::rows::Rows, types::TenantId};

/// Which leads are asked for, and by whom.
pub(in crate::leads) struct Asked<'a> {
    pub tenant: TenantId,
    pub filter: &'a Filter,
    pub wanted: &'a Wanted,
    pub seen: Rows,
}

/// The values of [`select_fitting`], in its order.
impl Asked<'_> {
    pub(super) fn status(&self) -> Option<&'static str> {
        self.filter.status.map(Status::as_str)
    }

    pub(super) fn source(&self) -> Option<&'static str> {
        self.filter.source.map(Source::as_str)
    }

    pub(super) fn owner(&self) -> Option<Uuid> {
        self.filter.owner.map(|id| id.0)
    }

    pub(super) fn import(&self) -> Option<Uuid> {
        self.filter.import.map(|id| id.0)
    }

    pub(super) fn email(&self) -> Option<&[u8]> {
        self.wanted.email.as_deref()
    }

    pub(super) fn phone(&self) -> Option<&[u8]> {
        self.wanted.phone.as_deref()
    }
}

/// Terms as a statement takes them: their kinds and their hashes.
pub(super) fn columns(terms: &[(String, Vec<u8>)]) -> (Vec<String>, Vec<Vec<u8>>) {
    terms.iter().cloned().unzip()
}

/// A statement about the leads `l` of a tenant that fit and have all of some terms: what is made of its rows, the column
/// that holds a lead's id, what stands before the filter and what behind it. $1 to $11 are the filter's, and what else the
/// statement takes begins with $12.
macro_rules! select_fitting {
    (
        $query:ident($($row:ident)?), $asked:ident, $terms:ident, $lead:tt, [$($head:tt)+], [$($rest:tt)+],
        $($more:expr),+ $(,)?
    ) => {
        sqlx::$query!(
            $($row,)?
            $($head)+ + r#"
            where l.tenant_id = $1
              and ($2::text is null or l.status = $2) and ($3::text is null or l.source = $3)
              and ($4::uuid is null or l.owner_id = $4) and ($5::uuid is null or l.import_id = $5)
              and ($6::bytea is null or l.email_index = $6) and ($7::bytea is null or l.phone_index = $7)
              and ($8::uuid is null or l.owner_id = $8) and ($9::uuid is null or l.team_id = $9)
              and (cardinality($10::text[]) = 0 or not exists (
                select from unnest($10::text[], $11::bytea[]) as w (kind, term)
                 where not exists (
                   select from lead_terms o
                    where o.tenant_id = $1 and o.kind = w.kind and o.term = w.term and o.lead_id = "# + $lead + r#")))
              and "# + $($rest)+,
            $asked.tenant.0,
            $asked.status(),
            $asked.source(),
            $asked.owner(),
            $asked.import(),
            $asked.email(),
            $asked.phone(),
            $asked.seen.owner(),
            $asked.seen.team(),
            &$terms.0,
            &$terms.1,
            $($more),+
        )
    };
}
pub(super) use select_fitting;
