//! Queues and lanes by number. Both are made on a connection of their own and cached once committed:
//! a caller's transaction never holds a lane that others wait for.

use std::{
    borrow::Cow,
    collections::HashMap,
    hash::Hash,
    sync::{Arc, PoisonError, RwLock},
};

use uuid::Uuid;

use crate::{Engine, NewJob};

/// Lanes read in one statement.
const PAGE: i64 = 1_000;

#[derive(Debug, Default)]
pub(crate) struct Lanes {
    queues: Cache<String, i32>,
    places: Cache<Place, i64>,
}

/// What makes a lane: jobs of one place are served in the order in which they are due.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub queue: i32,
    pub tenant: Uuid,
    pub priority: i16,
    pub kind: Cow<'static, str>,
    pub version: i16,
    pub limit_key: String,
}

/// A lane as a dispatcher sees it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lane {
    pub id: i64,
    pub tenant: Uuid,
    pub priority: i16,
    pub kind: Arc<str>,
    pub version: i16,
    /// The tenant's share beside others; 1 unless an operator said otherwise.
    pub weight: f32,
    /// Suspects wait here.
    pub isolated: bool,
}

#[derive(Debug)]
struct Cache<K, V>(RwLock<HashMap<K, V>>);

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Eq + Hash, V: Copy> Cache<K, V> {
    fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).copied()
    }

    fn put(&self, key: K, value: V) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key, value);
    }
}

impl Engine {
    /// The number of a queue, made if it is new.
    pub(crate) async fn queue_id(&self, name: &str) -> sqlx::Result<i32> {
        if let Some(id) = self.lanes().queues.get(name) {
            return Ok(id);
        }
        let id = loop {
            let made_or_found = sqlx::query_scalar!(
                r#"with made as (
                 insert into engine.queues (name) values ($1)
                 on conflict on constraint queues_name_key do nothing returning id)
               select id as "id!" from made union all select id from engine.queues where name = $1 limit 1"#,
                name
            );
            // Where another transaction made it while the statement waited, the statement's own
            // snapshot does not show it yet; the next one does.
            if let Some(id) = made_or_found.fetch_optional(self.system()).await? {
                break id;
            }
        };
        self.lanes().queues.put(name.to_owned(), id);
        Ok(id)
    }

    /// The number of the lane that a job waits in, with its queue's; made if it is new.
    pub(crate) async fn lane_of(&self, job: &NewJob) -> sqlx::Result<(i32, i64)> {
        let queue = self.queue_id(&job.queue).await?;
        let place = Place {
            queue,
            tenant: job.tenant,
            priority: job.priority,
            kind: job.kind.clone(),
            version: job.version,
            limit_key: job.limit_key.clone(),
        };
        if let Some(id) = self.lanes().places.get(&place) {
            return Ok((queue, id));
        }
        let id = sqlx::query_scalar!(
            r#"select engine.make_lane($1, $2, $3, $4, $5, $6) as "id!""#,
            queue,
            place.tenant,
            place.priority,
            &*place.kind,
            place.version,
            place.limit_key
        )
        .fetch_one(self.system())
        .await?;
        self.lanes().places.put(place, id);
        Ok((queue, id))
    }

    /// The operators' revision of a queue and its newest lane.
    pub(crate) async fn queue_state(&self, queue: i32) -> sqlx::Result<(i64, i64)> {
        let row = sqlx::query!(
            r#"select q.revision, coalesce((select max(l.id) from engine.lanes l where l.queue_id = q.id), 0) as "newest!"
                 from engine.queues q where q.id = $1"#,
            queue
        )
        .fetch_one(self.system())
        .await?;
        Ok((row.revision, row.newest))
    }

    /// All lanes of a queue after a given number, in order.
    pub(crate) async fn lanes_after(&self, queue: i32, mut after: i64) -> sqlx::Result<Vec<Lane>> {
        let mut lanes = Vec::new();
        loop {
            let page = sqlx::query_as!(
                Lane,
                "select id, tenant_id as tenant, priority, kind, version, weight, isolated
                   from engine.lanes where queue_id = $1 and id > $2 order by id limit $3",
                queue,
                after,
                PAGE
            )
            .fetch_all(self.system())
            .await?;
            let Some(last) = page.last() else { return Ok(lanes) };
            after = last.id;
            lanes.extend(page);
        }
    }
}
