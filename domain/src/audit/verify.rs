//! Whether a tenant's chain holds: its rows and signed heads are gone through from the beginning, page by page. Across what
//! lies in the archive it is followed by what was signed of it, or by all that is there if so wished.

use std::{path::PathBuf, time::Duration};

use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;
use tokio::sync::Semaphore;

use super::{
    Entry,
    chain::{self, ORIGIN, Row},
    outside::SignedHead,
    record,
    seal::Sealer,
    store,
};
use crate::{
    Ctx,
    access::permission::Permission,
    archive::{
        bridge::{self, Bridge},
        check, shown,
    },
    error::{Error, Result},
    tenancy::{SystemTx, store::as_of_one_moment},
    types::TenantId,
};

/// Rows read at a time; there are no more heads than rows among them.
const PAGE: i64 = 1_000;
/// When it is worth trying again while another chain is gone through.
const BUSY: Duration = Duration::from_secs(5);

const OTHER_HEAD: &str = "the head that was signed here is another";
const OTHER_KEPT: &str = "the head that is kept outside the database is another";

/// Where a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Break {
    /// The place in the chain; 0 of a file of another log.
    pub seq: i64,
    pub what: &'static str,
}

/// What verifying a tenant's chain came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The place up to which it holds.
    pub rows: i64,
    /// How many of those lie in the archive only.
    pub archived: i64,
    /// Rows of all logs that were read in files of the archive; none if they were not.
    pub read_in_files: Option<i64>,
    /// Written and not sealed yet.
    pub unsealed: i64,
    /// The newest head that was signed.
    pub head: Option<i64>,
    /// The newest head in the file outside the database.
    pub kept: Option<i64>,
    /// The first break: what comes after it proves nothing.
    pub broken: Option<Break>,
}

/// The same as the tenant's own people see it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Verified {
    pub whole: bool,
    /// Entries that hold, from the first one on.
    pub rows: i64,
    /// How many of those lie in the archive only. Their chain is followed by what was signed when they were put there.
    pub archived: i64,
    /// Rows of all logs that were read in files of the archive, if they were to be.
    pub read_in_files: Option<i64>,
    /// Written and not sealed yet.
    pub unsealed: i64,
    /// The newest place that was signed.
    pub head_seq: Option<i64>,
    /// The newest place that is also kept outside the database, where this process can read it: without one an end that
    /// was cut off back to an older signed place is not seen.
    pub kept_seq: Option<i64>,
    /// The first break, if there is one: what comes after it proves nothing.
    pub breaks: Vec<Break>,
}

/// Goes through chains for whoever asks over the API. One at a time, for it is heavy.
pub struct Verifier {
    heads: PathBuf,
    place: Semaphore,
}

impl Verifier {
    /// With the file that keeps the newest heads outside the database.
    #[must_use]
    pub fn new(heads: PathBuf) -> Self {
        Self { heads, place: Semaphore::new(1) }
    }

    /// Goes through the chain of the caller's tenant, and through its files in the archive if so wished. What came of it is
    /// written down.
    ///
    /// # Errors
    /// If the permission is missing, another chain is gone through at this moment, or the database does not answer.
    pub async fn verify(&self, ctx: &Ctx, files: bool) -> Result<Verified> {
        ctx.require(Permission::AuditVerify)?;
        let detail = "an audit log is being verified by this process, one at a time; wait, then try again";
        let _place = self.place.try_acquire().map_err(|_| Error::TooMany { wait: BUSY, detail })?;
        // The file is another process's to write, so it is read anew each time.
        let sealer = Sealer::open(&ctx.platform, &self.heads).await?;
        let verdict = if files {
            sealer.verify_with_files(ctx.tenant).await?
        } else {
            sealer.verify(ctx.tenant).await?
        };
        let broken_at = verdict.broken.as_ref().map(|found| found.seq);
        let detail = json!({
            "whole": broken_at.is_none(), "rows": verdict.rows, "broken_at": broken_at, "archive": files,
        });
        let entry = Entry::new("verify", "audit_log", "").detail(detail);
        if broken_at.is_some() {
            metrics::counter!("switchboard_audit_breaks_total").increment(1);
        }
        record(ctx, if broken_at.is_none() { entry } else { entry.critical() }).await?;
        Ok(verdict.into())
    }
}

