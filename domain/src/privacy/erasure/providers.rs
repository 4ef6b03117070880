//! What providers have of the person is deleted there, where they can be told (GDPR Art. 17(2) and 19). Where they cannot, or
//! do not answer for long, the certificate says so: the tenant has to see to that itself.

use super::store;
use crate::{
    Ctx,
    error::Result,
    messages::{
        forget::{self, Known},
        provider::Forgotten,
    },
    types::{ErasureId, SubjectId},
};

/// What came of telling some of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// All there is.
    All,
    /// There may be more.
    Some,
    /// A provider is to be asked later.
    Later(String),
}

/// Tells providers of some messages. Whoever does not want to wait for a provider any longer says so: then it is written
/// down that it was not told.
///
/// # Errors
/// If the database refuses.
pub async fn tell(ctx: &Ctx, id: ErasureId, give_up: bool) -> Result<Told> {
    let mut tx = ctx.begin().await?;
    let who = store::who(tx.conn(), ctx.tenant, id).await?;
    let subjects: Vec<SubjectId> = who.subjects.into_iter().map(SubjectId).collect();
    let page = forget::next(ctx, &mut tx, &subjects).await?;
    tx.commit().await?;
    if page.is_empty() {
        return Ok(Told::All);
    }
    let (mut ended, mut later): (Vec<(&Known, &str)>, Option<String>) = (Vec::new(), None);
    for known in &page {
        let deed = match known.forget(ctx).await {
            Forgotten::Done => "deleted at the provider",
            Forgotten::CannotBe => "not possible at the provider",
            Forgotten::Refused { .. } => "refused by the provider",
            Forgotten::Later { .. } if give_up => "not answered by the provider",
            Forgotten::Later { text } => {
                later = Some(text);
                break;
            }
        };
        ended.push((known, deed));
    }
    let mut tx = ctx.begin().await?;
    for (known, deed) in ended {
        // Whoever did the same beside this has counted it.
        let n = usize::try_from(forget::told(&mut tx, &[known]).await?).unwrap_or_default();
        store::add_count(tx.conn(), ctx.tenant, id, &known.kind, deed, n).await?;
    }
    tx.commit().await?;
    Ok(later.map_or(Told::Some, Told::Later))
}
