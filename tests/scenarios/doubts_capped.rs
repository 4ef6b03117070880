//! Caps and messages that an attempt may have sent: they count for others, and are not held back by what they count.

use std::sync::Arc;

use domain::messages::{
    attempt::{self, Start},
    provider::{Answer, Route},
    rules::Status,
};
use serde_json::json;
use switchboard_tests::{
    Client,
    scripted::{Scripted, lost, turn},
};

use crate::{
    gates::{POLICY, to},
    rights::admitted,
    sending::{account, begin, end, go, idle, open, send, sms, stored},
};

async fn cap(client: &Client, most: u32, per: &str) {
    let cap =
        json!({"frequency_cap": {"most": most, "hours": 24, "purposes": ["transactional"], "per": per}});
    client.send(client.request(reqwest::Method::PUT, POLICY).json(&cap)).await.expect(200);
}

#[tokio::test]
async fn what_may_have_been_sent_counts_for_others_and_is_repeated_all_the_same() {
    let keyed = Arc::new(Scripted::new("keyed", Route::Keyed));
    let app = open(idle, &[&keyed]).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let provider = account(admin, "keyed", 1, "hold").await;
    let message = sms(admin, Some(&provider)).await;
    for (per, number) in [("channel", "+14155550100"), ("person", "+14155550101")] {
        cap(admin, 1, per).await;
        let doubtful = send(admin, &to(&message, number)).await;
        end(&ctx, go(begin(&ctx, &doubtful).await), lost()).await;
        assert_eq!(stored(admin, &doubtful).await["status"], "queued", "{per}");
        let held = send(admin, &to(&message, number)).await;
        assert!(matches!(begin(&ctx, &held).await, Start::Over(Some(Status::Suppressed))), "{per}");
        assert_eq!(stored(admin, &held).await["error_code"], "frequency_cap");

        // Where there is room for one more, it takes no more than its own.
        cap(admin, 2, per).await;
        let another = send(admin, &to(&message, number)).await;
        let turns = [turn(&doubtful), turn(&another)];
        let starts = attempt::begin(&ctx, &turns).await.expect("begun");
        let [Start::Go(again), Start::Go(one)] = <[Start; 2]>::try_from(starts).ok().expect("one for each")
        else {
            panic!("both may go, {per}")
        };
        end(&ctx, *again, lost()).await;
        end(&ctx, *one, Answer::Accepted { provider_message_id: None }).await;
        // Whatever others have had meanwhile.
        cap(admin, 1, per).await;
        end(&ctx, go(begin(&ctx, &doubtful).await), Answer::Accepted { provider_message_id: None }).await;
        assert_eq!(stored(admin, &doubtful).await["status"], "sent", "{per}");
    }
    app.process.stop().await;
}