impl From<Verdict> for Verified {
    fn from(verdict: Verdict) -> Self {
        Self {
            whole: verdict.broken.is_none(),
            rows: verdict.rows,
            archived: verdict.archived,
            read_in_files: verdict.read_in_files,
            unsealed: verdict.unsealed,
            head_seq: verdict.head,
            kept_seq: verdict.kept,
            breaks: verdict.broken.into_iter().collect(),
        }
    }
}

impl Sealer {
    /// Goes through a tenant's chain from its beginning.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn verify(&self, tenant: TenantId) -> Result<Verdict> {
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        // The sealer goes on meanwhile: heads and rows are read as of one moment.
        as_of_one_moment(tx.conn()).await?;
        self.verify_on(tx.conn(), tenant).await
    }

    /// The same, after all files of the archive have been read: from the first row on, those of attempts too.
    ///
    /// # Errors
    /// If the database or storage does not answer.
    pub async fn verify_with_files(&self, tenant: TenantId) -> Result<Verdict> {
        match check::all(&self.platform, &self.signer, tenant).await? {
            Err(found) => Ok(Verdict { broken: Some(found), ..Verdict::default() }),
            Ok(rows) => Ok(Verdict { read_in_files: Some(rows), ..self.verify(tenant).await? }),
        }
    }

    /// The same as a connection sees it.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn verify_on(&self, conn: &mut PgConnection, tenant: TenantId) -> Result<Verdict> {
        // Before the first look: a head that is kept later may be of rows that are not seen.
        let kept = self.outside.newest(tenant.0);
        let head = store::newest_head(conn, tenant).await?.map(|head| head.seq);
        let unsealed = store::count_unsealed(conn, tenant).await?;
        let bridge = match bridge::of(conn, &self.signer, tenant).await? {
            Ok(bridge) => bridge,
            Err(found) => {
                let kept = kept.map(|head| head.seq);
                return Ok(Verdict { unsealed, head, kept, broken: Some(found), ..Verdict::default() });
            }
        };
        let mut walk =
            Walk { sealer: self, tenant, kept: kept.as_ref(), bridge, rows: 0, archived: 0, before: ORIGIN };
        let broken = match walk.go_through(conn).await? {
            Ok(()) => walk.end(conn, head.unwrap_or(0)).await?,
            Err(found) => Some(found),
        };
        let (rows, archived) = (walk.rows, walk.archived);
        let broken = match broken {
            None => shown::check(conn, &self.signer, tenant).await?.err(),
            broken => broken,
        };
        let kept = kept.map(|head| head.seq);
        Ok(Verdict { rows, archived, read_in_files: None, unsealed, head, kept, broken })
    }

    fn signed(&self, tenant: TenantId, head: &SignedHead) -> Result<(), Break> {
        must(
            self.signer.is_head(tenant, head),
            head.seq,
            "the signature of this head is not the installation's",
        )
    }
}

/// How far a chain was gone through, all of which holds.
struct Walk<'a> {
    sealer: &'a Sealer,
    tenant: TenantId,
    kept: Option<&'a SignedHead>,
    bridge: Bridge,
    /// The place that was reached.
    rows: i64,
    /// How many of the rows up to there lie in the archive only.
    archived: i64,
    /// The hash of the last row.
    before: [u8; 32],
}

