//! Headers and mappings, good and bad, and what rows say by them.

use std::slice;

use super::super::values::{AttributeType, defined};
use super::*;

type Pairs<'a> = &'a [(&'a str, &'a str)];

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

fn pairs(said: Pairs) -> Vec<(String, String)> {
    said.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect()
}

fn called_so(header: &[&str]) -> Columns {
    Columns::of(&texts(header), &Mapping::default()).expect("a good header")
}

fn made(columns: &Columns, row: &[&str], definitions: &[Definition]) -> Result<NewLead, Reason> {
    columns.lead(columns.read(&texts(row), definitions)?, definitions)
}

fn refused(header: &[&str], columns: Pairs, defaults: Pairs) -> Vec<String> {
    let mapping = Mapping { columns: pairs(columns), defaults: pairs(defaults) };
    let done = Columns::of(&texts(header), &mapping).and_then(|columns| columns.check_defaults(&[]));
    match done.expect_err("it is refused") {
        Error::Invalid(wrong) => wrong.into_iter().map(|wrong| wrong.pointer).collect(),
        other => panic!("{other}"),
    }
}

#[test]
fn known_columns_are_read_and_the_rest_is_kept() {
    let columns = called_so(&["\u{feff}Name", "email", "age", "tags"]);
    let lead = made(&columns, &["Ada", "ada@example.com", "36", "a|b;c"], &[]).expect("a lead");
    assert_eq!(lead.attributes["age"], "36");
    assert_eq!((lead.tags.len(), lead.source), (3, Source::Import));
    for (row, field) in [
        (["Ada", "nobody", "36", ""], Some("email")),
        (["Ada", "", "36", ""], Some("phone")),
        (["Ada", "ada@example.com", "36", "a||b"], Some("tags")),
    ] {
        let reason = made(&columns, &row, &[]).err().expect("a reason");
        assert_eq!(reason.field.as_deref(), field, "{row:?}");
    }
    let short = made(&columns, &["Ada"], &[]).err().expect("a reason");
    assert_eq!(short.field, None);
}

#[test]
fn defined_columns_hold_what_was_said_of_them() {
    let mut age = defined("age", AttributeType::Number);
    let columns = called_so(&["email", "age", "job"]);
    let row = |age: &Definition, text: &str| {
        made(&columns, &["ada@example.com", text, " countess "], slice::from_ref(age))
    };
    let lead = row(&age, " 36 ").expect("a lead");
    assert_eq!(
        (&lead.attributes["age"], &lead.attributes["job"]),
        (&Value::from(36), &Value::from(" countess "))
    );
    let lead = row(&age, "").expect("a lead");
    assert!(!lead.attributes.contains_key("age"));
    age.required = true;
    for text in ["", "old"] {
        let reason = row(&age, text).err().expect("a reason");
        assert_eq!(reason.field.as_deref(), Some("attr.age"), "{text}");
    }
}

#[test]
fn a_header_without_reach_or_with_doubles_is_refused() {
    for header in [&["name", "age"][..], &["email", "Email"], &["email", ""], &["name#phone"]] {
        assert!(!refused(header, &[], &[]).is_empty(), "{header:?}");
    }
    let mut wide: Vec<String> = (1..MOST_COLUMNS).map(|number| format!("c{number}")).collect();
    wide.push("email".into());
    assert!(Columns::of(&wide, &Mapping::default()).is_ok());
    wide.push("one more".into());
    let Err(Error::Invalid(wrong)) = Columns::of(&wide, &Mapping::default()) else { panic!("too wide") };
    assert_eq!(wrong[0].pointer, "/header");
}

#[test]
fn a_mapping_reads_what_it_names_and_nothing_else() {
    let header = texts(&["\u{feff}Te\u{301}le\u{301}phone", "E-Mail", "Stufe", "Stufe", "", "name"]);
    let columns = [("phone", "TÉLÉPHONE"), ("email", " e-mail "), ("attr.mail", "E-Mail")];
    let mapping = Mapping {
        columns: pairs(&columns),
        defaults: pairs(&[("attr.plan", "gold"), ("source", "campaign")]),
    };
    let columns = Columns::of(&header, &mapping).expect("a good mapping");
    let row = ["+14155550100", "ada@example.com", "1", "2", "x", "Ada"];
    let lead = made(&columns, &row, &[]).expect("a lead");
    assert_eq!((lead.phone.is_some(), lead.email.is_some(), lead.name), (true, true, None));
    assert_eq!(lead.attributes.len(), 2, "{:?}", lead.attributes);
    assert_eq!((&lead.attributes["mail"], &lead.attributes["plan"]), (&row[1].into(), &"gold".into()));
    assert_eq!(lead.source, Source::Campaign);
    let change = columns.read(&texts(&row), &[]).expect("it is read").into_change();
    assert!(change.source.is_none() && change.name.is_none(), "a lead that is there gets no defaults");
    assert_eq!(change.attributes.map(|all| all.len()), Some(1));
}

#[test]
fn what_a_row_says_comes_before_a_default() {
    let mapping =
        Mapping { defaults: pairs(&[("region", "Bern"), ("attr.plan", "gold")]), ..Mapping::default() };
    let columns = Columns::of(&texts(&["email", "region", "plan"]), &mapping).expect("a good header");
    for (row, region, plan) in
        [(["a@example.com", "Rom", "tin"], "Rom", "tin"), (["a@example.com", " ", ""], "Bern", "gold")]
    {
        let lead = made(&columns, &row, &[]).expect("a lead");
        assert_eq!(lead.region.expect("a region").as_str(), region);
        assert_eq!(lead.attributes["plan"], plan);
    }
}

#[test]
fn what_is_wrong_with_a_mapping_is_told_with_its_place() {
    let header = ["Mail", "Tel", "tel", "Plan"];
    let reach = ("email", "Mail");
    let cases: [(Pairs, Pairs, &str); 13] = [
        (&[reach, ("e-mail", "Mail")], &[], "?map.e-mail"),
        (&[reach, ("name", "Who")], &[], "?map.name"),
        (&[reach, ("name", "")], &[], "?map.name"),
        (&[reach, ("email", "Plan")], &[], "?map.email"),
        (&[reach, ("phone", "Tel")], &[], "?map.phone"),
        (&[reach, ("attr.name", "Plan")], &[], "?map.attr.name"),
        (&[("name", "Mail")], &[], "?map"),
        (&[reach], &[("email", "a@example.com")], "?default.email"),
        (&[reach], &[("source", "tv")], "?default.source"),
        (&[reach], &[("source", " ")], "?default.source"),
        (&[reach], &[("nothing", "x")], "?default.nothing"),
        (&[reach], &[("region", "x"), ("region", "y")], "?default.region"),
        (&[reach], &[("value_cents", "-1")], "?default.value_cents"),
    ];
    for (columns, defaults, wanted) in cases {
        assert_eq!(refused(&header, columns, defaults), [wanted], "{columns:?} {defaults:?}");
    }
    let plan = defined("plan", AttributeType::Choice);
    let mapping = Mapping { defaults: pairs(&[("attr.plan", "wood")]), ..Mapping::default() };
    let columns = Columns::of(&texts(&["email"]), &mapping).expect("a good header");
    assert!(columns.check_defaults(&[plan]).is_err());
}
