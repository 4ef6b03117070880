//! The parts that pages are made of. In a template: `{{ ui::state(job.state) }}`, with `use crate::dashboard::ui;` in the
//! page's file. Each escapes what it is given.
//!
//! - `mark` a state as shape and word; `moment` times and durations; `number` figures that lead to their list
//! - `id` the end of an id; `pretty` a value of many parts
//! - `pager` the next page; `rail` filters beside a list; `nothing` lists without rows; `confirm` what is `typed` before something is destroyed
//! - `again` a part that is read again
//! - `tile` a figure with its name; `chart` a chart over time, `plot` one over steps that have names, each with a table for
//!   whoever sees none
//! - `form` what every form carries; `tabs` links of which one is chosen: pages that belong together, or a value

mod again;
mod chart;
mod confirm;
mod form;
mod id;
mod mark;
mod moment;
mod nothing;
mod number;
mod pager;
mod plot;
mod pretty;
mod rail;
mod tabs;
mod tile;
mod typed;

pub use again::again;
pub use chart::{Chart, Series, chart};
pub use confirm::{Confirm, confirm};
pub use form::{hidden, once};
pub use id::short;
pub use mark::{mark, shape, state};
pub use moment::{duration, lasting, maybe_time, time, took};
pub use nothing::nothing;
pub use number::{compact, count, number, plain};
pub use pager::{onward, pager};
pub use plot::{Plot, plot};
pub use pretty::pretty;
pub use rail::{Facet, FacetValue, rail};
pub use tabs::{Tab, choose, tabs};
pub use tile::{Tile, tile};
pub use typed::typed;
