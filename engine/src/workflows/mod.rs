//! Workflows: procedures of many steps, as rows.
//!
//! A *run* begins as a job whose kind is the workflow's name and whose payload is its input. That job's handler
//! answers [`Outcome::Begin`](crate::Outcome::Begin) with the steps of a [`Flow`], which are written in the
//! transaction that ends it: from then on the run goes by these rows, whatever the declaration says later. The
//! ending of a step's last job and the release of what waited for it are one transaction too. A step that waits
//! holds no worker.
//!
//! ```text
//!             begin               needs ended            its last job ended
//!   (declared) ----> waiting ---------------> started ---------------------> completed
//!                       |  \                                              \-> failed, cancelled: the run stops,
//!                       |   \  a wait                  its time, its signal         unless the step says go_on
//!                       |    `------------> sleeping ---------------------> completed
//!                       |  only_if does not hold
//!                       `-------------------------------------------------> skipped
//! ```

mod expand;
mod flow;
mod keep;
mod run;
mod store;

pub(crate) use expand::Steps;
pub use flow::{BadFlow, Ended, Flow, NewStep};
pub use run::{Restarted, Signalled, StepOf};
pub use store::{Filter, RunView, SignalView, StepView, Why, get, list, signals, steps, why};
