use proptest::prelude::*;

use super::*;
use crate::messages::rules::{Status as MessageStatus, told as message_told};

use CampaignStatus::{AwaitingApproval, Cancelled, Draft, Failed, Finished, Paused, Running, Scheduled};

const COMMANDS: [Command; 8] = [
    Command::Edit,
    Command::Submit,
    Command::Approve,
    Command::Reject,
    Command::Start,
    Command::Pause,
    Command::Resume,
    Command::Cancel,
];

/// Where commands lead from each status; what is not named is refused.
fn table(standing: Standing) -> Vec<String> {
    let row = |from: CampaignStatus| {
        let leads = COMMANDS.into_iter().filter_map(|command| {
            let to = from.on(command, standing).ok()?;
            Some(format!("{command:?} {}", to.as_str()))
        });
        format!("{}: {}", from.as_str(), leads.collect::<Vec<_>>().join(", "))
    };
    CampaignStatus::ALL.into_iter().map(row).collect()
}

#[test]
fn where_commands_lead_a_campaign_that_needs_nobodys_approval() {
    assert_eq!(
        table(Standing::default()),
        [
            "draft: Edit draft, Submit scheduled, Start running, Cancel cancelled",
            "awaiting_approval: Edit draft, Approve scheduled, Reject draft, Cancel cancelled",
            "scheduled: Edit draft, Start running, Pause paused, Cancel cancelled",
            "running: Pause paused, Cancel cancelled",
            "paused: Edit draft, Resume scheduled, Cancel cancelled",
            "finished: ",
            "cancelled: ",
            "failed: ",
        ]
    );
}

#[test]
fn where_commands_lead_a_campaign_that_needs_approval_and_one_that_has_begun() {
    assert_eq!(
        table(Standing { needs_approval: true, run_open: true, comes_again: true }),
        [
            "draft: Edit draft, Submit awaiting_approval, Cancel cancelled",
            "awaiting_approval: Edit draft, Approve scheduled, Reject draft, Cancel cancelled",
            "scheduled: Edit draft, Start running, Pause paused, Cancel cancelled",
            "running: Pause paused, Cancel cancelled",
            "paused: Resume running, Cancel cancelled",
            "finished: ",
            "cancelled: ",
            "failed: ",
        ]
    );
}

#[test]
fn every_refusal_says_why() {
    for from in CampaignStatus::ALL {
        for command in COMMANDS {
            for (needs_approval, run_open) in [(false, false), (false, true), (true, false), (true, true)] {
                let standing = Standing { needs_approval, run_open, comes_again: false };
                if let Err(refused) = from.on(command, standing) {
                    assert_ne!(refused.0, "the campaign cannot do so now", "{from:?} {command:?}");
                    assert!(refused.0.starts_with("the campaign "), "{refused}");
                }
            }
        }
    }
    let refused = Finished.on(Command::Start, Standing::default()).expect_err("refused");
    assert_eq!(refused.to_string(), "the campaign is finished; make a new one");
}

#[test]
fn what_needs_approval_never_runs_without() {
    let standing = Standing { needs_approval: true, ..Standing::default() };
    let mut reached = vec![Draft];
    for _ in COMMANDS {
        let steps = reached.iter().flat_map(|at| COMMANDS.map(|command| (*at, command)));
        let unasked = steps.filter(|(_, command)| *command != Command::Approve);
        let more: Vec<_> = unasked.filter_map(|(at, command)| at.on(command, standing).ok()).collect();
        reached.extend(more);
        reached.sort_unstable_by_key(|at| at.as_str());
        reached.dedup();
    }
    assert_eq!(reached, [AwaitingApproval, Cancelled, Draft]);
}

#[test]
fn what_happens_by_itself_moves_a_campaign_only_from_where_it_belongs() {
    use Happening::{Broke, Due, RunOver, Tripped};
    let [once, again] = [false, true].map(|comes_again| Standing { comes_again, ..Standing::default() });
    for (from, happening, at_last, comes_again) in [
        (Scheduled, Due, Some(Running), Some(Running)),
        (Running, RunOver, Some(Finished), Some(Scheduled)),
        (Paused, RunOver, Some(Finished), None),
        (Running, Tripped, Some(Paused), Some(Paused)),
        (Scheduled, Broke, Some(Failed), Some(Paused)),
        // Somebody was first, or it has begun.
        (Running, Broke, None, None),
        (Paused, Broke, None, None),
        (Paused, Due, None, None),
        (Draft, Due, None, None),
        (Cancelled, Due, None, None),
        (Running, Due, None, None),
        (Paused, Tripped, None, None),
        (Scheduled, RunOver, None, None),
        (Cancelled, RunOver, None, None),
        (Cancelled, Broke, None, None),
        (Finished, Tripped, None, None),
    ] {
        assert_eq!(from.after(happening, once), at_last, "{from:?} {happening:?}");
        assert_eq!(from.after(happening, again), comes_again, "{from:?} {happening:?}, and it comes again");
    }
}

