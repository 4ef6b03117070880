//! The second factor: a code of six digits from an authenticator (TOTP, RFC 6238, with SHA-1 and 30 seconds, as all
//! of them know it), or one of ten recovery codes, each good once.

use std::net::IpAddr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use chrono::{DateTime, Utc};
use serde::Serialize;
use totp_rs::{Algorithm, TOTP};
use zeroize::Zeroizing;

use super::{
    gate::Gate,
    links::{person, prove},
    permission::Permission,
    rights::held_now,
    roles::tell,
    store,
    users::reach,
};
use crate::{
    Ctx,
    audit::Entry,
    ctx::Actor,
    error::{Error, Result},
    tenancy::TenantTx,
    types::{SubjectId, TenantId, UserId},
    vault::{
        Place, Vault,
        cipher::{hex, sha256},
    },
};

const DIGITS: usize = 6;
const STEP_S: u64 = 30;
/// Steps that a clock may be off, either way (RFC 6238, section 5.2).
const SKEW: u64 = 1;
/// Bytes of a secret, as RFC 4226, section 4, recommends.
const SECRET: usize = 20;
const RECOVERY_CODES: usize = 10;
const WRONG: &str = "this code is wrong, expired or was used; wait for the next one";

/// A secret for an authenticator; it counts once a code of it was shown.
#[derive(Serialize, utoipa::ToSchema)]
pub struct NewSecondFactor {
    /// In base32, to type in.
    pub secret: String,
    /// The same as a QR code holds it.
    pub otpauth_url: String,
}

/// What to keep on paper.
#[derive(Serialize, utoipa::ToSchema)]
pub struct RecoveryCodes {
    /// Each is good once in place of a code, and shown nowhere again.
    pub codes: Vec<String>,
}

/// Since when logins of a user ask for a second factor; none if they do not. Everyone may ask it of themselves.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn since(ctx: &Ctx, user: UserId) -> Result<Option<DateTime<Utc>>> {
    if ctx.actor != Actor::User(user) {
        ctx.require(Permission::UsersRead)?;
    }
    let mut tx = ctx.begin().await?;
    store::factor_since(tx.conn(), ctx.tenant, user).await
}

/// Whether the caller's tenant demands a second factor of everybody who logs in.
///
/// # Errors
/// If the caller is no user, or the database does not answer.
pub async fn is_demanded(ctx: &Ctx) -> Result<bool> {
    let user = user_of(ctx)?;
    let mut tx = ctx.begin().await?;
    Ok(store::standing(tx.conn(), ctx.tenant, user).await?.demanded)
}

/// Whether whoever acts may have the tenant demand a second factor: they have one themselves, or the maker of their key.
///
/// # Errors
/// A conflict if they have none.
pub(crate) async fn may_demand(ctx: &Ctx, tx: &mut TenantTx) -> Result<()> {
    let Some(user) = person(tx, ctx.actor).await? else { return Ok(()) };
    store::standing(tx.conn(), ctx.tenant, user).await?.lets_demand()
}

/// Makes a secret for the caller, in place of one that was not confirmed. They show their password, so that nobody who
/// has got hold of a token locks them out.
///
/// # Errors
/// If the password is wrong, one is confirmed already, or the caller is an API key.
pub async fn offer(ctx: &Ctx, gate: &Gate, password: &str, address: IpAddr) -> Result<NewSecondFactor> {
    let (user, _) = prove(ctx, gate, password, address, ("create", "second_factor")).await?;
    let mut tx = ctx.begin().await?;
    if store::lock_factor(tx.conn(), ctx.tenant, user).await?.is_some_and(|held| held.confirmed) {
        return Err(Error::conflict(
            "second-factor-set",
            "you have a second factor; remove it before you set another",
        ));
    }
    let totp = totp(ctx.platform.random::<SECRET>().to_vec())?;
    let secret = Zeroizing::new(totp.get_secret_base32());
    let subject = SubjectId(user.0);
    let keys = Vault::make_subjects(&mut tx, &[subject]).await?;
    let sealed = keys.seal(&ctx.platform, subject, &secret_place(ctx.tenant, user), &secret)?;
    store::put_factor(tx.conn(), ctx.tenant, user, &sealed).await?;
    tx.commit().await?;
    let otpauth_url = format!(
        "otpauth://totp/Switchboard:{user}?secret={}&issuer=Switchboard&digits={DIGITS}&period={STEP_S}",
        *secret
    );
    Ok(NewSecondFactor { secret: secret.to_string(), otpauth_url })
}