impl Walk<'_> {
    async fn go_through(&mut self, conn: &mut PgConnection) -> Result<Result<(), Break>> {
        if let Some(found) = self.kept.and_then(|head| self.sealer.signed(self.tenant, head).err()) {
            return Ok(Err(found));
        }
        // No row comes before the first one, but somebody may have put heads there.
        if let Some(head) = store::signed_heads(conn, self.tenant, (i64::MIN, 0), 1).await?.first() {
            return Ok(Err(Break { seq: head.seq, what: OTHER_HEAD }));
        }
        loop {
            let mut page = store::sealed(conn, self.tenant, self.rows, PAGE).await?;
            let next = page.first().map(|(seq, ..)| *seq);
            if next != Some(self.rows + 1) && self.bridge.beginning(self.rows + 1).is_some() {
                if let Err(found) = self.cross(conn).await? {
                    return Ok(Err(found));
                }
                continue;
            }
            // Behind a gap it may go on in the archive.
            let first = self.rows + 1;
            let together =
                page.iter().zip(first..).take_while(|((seq, ..), expected)| seq <= expected).count();
            page.truncate(together.max(1));
            let Some(until) = page.last().map(|(seq, ..)| *seq) else { return Ok(Ok(())) };
            let heads = store::signed_heads(conn, self.tenant, (self.rows, until), PAGE).await?;
            if let Err(found) = self.page(page, heads) {
                return Ok(Err(found));
            }
        }
    }

    /// Takes the rows that come next and lie in the archive only, as their manifest says where they lead.
    async fn cross(&mut self, conn: &mut PgConnection) -> Result<Result<(), Break>> {
        let Some(run) = self.bridge.beginning(self.rows + 1).cloned() else { return Ok(Ok(())) };
        let heads = store::signed_heads(conn, self.tenant, (run.last - 1, run.last), 1).await?;
        let crossed = || {
            must(
                run.before == self.before,
                run.first,
                "the archive of these rows follows from others than those before it",
            )?;
            let same = self.kept.is_none_or(|head| head.seq != run.last || head.hash == run.after);
            must(same, run.last, OTHER_KEPT)?;
            for head in &heads {
                self.sealer.signed(self.tenant, head)?;
                must(head.hash == run.after, head.seq, OTHER_HEAD)?;
            }
            Ok(())
        };
        if let Err(found) = crossed() {
            return Ok(Err(found));
        }
        self.archived += run.last - self.rows;
        (self.rows, self.before) = (run.last, run.after);
        Ok(Ok(()))
    }

    /// Takes the rows that come next, and the heads up to the last of them.
    fn page(&mut self, page: Vec<(i64, Vec<u8>, Row)>, heads: Vec<SignedHead>) -> Result<(), Break> {
        let mut heads = heads.into_iter().peekable();
        for (seq, hash, row) in page {
            let expected = self.rows + 1;
            must(seq == expected, expected, "a row is missing here, or stands here twice")?;
            let link = chain::link(&self.before, seq, &row);
            must(hash == link, seq, "this row, or the order of those before it, was changed")?;
            let same = self.kept.is_none_or(|head| head.seq != seq || head.hash == link);
            must(same, seq, OTHER_KEPT)?;
            let same = self.bridge.ending(seq).is_none_or(|hash| hash == link);
            must(same, seq, "the archive says otherwise about this row")?;
            if let Some(head) = heads.next_if(|head| head.seq <= seq) {
                self.sealer.signed(self.tenant, &head)?;
                let same = head.seq == seq && head.hash == link;
                must(same, head.seq, OTHER_HEAD)?;
            }
            (self.rows, self.before) = (seq, link);
        }
        Ok(())
    }

    /// Whether the chain ends where it was signed last.
    async fn end(&self, conn: &mut PgConnection, newest: i64) -> Result<Option<Break>> {
        let rows = self.rows;
        let broken = |seq, what| Ok(Some(Break { seq, what }));
        if self.kept.is_some_and(|head| head.seq > rows) {
            broken(rows + 1, "the end was cut off: a later head is kept outside the database")
        } else if rows < newest {
            broken(rows + 1, "the end was cut off: a later head was signed")
        } else if rows > newest {
            broken(newest + 1, "rows were added here that no head was signed for")
        } else if store::count_sealed(conn, self.tenant).await? != rows - self.archived {
            broken(1, "there are more rows than places in the chain")
        } else {
            Ok(None)
        }
    }
}

fn must(holds: bool, seq: i64, what: &'static str) -> Result<(), Break> {
    if holds { Ok(()) } else { Err(Break { seq, what }) }
}
