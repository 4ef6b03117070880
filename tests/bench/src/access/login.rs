//! Whether the time of a refused login tells if there is such a user.

use std::{
    cmp::Ordering,
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};

use domain::{Error, access::gate::Gate};

use super::{
    house::{Ahead, EMAIL, House, SLUG},
    percentile,
};
use crate::{Outcome, table::Figures};

const EACH: usize = 200;
/// Tries of each that only warm connections and plans up.
const WARM_UP: usize = 10;
const UNKNOWN: &str = "nobody@house.example.com";
/// An account gets another try after so many seconds.
const ACCOUNT_S: i64 = 10;

/// How long refusals take at the median, and the probability that one of a known user takes longer than one of an
/// unknown user: Mann and Whitney's U as a part of all pairs.
pub async fn times() -> Outcome<Figures> {
    let house = House::open().await?;
    let (gate, clock) = (house.gate.clone(), house.clock.clone());
    let (mut known, mut unknown) = tokio::spawn(async move { refusals(&gate, &clock).await }).await??;
    house.close().await?;
    Ok(vec![
        ("login_known_ms", percentile(&mut known, 50) * 1e3),
        ("login_unknown_ms", percentile(&mut unknown, 50) * 1e3),
        ("login_known_slower", slower(&known, &unknown)),
    ])
}

/// How long the refusals of the known one and of the unknown one took, tried in an order that is left to chance.
async fn refusals(gate: &Gate, clock: &Ahead) -> Outcome<(Vec<Duration>, Vec<Duration>)> {
    let mut tries = [EMAIL, UNKNOWN].repeat(WARM_UP + EACH);
    fastrand::shuffle(&mut tries[2 * WARM_UP..]);
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for (email, address) in tries.into_iter().zip(1_u32..) {
        // Each from an address of its own and after the account's next try, so that none is put off.
        clock.advance(ACCOUNT_S);
        let took = refused(gate, email, Ipv4Addr::from_bits(0x0a00_0000 + address).into()).await?;
        let times = if email == EMAIL { &mut known } else { &mut unknown };
        times.push(took);
    }
    Ok((known.split_off(WARM_UP), unknown.split_off(WARM_UP)))
}

async fn refused(gate: &Gate, email: &str, address: IpAddr) -> Outcome<Duration> {
    let began = Instant::now();
    let answer = gate.login((SLUG, email, "wrong horse battery"), None, address, "bench", None).await;
    let took = began.elapsed();
    match answer {
        Err(Error::Unauthenticated(_)) => Ok(took),
        Err(error) => Err(error.into()),
        Ok(_) => Err("a wrong password was let in".into()),
    }
}

/// The part of all pairs in which the known one is slower; a draw counts half.
fn slower(known: &[Duration], unknown: &[Duration]) -> f64 {
    let pairs = known.iter().flat_map(|one| unknown.iter().map(move |other| one.cmp(other)));
    let (mut sum, mut count) = (0.0, 0.0);
    for order in pairs {
        count += 1.0;
        sum += match order {
            Ordering::Greater => 1.0,
            Ordering::Equal => 0.5,
            Ordering::Less => 0.0,
        };
    }
    sum / count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_of_pairs_says_which_is_slower() {
        let ms = |times: &[u64]| times.iter().copied().map(Duration::from_millis).collect::<Vec<_>>();
        for (known, unknown, part) in [
            (ms(&[3, 4]), ms(&[1, 2]), 1.0),
            (ms(&[1, 2]), ms(&[3, 4]), 0.0),
            (ms(&[1, 2]), ms(&[1, 2]), 0.5),
            (ms(&[1, 5]), ms(&[2, 3]), 0.5),
            (ms(&[2, 5]), ms(&[1, 3]), 0.75),
        ] {
            assert!((slower(&known, &unknown) - part).abs() < 1e-9, "{known:?} {unknown:?}");
        }
    }
}