/// Confirms the caller's secret by a code of it: from now on a login asks for one, and all others of theirs end.
///
/// # Errors
/// If there is none to confirm, the code is wrong, or the caller's own login has ended meanwhile.
pub async fn confirm(ctx: &Ctx, gate: &Gate, code: &str, address: IpAddr) -> Result<RecoveryCodes> {
    const OVER: Error = Error::Unauthenticated("the session is over; log in again");
    let user = user_of(ctx)?;
    let tried = gate.try_login(&ctx.tenant.to_string(), &user.to_string(), address).await?;
    let mut tx = ctx.begin().await?;
    // The user first, as whoever begins a session does: beside this nobody comes in by a password alone.
    store::lock_password(tx.conn(), ctx.tenant, user).await?.ok_or(OVER)?;
    store::user_grants(tx.conn(), ctx.tenant, user, ctx.session).await?.ok_or(OVER)?;
    let held = store::lock_factor(tx.conn(), ctx.tenant, user).await?.filter(|held| !held.confirmed);
    let Some(held) = held else {
        // Nothing was guessed at.
        drop(tx);
        gate.has_done(tried).await;
        return Err(Error::conflict("nothing-to-confirm", "ask for a secret first"));
    };
    let Some(step) = step_of(&mut tx, user, &held, code, ctx.now().timestamp()).await? else {
        return wrong(tx, "create", user).await;
    };
    let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| hex(&ctx.platform.random::<8>())).collect();
    let hashes: Vec<Vec<u8>> = codes.iter().map(|code| sha256(code.as_bytes()).to_vec()).collect();
    store::confirm_factor(tx.conn(), ctx.tenant, user, step, &hashes).await?;
    // No other login has shown the factor, or will.
    store::end_sessions(tx.conn(), ctx.tenant, user, None, ctx.session, "revoked", ctx.now()).await?;
    // A login that could do nothing else can do everything now.
    tell(&mut tx, [Actor::User(user)].into_iter()).await?;
    tx.audit(&[Entry::new("create", "second_factor", user).notice()]).await?;
    tx.commit().await?;
    gate.has_done(tried).await;
    Ok(RecoveryCodes { codes })
}

/// Writes down what somebody tried with a wrong code, and refuses it.
async fn wrong<T>(mut tx: TenantTx, action: &'static str, user: UserId) -> Result<T> {
    tx.audit(&[Entry::new(action, "second_factor", user).denied()]).await?;
    tx.commit().await?;
    Err(Error::invalid("/code", WRONG))
}

/// Removes the caller's own second factor by a code of it; all other logins of theirs end. Where their tenant demands one,
/// all they can do then is set another up: so an authenticator is exchanged, also by an only admin. Until they have, their
/// password alone lets in whoever sets one up.
///
/// # Errors
/// If there is none, or the code is wrong.
pub async fn remove_own(ctx: &Ctx, gate: &Gate, code: &str, address: IpAddr) -> Result<()> {
    let user = user_of(ctx)?;
    let tried = gate.try_login(&ctx.tenant.to_string(), &user.to_string(), address).await?;
    let mut tx = ctx.begin().await?;
    match shown(&mut tx, user, Some(code), ctx.now().timestamp()).await? {
        Shown::NoneIsSet => {
            drop(tx);
            gate.has_done(tried).await;
            return Err(Error::NotFound("second factor"));
        }
        Shown::Right => {}
        Shown::Wrong | Shown::Missing => return wrong(tx, "delete", user).await,
    }
    store::end_sessions(tx.conn(), ctx.tenant, user, None, ctx.session, "revoked", ctx.now()).await?;
    remove_on(&mut tx, user).await?;
    tx.commit().await?;
    gate.has_done(tried).await;
    Ok(())
}

