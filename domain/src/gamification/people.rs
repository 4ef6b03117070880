//! Names of those who play. Whoever is gone or was erased is a former member.

use std::collections::HashMap;

use serde::Serializer;

use super::store;
use crate::{
    Ctx,
    error::Result,
    tenancy::TenantTx,
    types::{AgentId, SubjectId},
    vault::{Personal, Place, Vault, mask},
};

/// What stands for the name of somebody who is gone.
pub const FORMER: &str = "former member";
/// And for that of a team.
pub(super) const FORMER_TEAM: &str = "former team";

/// The names of some agents, masked for whoever may not see them.
pub(super) async fn names(
    ctx: &Ctx,
    tx: &mut TenantTx,
    agents: &[AgentId],
) -> Result<HashMap<AgentId, Personal<String>>> {
    let tenant = tx.tenant;
    let rows = store::people(tx.conn(), tenant, agents).await?;
    let subjects: Vec<SubjectId> = rows.iter().map(|row| SubjectId(row.id.0)).collect();
    let keys = Vault::subjects(tx, &subjects).await?;
    let mut names = HashMap::with_capacity(rows.len());
    for row in rows {
        let place = Place { tenant, table: "agents", column: "name_sealed", row: row.id.0 };
        let plain = if row.is_gone { None } else { keys.open(&place, &row.name_sealed)? };
        let name = ctx.seen(plain, mask::name).unwrap_or_else(|| Personal::new(FORMER.to_owned()));
        names.insert(row.id, name);
    }
    Ok(names)
}

/// One of these names.
pub(super) fn of(names: &HashMap<AgentId, Personal<String>>, agent: AgentId) -> Personal<String> {
    let plain = names.get(&agent).map_or(FORMER, |name| name.expose().as_str());
    Personal::new(plain.to_owned())
}

/// For names in answers: they are there for whoever may see them, and masked for others.
pub(super) fn shown<S: Serializer>(name: &Personal<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(name.expose())
}
