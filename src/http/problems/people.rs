//! Leads, agents, users, and what is known of people.

use super::{ProblemKind, kinds};

pub(super) const KINDS: &[ProblemKind] = kinds! {
    // Leads and calls.
    "duplicate-lead" 409 "Another lead has this address or number already; `detail` names it."
        => "Change that one, or make the two one by a merge.";
    "lead-busy" 409 "A call with the lead, or a message to it, is just changing."
        => "Do it again in a moment.";
    "too-much-to-merge" 409 "Together the two leads have more than one may have." => "Remove some of it first, then merge.";
    "too-many-attributes" 409 "As many attributes of leads are defined as may be." => "Delete one that is not used.";
    "names-not-searched" 409 "Your tenant's leads are not found by their names."
        => "Search by address or number, or have an admin set `search_names` by PATCH /api/v1/tenant.";
    "import-over" 409 "The import was given up as lost before its file was over."
        => "The rows that its report names are there; send the rest again.";
    "call-state" 409 "The call is not at a point where this can be done." => "See its status, and do what `detail` says first.";
    "call-disposed" 409 "What the call came to was said already." => "Notes can still be changed.";
    "no-team" 409 "Nothing says whose agents take this call." => "Name a team, or set the tenant's default team.";

    // Agents and routing.
    "agent-not-free" 409 "The agent is not available, or has as many open leads or calls as they may."
        => "Choose another agent.";
    "agent-has-leads" 409 "The agent has open leads." => "Route them to others first, or send `?requeue=true`.";
    "agent-in-call" 409 "A call rings at the agent or is theirs." => "End it or ring somebody else, then do it again.";
    "agent-in-use" 409 "A routing rule names this agent." => "Change that rule first.";
    "agent-moved" 409 "The agent was moved to another team at this moment." => "Ask again.";
    "user-is-agent" 409 "This user is another agent." => "Take that link away first.";
    "team-in-use" 409 "Agents, open leads or calls, routing rules, another team, a phone system or the tenant's settings need this team."
        => "Do what `detail` says first.";
    "teams-changed" 409 "Teams were changed at this moment." => "Ask again.";
    "skill-in-use" 409 "A routing rule asks for this skill." => "Change that rule first.";
    "too-many-rules" 409 "A tenant has no more routing rules than this." => "Delete one that is not used.";

    // Users, roles and tenants.
    "email-taken" 409 "A user with this address exists." => "Change that user, or choose another address.";
    "kept-out" 409 "This user is kept out." => "Let them in first.";
    "last-admin" 409 "This is the last admin of the tenant." => "Make another admin first.";
    "too-many-users" 409 "Your tenant has as many users as it may." => "Keep somebody out first, or ask the operators for more.";
    "role-in-use" 409 "Somebody has this role." => "Give them another one first.";
    "built-in-role" 409 "This role is one of the four that every tenant has." => "Make a role of your own.";
    "too-many-roles" 409 "A tenant has no more roles than this." => "Delete one that nobody has.";
    "slug-taken" 409 "A tenant with this slug exists." => "Choose another slug.";

    // What the law asks.
    "person-erased" 409 "The person this is about was erased, and nothing more is kept of them."
        => "Nothing is left to do; if they came back of their own will, make a new lead, and record what they agree to: what keeps messages from them goes by that.";
    "erasure-open" 409 "It is asked already that this person be erased."
        => "See the open request; carry it out or withdraw it if it stands in the way of something else.";
    "erasure-begun" 409 "The erasure is being carried out, or was." => "It cannot be taken back.";
    "erasure-running" 409 "The person is being erased at this moment." => "See the open requests for erasure.";
    "erasure-identified" 409 "It is known already who asks, or the request was withdrawn." => "See the request as it is now.";
    "erasure-not-done" 409 "There is a certificate once the person is erased." => "Wait until the erasure is done.";
    "lead-restricted" 409 "What is done with this person's data is restricted (GDPR, article 18)."
        => "Lift the restriction first, if its reason is gone.";
    "restriction-lifted" 409 "The restriction was lifted already." => "Nothing is left to do.";
    "legal-hold" 409 "A legal hold keeps what is known of this person." => "See the holds, and release them first if you may.";
    "hold-released" 409 "The hold was released already." => "Nothing is left to do.";
    "request-status" 409 "The request of the person is not at a point where this can be done." => "See its status first.";
    "subject-unreadable" 409 "Nothing of this person can be read: they were erased, or never had anything."
        => "Answer them so.";
    "extended-before" 409 "The law knows one extension (GDPR, article 12(3))." => "Answer the request.";
    "overdue" 409 "The month of the request is over, within which the person had to be told of more time."
        => "Answer it now.";
    "export-running" 409 "A file is being made for this request." => "Wait for it.";
    "no-file" 409 "There is no file, not yet or not any more."
        => "Wait for its operation if it is being written; else have another one made.";
    "no-failover" 409 "The database is no later timeline of the cluster that was at work last, so no standby took over."
        => "After a restore run `switchboard recover` as the page on backups says.";

    // Keys.
    "rotation-running" 409 "A rotation of keys goes on, or one of another kind was stopped before its end."
        => "Wait for its end, for a tenant has one at a time; if `detail` names one that was stopped, ask for that one, and it goes on.";
    "rotated-meanwhile" 409 "Another key was made at this moment." => "Do it again.";
};
