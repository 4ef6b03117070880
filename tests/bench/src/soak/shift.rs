//! What everybody who works has at hand: the house with its process, the tenants, and where it is written down what was done.

use reqwest::{RequestBuilder, header::HeaderMap};
use serde_json::Value;
use tokio::time::Instant;

use super::{plan::Turn, record::Record, tenant::Tenant};
use crate::{
    Outcome,
    access::house::{House, KEY, SLUG},
    live::door::Door,
};

const NEIGHBOUR: &str = "neighbour";

/// The house, at work.
pub struct Shift {
    pub house: House,
    pub door: Door,
    pub tenants: Vec<Tenant>,
    pub record: Record,
}

/// An answer as it was expected.
pub struct Answer {
    /// Null where there was no JSON.
    pub body: Value,
    pub headers: HeaderMap,
}

impl Shift {
    /// A fresh database, one process of the product with all roles, and tenants with all that they work with.
    pub async fn open() -> Outcome<Self> {
        let house = House::open().await?;
        let door = Door::open_whole(&house.database.owner, &house.database.files(), KEY).await?;
        let mut tenants = vec![Tenant::furnish(&door, SLUG, house.tenant).await?];
        let other = house.found(NEIGHBOUR).await?;
        tenants.push(Tenant::furnish(&door, NEIGHBOUR, other).await?);
        let shift = Self { house, door, tenants, record: Record::default() };
        shift.house.database.settle().await?;
        Ok(shift)
    }

    /// Whose turn it is, and how many turns they have had before.
    pub fn whose(&self, turn: Turn) -> (&Tenant, usize) {
        let number = turn.number as usize;
        (&self.tenants[number % self.tenants.len()], number / self.tenants.len())
    }

    /// Sends what was due. None, and a note of it, if it is answered with another status or not at all.
    pub async fn ask(
        &self,
        (kind, due): (&'static str, Instant),
        request: RequestBuilder,
        expected: u16,
    ) -> Option<Answer> {
        match answered(request).await {
            Ok((status, answer)) if status == expected => {
                self.record.took(kind, due);
                Some(answer)
            }
            Ok((status, answer)) => {
                self.record.failed(kind, format!("{status}, not {expected}: {}", answer.body));
                None
            }
            Err(error) => {
                self.record.failed(kind, error.to_string());
                None
            }
        }
    }

    /// What an answer must hold; a note of it where it does not.
    pub fn must<T>(&self, kind: &'static str, found: Option<T>, otherwise: &str) -> Option<T> {
        if found.is_none() {
            self.record.failed(kind, otherwise.to_owned());
        }
        found
    }

    /// Ends the process and removes what it worked on.
    pub async fn close(self) -> Outcome<()> {
        self.door.kill().await?;
        drop(self.tenants);
        self.house.close().await
    }
}

async fn answered(request: RequestBuilder) -> reqwest::Result<(u16, Answer)> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
    Ok((status, Answer { body, headers }))
}
