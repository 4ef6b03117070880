//! What is read of a call that is held: one list for all who hold one, or look at it as if they did.

/// Calls, with what follows their columns in a statement about `calls c`, and its parameters.
macro_rules! held_calls {
    ($from:tt, $($parameter:expr),+ $(,)?) => {
        sqlx::query_as!(
            HeldCall,
            r#"select c.id as "id!: CallId", c.direction as "direction!: Direction", c.status as "status!: CallStatus",
                      c.lead_id as "lead_id?: LeadId", c.agent_id as "agent_id?: AgentId",
                      c.team_id as "team_id?: TeamId", c.subject_id as "subject_id!: SubjectId",
                      c.outcome as "outcome?: CallOutcome", c.satisfaction as "satisfaction?",
                      c.value_cents as "value_cents?", c.started_at as "started_at!", c.ringing_at as "ringing_at?",
                      c.answered_at as "answered_at?", c.talks_since as "talks_since?", c.ended_at as "ended_at?",
                      c.ring_until as "ring_until?", c.entered_at as "entered_at!", c.passed as "passed!",
                      c.overdue_at as "overdue_at?", c.version as "version!"
                 from calls c "#
                + $from,
            $($parameter),+
        )
    };
}
pub(super) use held_calls;