#[test]
fn where_each_event_leads_a_run() {
    use RunEvent::{Cancel, Drained, Pause, Planned, Resume};
    use RunStatus as Run;
    let events = [Planned, Pause, Resume { planned: false }, Resume { planned: true }, Cancel, Drained];
    let (stops, ends) = (Some(Run::Stopping), Some(Run::Finished));
    let table = [
        (Run::Planning, [Some(Run::Running), Some(Run::Paused), None, None, stops, None]),
        (Run::Running, [None, Some(Run::Paused), None, None, stops, ends]),
        (Run::Paused, [None, None, Some(Run::Planning), Some(Run::Running), stops, ends]),
        (Run::Stopping, [None, None, None, None, None, Some(Run::Cancelled)]),
        (Run::Finished, [None; 6]),
        (Run::Cancelled, [None; 6]),
        (Run::Failed, [None; 6]),
    ];
    assert_eq!(table.map(|(from, _)| from), Run::ALL, "every status has its row");
    for (from, wanted) in table {
        for (event, wanted) in events.into_iter().zip(wanted) {
            assert_eq!(from.after(event), wanted, "{from:?} {event:?}");
        }
        assert!(!from.is_over() || !from.sends(), "{from:?}");
    }
}

#[test]
fn words_are_read_as_they_are_written() {
    for status in CampaignStatus::ALL {
        assert_eq!(CampaignStatus::named(status.as_str()), Some(status));
    }
    for status in RunStatus::ALL {
        assert_eq!(RunStatus::named(status.as_str()), Some(status));
    }
    for status in RecipientStatus::ALL {
        assert_eq!(RecipientStatus::named(status.as_str()), Some(status));
    }
    assert_eq!(RecipientStatus::named("pending"), None);
}

#[test]
fn a_recipient_that_waits_is_open_and_no_other() {
    let open: Vec<_> = RecipientStatus::ALL.into_iter().filter(|status| status.is_open()).collect();
    assert_eq!(open, [RecipientStatus::Planned, RecipientStatus::Queued, RecipientStatus::Sending]);
    for message in MessageStatus::ALL {
        assert_eq!(RecipientStatus::of_message(message).is_open(), !message.is_settled(), "{message:?}");
    }
}

#[test]
fn a_recipient_moves_as_its_message_does() {
    for at in MessageStatus::ALL {
        for tells in MessageStatus::ALL {
            if let Some(to) = message_told(at, tells) {
                let moved = RecipientStatus::of_message(at).told(RecipientStatus::of_message(tells));
                assert_eq!(moved, Some(RecipientStatus::of_message(to)), "{at:?} {tells:?}");
            }
        }
    }
}

#[test]
fn nobody_who_may_have_been_reached_is_taken_up_again() {
    use RecipientStatus as Recipient;
    for reached in [Recipient::Delivered, Recipient::Read] {
        for to in [Recipient::Planned, Recipient::Queued, Recipient::Sending, Recipient::Cancelled] {
            assert!(!reached.may_become(to), "{reached:?} {to:?}");
        }
    }
    assert!(!Recipient::Unknown.may_become(Recipient::Planned), "another channel might say it twice");
    for run in RunStatus::ALL {
        let falls = Recipient::ALL.into_iter().filter(|at| at.may_fall_back(run)).collect::<Vec<_>>();
        let wanted = if matches!(run, RunStatus::Planning | RunStatus::Running | RunStatus::Paused) {
            vec![Recipient::Suppressed, Recipient::Failed, Recipient::Bounced]
        } else {
            Vec::new()
        };
        assert_eq!(falls, wanted, "{run:?}");
    }
    for at in Recipient::ALL {
        for to in Recipient::ALL {
            // The steps back, each with its reason.
            let back = matches!(to, Recipient::Planned | Recipient::Queued);
            assert!(!at.may_become(to) || to > at || back, "{at:?} {to:?}");
        }
    }
}

fn statuses() -> impl Strategy<Value = RecipientStatus> {
    (0..RecipientStatus::ALL.len()).prop_map(|at| RecipientStatus::ALL[at])
}

proptest! {
    #[test]
    fn in_whatever_order_and_however_often_news_comes_the_same_comes_out(
        news in proptest::collection::vec(statuses(), 1..8),
        turned in any::<prop::sample::Index>(),
    ) {
        let all = |news: &[RecipientStatus]| {
            news.iter().fold(RecipientStatus::Planned, |at, tells| at.told(*tells).unwrap_or(at))
        };
        let mut other = news.clone();
        other.rotate_left(turned.index(news.len()));
        other.extend(news.iter().rev());
        prop_assert_eq!(all(&news), all(&other));
    }
}
