//! Who asks, found out by a token: one that was just seen, one that was never seen while its user was, and one of a
//! user who was not seen either. The process follows changes of rights, as one that serves does, so that tokens whose
//! bearers have not changed are gone by.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use domain::{access::gate::Gate, ctx::Platform};
use tokio_util::sync::CancellationToken;

use super::{house::House, percentile};
use crate::{Outcome, table::Figures};

const SESSIONS: usize = 10;
/// Tokens of each session. A refresh takes a second of the clock, and they must be good at the same time.
const EACH: usize = 50;
const AGAIN: u32 = 100_000;
/// So long users have been admitted before it is measured: changes of rights were read several times by then.
const BUSY_FOR: Duration = Duration::from_secs(1);
const ASK_EVERY: Duration = Duration::from_millis(20);

/// Microseconds of each, at the median; of the one that was just seen the mean, what is read anew included.
pub async fn cost() -> Outcome<Figures> {
    let house = House::open().await?;
    let (tokens, platform) = (tokens(&house).await?, house.platform.clone());
    let (gate, stop) = (house.gate.clone(), CancellationToken::new());
    let following = tokio::spawn(gate.clone().heed_changes(stop.clone()));
    // On a thread of the runtime, where handlers run as well.
    let measured = tokio::spawn(async move {
        let began = Instant::now();
        while began.elapsed() < BUSY_FOR {
            admitted(&gate, &tokens[0][0]).await?;
            tokio::time::sleep(ASK_EVERY).await;
        }
        let cold = cold(&platform, &tokens).await?;
        let known_user = known_user(&platform, &tokens).await?;
        Outcome::Ok((cold, known_user, cached(&platform, &tokens[0][0]).await?))
    });
    let (mut cold, mut known_user, cached) = measured.await??;
    stop.cancel();
    following.await?;
    house.close().await?;
    Ok(vec![
        ("authenticate_cached_us", cached.as_secs_f64() * 1e6),
        ("authenticate_known_user_us", percentile(&mut known_user, 50) * 1e6),
        ("authenticate_cold_us", percentile(&mut cold, 50) * 1e6),
    ])
}

/// The tokens of each session, all of them different: a token says the second at which it was made.
async fn tokens(house: &House) -> Outcome<Vec<Vec<String>>> {
    let mut sessions = Vec::with_capacity(SESSIONS);
    for _ in 0..SESSIONS {
        sessions.push(house.login().await?);
    }
    let mut tokens = vec![Vec::new(); SESSIONS];
    for _ in 0..EACH {
        house.clock.advance(1);
        for (session, tokens) in sessions.iter_mut().zip(&mut tokens) {
            *session = house.gate.refresh(&session.refresh_token, None).await?;
            tokens.push(session.token.clone());
        }
    }
    Ok(tokens)
}

/// Each round at a gate that has seen nobody.
async fn cold(platform: &Platform, tokens: &[Vec<String>]) -> Outcome<Vec<Duration>> {
    let mut times = Vec::with_capacity(SESSIONS * EACH);
    for round in 0..EACH {
        let gate = Gate::open(platform).await?;
        for of_session in tokens {
            times.push(admitted(&gate, &of_session[round]).await?);
        }
    }
    Ok(times)
}

/// After another token of the same session.
async fn known_user(platform: &Platform, tokens: &[Vec<String>]) -> Outcome<Vec<Duration>> {
    let mut times = Vec::with_capacity(SESSIONS * EACH);
    let gate = Gate::open(platform).await?;
    for of_session in tokens {
        admitted(&gate, &of_session[0]).await?;
        for token in &of_session[1..] {
            times.push(admitted(&gate, token).await?);
        }
    }
    Ok(times)
}

async fn admitted(gate: &Gate, token: &str) -> Outcome<Duration> {
    let began = Instant::now();
    black_box(gate.admit(token, None).await?);
    Ok(began.elapsed())
}

async fn cached(platform: &Platform, token: &str) -> Outcome<Duration> {
    let gate = Gate::open(platform).await?;
    admitted(&gate, token).await?;
    let began = Instant::now();
    for _ in 0..AGAIN {
        black_box(gate.admit(token, None).await?);
    }
    Ok(began.elapsed() / AGAIN)
}