/// Removes the second factor of a user who has lost theirs.
///
/// # Errors
/// If there is no such user or factor, or the user holds more than the caller.
pub async fn remove(ctx: &Ctx, user: UserId) -> Result<()> {
    ctx.require(Permission::SecondFactorsRemove)?;
    let mut tx = ctx.begin().await?;
    let now = held_now(ctx, &mut tx, Permission::SecondFactorsRemove).await?;
    if person(&mut tx, ctx.actor).await? == Some(user) {
        return Err(Error::conflict("own-factor", "remove your own second factor by a code of it"));
    }
    reach(&now, &mut tx, user).await?;
    remove_on(&mut tx, user).await?;
    tx.commit().await
}

pub(super) async fn remove_on(tx: &mut TenantTx, user: UserId) -> Result<()> {
    let tenant = tx.tenant;
    if !store::drop_factor(tx.conn(), tenant, user).await? {
        return Err(Error::NotFound("second factor"));
    }
    // Where one is demanded, their logins are for setting another up from now on, and their sockets are closed.
    tell(tx, [Actor::User(user)].into_iter()).await?;
    tx.audit(&[Entry::new("delete", "second_factor", user).notice()]).await
}

/// What was shown of a second factor.
#[derive(PartialEq, Eq)]
pub(super) enum Shown {
    NoneIsSet,
    Missing,
    Wrong,
    Right,
}

impl Gate {
    /// Checks what was shown at a login, and uses it up.
    pub(super) async fn second_factor(&self, ctx: &Ctx, user: UserId, code: Option<&str>) -> Result<Shown> {
        let mut tx = ctx.begin().await?;
        let shown = shown(&mut tx, user, code, self.platform.clock.now().timestamp()).await?;
        tx.commit().await?;
        Ok(shown)
    }
}

async fn shown(tx: &mut TenantTx, user: UserId, code: Option<&str>, now: i64) -> Result<Shown> {
    let tenant = tx.tenant;
    let held = store::lock_factor(tx.conn(), tenant, user).await?.filter(|held| held.confirmed);
    let (Some(held), Some(code)) = (&held, code) else {
        return Ok(if held.is_some() { Shown::Missing } else { Shown::NoneIsSet });
    };
    let right = match step_of(tx, user, held, code, now).await? {
        Some(step) => store::use_step(tx.conn(), tenant, user, step).await.map(|()| true)?,
        None => {
            store::use_recovery(tx.conn(), tenant, user, &sha256(code.trim().to_lowercase().as_bytes()))
                .await?
        }
    };
    Ok(if right { Shown::Right } else { Shown::Wrong })
}

/// The step that a code belongs to, if it is near and none from it on was used.
async fn step_of(
    tx: &mut TenantTx,
    user: UserId,
    held: &store::HeldFactor,
    code: &str,
    now: i64,
) -> Result<Option<i64>> {
    let subject = SubjectId(user.0);
    let keys = Vault::subjects(tx, &[subject]).await?;
    let Some(secret) = keys.open(&secret_place(tx.tenant, user), &held.secret_sealed)? else {
        return Ok(None);
    };
    let secret = totp_rs::Secret::Encoded(String::from(secret.as_str())).to_bytes();
    let totp = totp(secret.map_err(|error| Error::internal(format!("{error:?}")))?)?;
    let step = u64::try_from(now).unwrap_or(0) / STEP_S;
    let near = step.saturating_sub(SKEW)..=step + SKEW;
    let fits = |step: &u64| {
        verify_slices_are_equal(totp.generate(step * STEP_S).as_bytes(), code.trim().as_bytes()).is_ok()
    };
    let found = near.into_iter().find(fits).and_then(|step| i64::try_from(step).ok());
    Ok(found.filter(|step| *step > held.last_step))
}

fn totp(secret: Vec<u8>) -> Result<TOTP> {
    TOTP::new(Algorithm::SHA1, DIGITS, 0, STEP_S, secret).map_err(|error| Error::internal(error.to_string()))
}

fn user_of(ctx: &Ctx) -> Result<UserId> {
    let Actor::User(user) = ctx.actor else {
        return Err(Error::conflict("users-only", "an API key has no second factor"));
    };
    Ok(user)
}

fn secret_place(tenant: TenantId, user: UserId) -> Place {
    Place { tenant, table: "second_factors", column: "secret_sealed", row: user.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, the last six digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let totp = totp(b"12345678901234567890".to_vec()).expect("a secret");
        for (time, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(totp.generate(time), code, "at {time}");
        }
    }
}
