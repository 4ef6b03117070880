//! The statement that reads a table's rows of a person, made from what the manifest says of the table. Pure.
//!
//! Its parameters: 1 the tenant; 2 leads, 3 users, 4 agents, all as ids; 5 to 8 blind indexes made as `messages.to`,
//! `leads.phone`, `leads.email`, `calls.number`; 9 the key of the last row of the page before, as JSON; 10 how many rows.
//! All of its text is of the build: nothing that comes from outside is written into it.

use std::fmt::Write as _;

use crate::privacy::manifest::{self, Owner, Table, Way};

/// The names that blind indexes are made under, in the order of their parameters.
pub(in crate::privacy) const INDEXES: [&str; 4] =
    ["messages.to", "leads.phone", "leads.email", "calls.number"];

/// A page of a table: the first one, or one that goes on; of somebody who works for the tenant, or of anybody else.
pub(in crate::privacy) fn page(table: &Table, staff: bool, goes_on: bool) -> String {
    let plain = table.exported().filter(|(column, ..)| column.kind != manifest::Kind::Sealed);
    let facts = pairs(plain.map(|(column, ..)| column.name));
    let keys = pairs(table.key.iter().copied());
    let sealed: Vec<String> = sealed(table).map(|name| format!("t.{name}")).collect();
    let owner = match table.owner {
        None => "null::uuid".to_owned(),
        Some(Owner::Column(column)) => format!("t.{column}"),
        Some(Owner::Of { column, table: parent, owner }) => format!(
            "(select p.{owner} from {parent} p where p.tenant_id = t.tenant_id and p.{key} = t.{column})",
            key = first_key(parent)
        ),
    };
    let mut text = format!(
        "select jsonb_build_object({facts}) as facts, jsonb_build_object({keys}) as key, t.{row} as row, {owner} as subject, \
         array[{sealed}]::bytea[] as sealed from {name} t where t.tenant_id = $1 and ({whose})",
        row = table.row,
        sealed = sealed.join(", "),
        name = table.name,
        whose = whose(table, "t", staff),
    );
    if let Some((column, parent)) = table.within {
        let _ =
            write!(text, " and t.{column} = any(array(select w.id from {parent} w where w.tenant_id = $1))");
    }
    let order = |of: &str| table.key.iter().map(|key| format!("{of}.{key}")).collect::<Vec<_>>().join(", ");
    if goes_on {
        let _ = write!(
            text,
            " and ({}) > (select {} from jsonb_populate_record(null::{}, $9::jsonb) k)",
            order("t"),
            order("k"),
            table.name
        );
    }
    let _ = write!(text, " order by {} limit $10", order("t"));
    text
}

/// The sealed columns that are exported, in the order in which a page has them.
pub(in crate::privacy) fn sealed(table: &Table) -> impl Iterator<Item = &'static str> + use<> {
    table
        .exported()
        .filter(|(column, ..)| column.kind == manifest::Kind::Sealed)
        .map(|(column, ..)| column.name)
}

/// Whether a row is about the person. Whoever does not work for the tenant is not looked for as a user or an agent: a column of
/// those that has no index would have the whole table be gone through for nobody.
fn whose(table: &Table, of: &str, staff: bool) -> String {
    let counts = |way: &&Way| staff || !matches!(way, Way::User(_) | Way::Agent(_));
    let ways: Vec<String> = table.ways.iter().filter(counts).map(|way| leads(way, of, staff)).collect();
    if ways.is_empty() { "false".to_owned() } else { ways.join(" or ") }
}

fn leads(way: &Way, of: &str, staff: bool) -> String {
    match way {
        Way::Lead(column) | Way::Subject(column) => format!("{of}.{column} = any($2)"),
        Way::User(column) => format!("{of}.{column} = any($3)"),
        Way::Agent(column) => format!("{of}.{column} = any($4)"),
        Way::Address { column, index, unless } => {
            // An index that nobody is looked for by finds nothing.
            let Some(at) = INDEXES.iter().position(|name| name == index) else { return "false".to_owned() };
            let found = format!("{of}.{column} = any(${})", at + 5);
            match unless {
                None => found,
                Some(lead) => format!(
                    "({found} and ({of}.{lead} is null or {of}.{lead} = any($2) or {}))",
                    manifest::is_nobody(&format!("{of}.{lead}"))
                ),
            }
        }
        Way::Text { column, before } => format!(
            "{of}.{column} = any(array(select '{before}' || u::text from unnest($2::uuid[] || $3::uuid[] || $4::uuid[]) u))"
        ),
        Way::Of { column, table } => {
            let inner = format!("{of}p");
            let parent = manifest::table(table)
                .map_or_else(|| "false".to_owned(), |parent| whose(parent, &inner, staff));
            format!(
                "{of}.{column} in (select {inner}.{key} from {table} {inner} where {inner}.tenant_id = $1 and ({parent}))",
                key = first_key(table)
            )
        }
    }
}

fn first_key(table: &str) -> &'static str {
    manifest::table(table).and_then(|table| table.key.first().copied()).unwrap_or("id")
}

fn pairs(columns: impl Iterator<Item = &'static str>) -> String {
    columns.map(|column| format!("'{column}', t.{column}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_names_the_tenant_and_the_person_and_ends() {
        for table in manifest::tables().filter(|table| table.exported().next().is_some()) {
            for (goes_on, staff) in [(false, false), (false, true), (true, false), (true, true)] {
                let text = page(table, staff, goes_on);
                assert!(text.contains("t.tenant_id = $1 and (") && text.ends_with("limit $10"), "{text}");
                assert_eq!(text.contains("$9"), goes_on, "{text}");
                assert!(table.sealed().next().is_none() || !text.contains("null::uuid as subject"), "{text}");
            }
        }
    }

    #[test]
    fn a_number_that_several_share_leads_to_nobody_elses_rows() {
        let messages = manifest::table("messages").expect("messages");
        let shared = format!(
            "(t.to_index = any($5) and (t.lead_id is null or t.lead_id = any($2) or {}))",
            manifest::is_nobody("t.lead_id")
        );
        assert_eq!(whose(messages, "t", false), format!("t.lead_id = any($2) or {shared}"));
        let attempts = manifest::table("message_attempts").expect("attempts");
        assert!(
            whose(attempts, "t", false)
                .starts_with("t.message_id in (select tp.id from messages tp where tp.tenant_id = $1")
        );
    }

    #[test]
    fn only_who_works_for_the_tenant_is_looked_for_by_what_they_did() {
        let log = manifest::table("audit_log").expect("the audit log");
        assert!(page(log, true, false).contains("t.actor_id = any($3)"));
        let anybody = page(log, false, false);
        assert!(!anybody.contains("any($3)") && anybody.contains("t.resource_id = any("), "{anybody}");
    }
}
