//! Why a campaign is paused, and what people are to do then. Pure.

/// In words, of the code that is kept; none of one that is unheard of. Of a campaign that `recurs` it is said as
/// well that none of its times begins a run meanwhile.
#[must_use]
pub fn pause_why(code: &str, recurs: bool) -> Option<String> {
    let why = match code {
        "by_hand" => "somebody has paused it; resume it",
        "breaker" => {
            "too many of its messages failed; look at what they failed by (`recipients`), put that right, \
             then resume it"
        }
        "budget" => {
            "its run has spent its budget; resume it with a higher one (`budget_cents`), or cancel it"
        }
        "no_provider" => "no account carries one of its channels any more; set one up, then resume it",
        "broke" => {
            "a run of it could not begin; put right what `broke` of its newest run names, then resume it"
        }
        "restored" => {
            "the database was restored, and it may have been sent since then; ask who has got it, then resume it or \
             cancel it"
        }
        _ => return None,
    };
    let meanwhile = if recurs { ". Until then no run of it begins, also at its times" } else { "" };
    Some(format!("{why}{meanwhile}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pause_says_what_to_do() {
        for code in ["by_hand", "breaker", "budget", "no_provider", "broke", "restored"] {
            let (once, again) = (pause_why(code, false), pause_why(code, true));
            let (once, again) = (once.expect("a reason"), again.expect("a reason"));
            assert!(once.contains("resume it"), "{once}");
            assert!(again.starts_with(&once) && again.contains("no run of it begins"), "{again}");
        }
        assert_eq!(pause_why("rain", true), None);
    }
}
