//! The audit log of a month, followed from hash to hash as it is written: what somebody has changed does not go to a file.

use sqlx::PgConnection;

use super::{
    bridge,
    file::Packing,
    line::AuditLine,
    manifest::{Run, Runs},
    month::Month,
    store,
    write::{Content, PAGE, Refusal, Writing, widen},
};
use crate::{
    audit::{
        chain::{self, Row},
        store::{sealed, signed_heads},
    },
    error::{Error, Result},
    tenancy::SystemTx,
};

/// Rows that one head was signed for, at the most: a batch of the sealer's.
const BATCH: i64 = 4_000;

impl Writing<'_> {
    /// Writes the month; none if it was asked to stop.
    pub(super) async fn audit(&self, packing: &mut Packing) -> Result<Option<Result<Content, Refusal>>> {
        let month = Month::of(self.row.month);
        let (mut after, mut span, mut runs) = (0, None, Runs::default());
        loop {
            if (self.stop)() {
                return Ok(None);
            }
            let mut tx = SystemTx::begin(&self.platform.engine).await?;
            let page = store::month_rows(tx.conn(), self.tenant, month, after, PAGE).await?;
            let Some(until) = page.last().map(|(seq, ..)| *seq) else { break };
            let lines = match self.follow(tx.conn(), &mut runs, page, (after, until)).await? {
                Ok(lines) => lines,
                Err(why) => return Ok(Some(Err(why))),
            };
            tx.commit().await?;
            after = until;
            for line in &lines {
                widen(&mut span, line.at);
                packing.line(line).await?;
            }
        }
        let runs = runs.done();
        let Some((at, last)) = span.zip(runs.last()) else {
            return Ok(Some(Err("nothing is left of the month".into())));
        };
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        if let Err(why) = self.anchored(tx.conn(), last).await? {
            return Ok(Some(Err(why)));
        }
        Ok(Some(Ok(Content { runs, at, ended: None })))
    }

    /// Checks rows and the heads that were signed among them, and makes lines of them.
    async fn follow(
        &self,
        conn: &mut PgConnection,
        runs: &mut Runs,
        page: Vec<(i64, Vec<u8>, Row)>,
        (after, until): (i64, i64),
    ) -> Result<Result<Vec<AuditLine>, Refusal>> {
        let mut lines = Vec::with_capacity(page.len());
        for (seq, hash, row) in page {
            let before = match runs.before(seq) {
                Some(before) => before,
                None => match self.before(conn, seq).await? {
                    Ok(before) => before,
                    Err(why) => return Ok(Err(why)),
                },
            };
            let link = chain::link(&before, seq, &row);
            if hash != link {
                return Ok(Err(format!("row {seq}, or the order of those before it, was changed")));
            }
            runs.take(seq, before, link);
            lines.push(AuditLine::of(seq, link, row).map_err(Error::internal)?);
        }
        let heads = signed_heads(conn, self.tenant, (after, until), BATCH).await?;
        for head in heads {
            // Heads of rows that lie in other months are checked with those.
            let Ok(at) = lines.binary_search_by_key(&head.seq, |line| line.seq) else { continue };
            if !self.signer.is_head(self.tenant, &head) || head.hash != lines[at].hash {
                return Ok(Err(format!("the head that was signed at {} is another", head.seq)));
            }
        }
        Ok(Ok(lines))
    }

    /// The hash of the row before one whose month begins with it.
    async fn before(&self, conn: &mut PgConnection, seq: i64) -> Result<Result<[u8; 32], Refusal>> {
        let missing = || format!("the row before {seq} is missing");
        if let Some(hash) = store::hash_at(conn, self.tenant, seq - 1).await? {
            return Ok(hash.try_into().map_err(|_| missing()));
        }
        let bridges = bridge::of(conn, self.signer, self.tenant).await?;
        Ok(bridges
            .map_err(|found| found.what.to_owned())
            .and_then(|bridges| bridges.ending(seq - 1).ok_or_else(missing)))
    }

    /// Whether what was signed last follows from the last row of the file: a head at it or soon after it, or an archive
    /// that goes on from it.
    async fn anchored(&self, conn: &mut PgConnection, last: &Run) -> Result<Result<(), Refusal>> {
        let unsigned = || format!("no head was signed for the rows up to {}", last.last);
        let (mut seq, mut hash) = (last.last, last.after);
        let next = signed_heads(conn, self.tenant, (seq - 1, i64::MAX), 1).await?;
        let Some(head) = next.first().filter(|head| self.signer.is_head(self.tenant, head)) else {
            return Ok(Err(unsigned()));
        };
        for (at, _, row) in sealed(conn, self.tenant, seq, BATCH).await? {
            if at != seq + 1 || at > head.seq {
                break;
            }
            (seq, hash) = (at, chain::link(&hash, at, &row));
        }
        if seq == head.seq {
            return Ok(if head.hash == hash { Ok(()) } else { Err(unsigned()) });
        }
        let bridges = match bridge::of(conn, self.signer, self.tenant).await? {
            Ok(bridges) => bridges,
            Err(found) => return Ok(Err(found.what.to_owned())),
        };
        let goes_on = bridges.beginning(seq + 1).is_some_and(|run| run.before == hash);
        Ok(if goes_on { Ok(()) } else { Err(unsigned()) })
    }
}
