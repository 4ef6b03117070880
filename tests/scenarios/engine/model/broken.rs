//! Ways to get the protocol wrong. The checker must find each of them out.

/// One departure from the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// A result is written to the job by its id, whoever holds it.
    CompletionWithoutFence,
    /// A result whose claim was lost is recorded all the same.
    LostResultRecorded,
    /// A handler that finds its claim lost commits its effect all the same.
    EffectWithoutEnding,
    /// The last attempt may be tried again.
    LastAttemptRetried,
    /// The number of the attempt serves as the fence, although a rescue takes the attempt back.
    FenceFromAttempt,
    /// A rescue takes the job from its node, but leaves the claim in the row.
    RescueKeepsClaim,
    /// A rescue blames all that the dead node held and isolates nobody.
    BlameForAll,
    /// A claim takes a suspect that was blamed although the node runs one already.
    SuspectBesideSuspect,
    /// A retry or a snooze puts the job back even if it was cancelled while it ran.
    RetryIgnoresCancel,
    /// A node that leaves strikes itself off although it holds jobs.
    LeavesWithJobs,
    /// Silence from before the database started counts.
    SilenceAcrossRestart,
    /// A rescue puts a job back although it was cancelled while it ran.
    RescueForgetsCancel,
    /// What ran beside a recorded suspect moves up no step when their process dies.
    CompanyLetOff,
    /// A process that was struck off goes on with the handlers whose claims it has lost.
    StruckOffGoesOn,
    /// A node that was cut off itself holds the others' silence of that time against them.
    OwnGapForgotten,
    /// A process disowns nothing after the answer of a claim was lost.
    LostAnswerNotDisowned,
    /// A suspect that is handed back unrun is one no longer.
    ReleasedClearsSuspicion,
    /// A suspect runs beside others however often it was blamed, and the third blame quarantines.
    BlameBesideOthersQuarantines,
    /// A process claims again as soon as a suspect that ran alone has ended or its claim has failed, before
    /// the database knows.
    QuietEndsTooEarly,
    /// A claim on a connection that broke is carried out, even after the node has disowned.
    OldConnectionsStayValid,
    /// The new row of a node that was struck off does not know which of its connections are void.
    NewRowForgetsConnections,
    /// The answer of a claim from before the node was struck off is heard after it, and what it brings runs.
    AnswerAfterStrikeOffRuns,
    /// A node one of whose jobs is locked loses the others and keeps its row.
    RescuedInPart,
    /// A ticker puts in what it found due when it looked, and does not look again under the lock.
    TickTrustsItsLook,
    /// A schedule is moved on in one transaction, and what was due is put in by the next.
    TickInTwoTransactions,
    /// What waited for a step is put in by another transaction than the one that ended the step.
    ReleaseApart,
    /// A result whose claim was lost counts the step off all the same.
    LostResultReleases,
    /// A run that stops leaves waiting what has not begun.
    StopForgetsWhatWaits,
}
