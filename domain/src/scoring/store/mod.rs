//! Tables of scoring: models, the scores on leads with their history, and the ranked list.

mod kept;
mod models;
mod ranked;
mod scores;

pub(in crate::scoring) use kept::*;
pub(in crate::scoring) use models::*;
pub(in crate::scoring) use ranked::*;
pub(in crate::scoring) use scores::*;
