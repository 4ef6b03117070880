//! A dispatcher that has nothing to ask for: it waits for hints, times and polls, and for endings that give back slots
//! for which its lanes wait.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::{
    claim::Claimed,
    desk::{Handed, Said},
    dispatcher::{Dispatcher, Turn},
    memory::Memory,
    refusals::has_done_nothing,
};

impl Dispatcher {
    /// Waits until there may be something to ask for. Where endings are handed over meanwhile, it ends and claims in one
    /// statement.
    pub(super) async fn rest(&self, memory: &mut Memory) -> sqlx::Result<()> {
        let _open = self.desk.open(memory.waiting_for_slots());
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = memory.rest(self.queue) => {}
            () = self.desk.handed() => {}
        }
        match self.desk.close() {
            Some(handed) => self.take_over(memory, handed).await,
            None => Ok(()),
        }
    }

    /// What cannot be done at once goes back untouched, so that no ending waits for a place or for the end of a drain.
    async fn take_over(&self, memory: &mut Memory, handed: Handed) -> sqlx::Result<()> {
        memory.end_here(&handed.lanes());
        match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(one) if !self.stop.is_cancelled() => {
                let room = self.and_more(one);
                self.ask(memory, room, Some(handed)).await
            }
            _ => Ok(()),
        }
    }

    /// Asks the lanes whose turn it is, behind the endings that were handed over.
    pub(super) async fn ask(
        &self,
        memory: &mut Memory,
        room: OwnedSemaphorePermit,
        handed: Option<Handed>,
    ) -> sqlx::Result<()> {
        let Ok(_among_others) = self.member.quiet.try_read() else {
            drop((room, handed));
            return self.wait_for_quiet_to_end().await;
        };
        let asks = memory.rotation.next(room.num_permits());
        let marks = asks.iter().map(|ask| memory.positions.of(ask.lane)).collect();
        self.claim(memory, room, asks, marks, Turn::Charged, handed).await.map(drop)
    }

    /// Passes on what the database said of the endings before a claim.
    pub(super) fn pass_on(&self, handed: Handed, answer: Option<&sqlx::Result<Option<Claimed>>>) {
        handed.say(match answer {
            Some(Ok(Some(Claimed { ended: Some(ended), .. }))) => {
                self.engine.tell_finished(&ended.finished);
                Said::Written { lost: ended.finished.lost() }
            }
            Some(Ok(None)) => Said::Untouched,
            Some(Err(error)) if has_done_nothing(error) => Said::Untouched,
            _ => Said::InDoubt,
        });
    }
}
