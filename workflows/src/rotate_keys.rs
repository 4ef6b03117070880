//! Keys are replaced: made, put in use, values sealed anew under them, those before destroyed; or all keys wrapped by another
//! key-encryption key.
//!
//! The steps hold nothing: how far it has come stands in the rotation's row, so each of them may be cut off at any moment.

use domain::vault::rotation::{
    Phase, What,
    work::{RotateKeys, TurnKeys, business_key},
};
use engine::Flow;

/// The steps, in their order.
pub(super) fn steps(flow: &mut Flow, input: &RotateKeys) {
    let rotation = input.rotation;
    let about = business_key(rotation);
    let steps: &[(&str, Phase)] = match input.what {
        What::Kek => &[("rewrap", Phase::Rewrap)],
        What::Tenant | What::Subjects => &[
            ("make", Phase::Make),
            ("switch", Phase::Switch),
            ("reseal", Phase::Reseal),
            ("destroy", Phase::Destroy),
        ],
    };
    for &(name, phase) in steps {
        flow.step(name, &TurnKeys { rotation, phase }).with(|job| job.about(about.clone()));
    }
}
