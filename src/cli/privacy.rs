//! `privacy`: what people ask for about their data, and how far that is. It is begun and answered by whoever of the tenant may,
//! over the API or the dashboard.

use clap::Subcommand;
use domain::{
    Ctx, Error,
    privacy::{
        erasure::{self, ErasureFilter, State, certificate},
        requests::{self, RequestFilter, RequestStatus},
    },
    types::{ErasureId, LeadId, PrivacyRequestId},
};
use uuid::Uuid;

use super::{
    Failure,
    output::{Columns, Form, Most},
    tenant::Look,
    values::one_of,
    with_platform,
};
use crate::config::Config;

const REQUESTS: Columns = &[
    ("ID", "/id"),
    ("STATUS", "/status"),
    ("LEAD", "/lead_id"),
    ("RECEIVED", "/received_at"),
    ("DUE", "/due_at"),
    ("OVERDUE", "/overdue"),
    ("ENDED", "/ended_at"),
];
const ERASURES: Columns = &[
    ("ID", "/id"),
    ("STATE", "/state"),
    ("LEAD", "/lead_id"),
    ("CAUSE", "/cause"),
    ("ASKED", "/asked_at"),
    ("DUE", "/due_at"),
    ("NOT BEFORE", "/not_before"),
    ("ENDED", "/finished_at"),
];
const HISTORY: Columns = &[("AT", "/at"), ("BY", "/by"), ("WHAT", "/what")];
const EXPORTS: Columns = &[
    ("FILE", "/id"),
    ("STATE", "/state"),
    ("BYTES", "/size"),
    ("READY", "/ready_at"),
    ("KEPT UNTIL", "/expires_at"),
    ("FETCHED", "/downloads"),
];

#[derive(Subcommand)]
pub(super) enum Command {
    /// Requests to see what is held of somebody (GDPR Art. 15 and 20), newest first.
    Requests {
        #[command(flatten)]
        look: Look,
        #[arg(long, value_parser = one_of(&RequestStatus::ALL, RequestStatus::as_str))]
        status: Option<RequestStatus>,
        /// Of this lead.
        #[arg(long)]
        lead: Option<Uuid>,
        /// Only those that are not answered and whose time is over.
        #[arg(long)]
        overdue: bool,
        #[command(flatten)]
        most: Most,
    },
    /// Requests to be erased (GDPR Art. 17), newest first.
    Erasures {
        #[command(flatten)]
        look: Look,
        #[arg(long, value_parser = one_of(&State::ALL, State::as_str))]
        state: Option<State>,
        /// Of this lead.
        #[arg(long)]
        lead: Option<Uuid>,
        #[command(flatten)]
        most: Most,
    },
    /// A request of either kind: how far it is, what was done about it, and its files.
    Show {
        #[command(flatten)]
        look: Look,
        id: Uuid,
    },
    /// The signed certificate of an erasure that is done.
    Certificate {
        #[command(flatten)]
        look: Look,
        id: Uuid,
    },
}

pub(super) async fn run(config: &Config, form: Form, command: Command) -> Result<(), Failure> {
    with_platform(config, async |platform| match command {
        Command::Requests { look, status, lead, overdue, most } => {
            let ctx = look.enter(platform, "privacy requests").await?;
            let overdue = overdue.then_some(true);
            let filter = RequestFilter { id: None, status, lead: lead.map(LeadId), overdue };
            let mut list = form.list(REQUESTS, most.limit);
            list.read(
                async |before, wanted| Ok(requests::list(&ctx, &filter, before, wanted).await?),
                |request| request.id,
            )
            .await?;
            list.end()
        }
        Command::Erasures { look, state, lead, most } => {
            let ctx = look.enter(platform, "privacy erasures").await?;
            let filter = ErasureFilter { id: None, state, lead: lead.map(LeadId) };
            let mut list = form.list(ERASURES, most.limit);
            list.read(
                async |before, wanted| Ok(erasure::list(&ctx, &filter, before, wanted).await?),
                |erasure| erasure.id,
            )
            .await?;
            list.end()
        }
        Command::Show { look, id } => show(&look.enter(platform, "privacy show").await?, form, id).await,
        Command::Certificate { look, id } => {
            let ctx = look.enter(platform, "privacy certificate").await?;
            form.one(&certificate::get(&ctx, ErasureId(id)).await?)
        }
    })
    .await
}

async fn show(ctx: &Ctx, form: Form, id: Uuid) -> Result<(), Failure> {
    match requests::get(ctx, PrivacyRequestId(id)).await {
        Ok(request) => form.whole(&request, &[("history", HISTORY), ("exports", EXPORTS)]),
        Err(Error::NotFound(_)) => match erasure::get(ctx, ErasureId(id)).await {
            Err(Error::NotFound(_)) => Err(Error::NotFound("request").into()),
            erasure => form.one(&erasure?),
        },
        Err(error) => Err(error.into()),
    }
}
