//! `operators`: who runs this installation, each by a key of their own.

use chrono::TimeDelta;
use clap::Subcommand;
use domain::{
    access::{
        gate::Gate,
        operators::{self, Operator},
    },
    ctx::OperatorCtx,
    types::{OperatorId, Text},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Failure,
    exit::Exit,
    output::{Columns, Form},
    with_platform,
};
use crate::config::Config;

const COLUMNS: Columns = &[
    ("ID", "/id"),
    ("NAME", "/name"),
    ("MADE", "/created_at"),
    ("GOOD UNTIL", "/expires_at"),
    ("REVOKED", "/revoked_at"),
];

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make an operator. The key is printed this once; it goes into `Authorization: Bearer …`.
    Create {
        /// Whose key it is: tenants read the name in their audit logs.
        name: String,
        /// Days that the key is good.
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=365))]
        days: u16,
    },
    /// Each operator, and how long the key is good.
    List,
    /// Refuse an operator's key from now on.
    Revoke {
        /// As `switchboard operators list` shows it.
        id: Uuid,
    },
}

pub(super) async fn run(config: &Config, form: Form, command: Command) -> Result<(), Failure> {
    with_platform(config, async |platform| act(&OperatorCtx::of_machine(platform), form, command).await).await
}

async fn act(by: &OperatorCtx, form: Form, command: Command) -> Result<(), Failure> {
    match command {
        Command::Create { name, days } => {
            let gate = Gate::open(&by.platform).await?;
            let expires_at = by.platform.clock.now() + TimeDelta::days(days.into());
            let name: Text<100> = name.parse().map_err(|why: String| Exit::Usage.because(why))?;
            let (operator, key) = operators::create(by, &gate, &name, expires_at).await?;
            let until = operator.expires_at.to_rfc3339();
            let words = format!("{} {}, good until {until}\n{key}", operator.id, operator.name);
            let mut made = shown(&operator);
            made["key"] = key.into();
            form.done(&words, &made)
        }
        Command::List => {
            let all: Vec<Value> = operators::list(by).await?.iter().map(shown).collect();
            let mut list = form.list(COLUMNS, None);
            list.page(&all)?;
            list.end()
        }
        Command::Revoke { id } => {
            operators::revoke(by, OperatorId(id)).await?;
            form.done(&format!("the key of operator {id} is refused from now on"), &json!({ "id": id }))
        }
    }
}

fn shown(operator: &Operator) -> Value {
    json!({
        "id": operator.id, "name": operator.name, "created_at": operator.created_at,
        "expires_at": operator.expires_at, "revoked_at": operator.revoked_at,
    })
}
