//! Having providers forget what they were given of somebody, where they can be told to.

use std::{collections::HashMap, sync::Arc};

use super::{
    accounts::credentials_place,
    provider::{Account, Forgotten, Provider},
    store,
};
use crate::{
    Ctx,
    error::Result,
    tenancy::TenantTx,
    types::{MessageId, ProviderId, SubjectId},
};

/// Messages that providers are told of at a time.
const PAGE: i64 = 50;

/// A message that its provider knows by a name, and how it is told of it.
pub struct Known {
    message: MessageId,
    name: String,
    /// The provider's kind.
    pub kind: String,
    way: Option<(Arc<dyn Provider>, Arc<Account>)>,
}

impl Known {
    /// Asks the provider, with no transaction open.
    pub async fn forget(&self, ctx: &Ctx) -> Forgotten {
        match &self.way {
            Some((adapter, account)) => adapter.forget(ctx, account, &self.name).await,
            None => Forgotten::CannotBe,
        }
    }
}

/// The next messages to these people that providers know by a name; none when all are told of.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn next(ctx: &Ctx, tx: &mut TenantTx, subjects: &[SubjectId]) -> Result<Vec<Known>> {
    let rows = store::named_of(tx.conn(), ctx.tenant, subjects, PAGE).await?;
    let providers: Vec<ProviderId> = rows.iter().map(|row| row.provider).collect();
    let keys = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
    let mut accounts = HashMap::new();
    for row in store::accounts_of(tx.conn(), ctx.tenant, &providers).await? {
        let opened = keys.open(&credentials_place(ctx.tenant, row.id), &row.credentials_sealed).ok();
        let adapter = ctx.platform.providers.get(&row.kind);
        let channel = store::stored_channel(&row.channel)?;
        let way = adapter.zip(opened).map(|(adapter, credentials)| {
            (adapter, Arc::new(Account { id: row.id, channel, credentials, version: row.version }))
        });
        accounts.insert(row.id, (row.kind, way));
    }
    Ok(rows
        .into_iter()
        .map(|row| {
            let (kind, way) = accounts.get(&row.provider).cloned().unwrap_or_default();
            Known { message: row.id, name: row.name, kind, way }
        })
        .collect())
}

/// Notes that a provider was told of messages, or cannot be: they have no name any more. Answers of how many that is new.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn told(tx: &mut TenantTx, known: &[&Known]) -> Result<u64> {
    let tenant = tx.tenant;
    let ids: Vec<MessageId> = known.iter().map(|one| one.message).collect();
    store::unname(tx.conn(), tenant, &ids).await
}
