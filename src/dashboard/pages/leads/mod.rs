//! Leads: the list, the most promising first unless another order is asked for, and one of them with what is known of it.
//!
//! - [`list`] the page; `asked` what its address says
//! - [`one`] a lead; `course` its score, what was done with it, what was sent and said; `privacy` what the law asks for
//! - [`act`] what is done with it
//! - `names` of agents and teams

pub mod act;
mod asked;
mod course;
pub mod list;
pub(super) mod names;
pub mod one;
mod privacy;

/// The state in whose shape a lead's status is drawn.
fn like(status: &str) -> &'static str {
    match status {
        "new" => "new",
        "contacted" | "qualified" | "proposal" => "running",
        "converted" => "completed",
        _ => "ended",
    }
}

/// Hundredths of the tenant's currency.
fn money(cents: i64) -> String {
    format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100)
}

#[cfg(test)]
mod tests {
    use domain::leads::lead::Status;

    use super::*;

    #[test]
    fn each_status_has_a_shape_and_money_its_hundredths() {
        let shapes: Vec<&str> = Status::ALL.iter().map(|status| like(status.as_str())).collect();
        assert_eq!(shapes, ["new", "running", "running", "running", "completed", "ended"]);
        for (cents, wanted) in [(0, "0.00"), (990, "9.90"), (123_456, "1234.56"), (-5, "-0.05")] {
            assert_eq!(money(cents), wanted);
        }
    }
}
