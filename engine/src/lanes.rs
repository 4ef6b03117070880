//! Queues and lanes by number. Both are made on a connection of their own and cached once committed:
//! a caller's transaction never holds a lane that others wait for.

use std::{collections::HashMap, sync::RwLock};

use uuid::Uuid;

use crate::Engine;

type Place = (i32, Uuid, i16, String);

#[derive(Debug, Default)]
pub(crate) struct Lanes {
    queues: RwLock<HashMap<String, i32>>,
    places: RwLock<HashMap<Place, i64>>,
}

/// A lane as a dispatcher sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lane {
    pub id: i64,
    pub tenant: Uuid,
    pub priority: i16,
}

impl Engine {
    /// The number of a queue, made if it is new.
    pub(crate) async fn queue_id(&self, name: &str) -> sqlx::Result<i32> {
        if let Some(id) = read(&self.lanes().queues).get(name) {
            return Ok(*id);
        }
        let made_or_found = || async {
            sqlx::query_scalar!(
                r#"with made as (
                 insert into engine.queues (name) values ($1)
                 on conflict on constraint queues_name_key do nothing returning id)
               select id as "id!" from made union all select id from engine.queues where name = $1 limit 1"#,
                name
            )
            .fetch_optional(self.system())
            .await
        };
        let id = again(made_or_found).await?;
        write(&self.lanes().queues).insert(name.to_owned(), id);
        Ok(id)
    }

    /// The number of a lane, made if it is new.
    pub(crate) async fn lane_id(&self, place: Place) -> sqlx::Result<i64> {
        if let Some(id) = read(&self.lanes().places).get(&place) {
            return Ok(*id);
        }
        let (queue, tenant, priority, limit_key) = &place;
        let made_or_found = || async {
            sqlx::query_scalar!(
                r#"with made as (
                 insert into engine.lanes (queue_id, tenant_id, priority, limit_key) values ($1, $2, $3, $4)
                 on conflict on constraint lanes_place_key do nothing returning id)
               select id as "id!" from made union all
               select id from engine.lanes
                where queue_id = $1 and tenant_id = $2 and priority = $3 and limit_key = $4 limit 1"#,
                queue,
                tenant,
                priority,
                limit_key
            )
            .fetch_optional(self.system())
            .await
        };
        let id = again(made_or_found).await?;
        write(&self.lanes().places).insert(place, id);
        Ok(id)
    }

    /// All lanes of a queue after a given number, in order.
    pub(crate) async fn lanes_after(&self, queue: i32, after: i64, limit: i64) -> sqlx::Result<Vec<Lane>> {
        sqlx::query_as!(
            Lane,
            "select id, tenant_id as tenant, priority from engine.lanes
              where queue_id = $1 and id > $2 order by id limit $3",
            queue,
            after,
            limit
        )
        .fetch_all(self.system())
        .await
    }
}

/// Asks until there is a row. Where another transaction made it while the statement waited, the
/// statement's own snapshot does not show it yet; the next one does.
async fn again<T, F>(ask: impl Fn() -> F) -> sqlx::Result<T>
where
    F: Future<Output = sqlx::Result<Option<T>>>,
{
    loop {
        if let Some(found) = ask().await? {
            return Ok(found);
        }
    }
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(std::sync::PoisonError::into_inner)
}
