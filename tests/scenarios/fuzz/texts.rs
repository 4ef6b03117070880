//! What people write: templates, numbers, addresses.

use domain::{
    messages::{
        provider::Channel,
        recipient::Recipient,
        template::{self, Part, Room},
        wording::Wording,
    },
    types::{E164, EmailAddress, Locale, Text, Zone},
};
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof},
};
use serde_json::{Map, Value};

use super::{feed, text};

const TEMPLATES: [&str; 8] = [
    "Dear {{name}},\r\nyou owe {{debt.cents}} and {{{raw}}}.",
    "{{#each items}}{{this.name}}{{else}}none{{/each}}{{#if a}}{{a}}{{else if b}}{{b}}{{else}}c{{/if}}",
    "{{#with lead}}{{#unless gone}}{{@root.name}} {{../name}} {{a.[first name]}}{{/unless}}{{/with}}",
    "{{#each a}}{{#each @root.a}}{{@index}}{{this}}{{/each}}{{/each}}",
    "{{! a comment }}{{!-- {{another}} --}}\\{{name}} {{~name~}}",
    "{{#if {\"a\":{\"a\":[1,(b c)]}}}}{{/if}}{{lookup a \"b\"}}{{> part}}{{#*inline \"a\"}}{{/inline}}",
    "{{{{raw}}}} {{x}} {{{{/raw}}}}{{^}}{{else}}{{/",
    "{{#if a}}{{#if a}}{{#if a}}{{#if a}}{{#if a}}{{#if a}}x",
];

/// Variables that templates may find and may not.
fn variables() -> impl Strategy<Value = Value> {
    let leaf = || {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            text(&["Ada\r\nBcc: x", "<b>", "{{name}}"]).prop_map(Value::from),
        ]
    };
    let list = vec(leaf(), 0..50).prop_map(Value::from);
    let names = ["name", "debt", "raw", "items", "a", "b", "lead", "this", "x"];
    vec(prop_oneof![2 => leaf(), 1 => list], names.len()).prop_map(move |values| {
        let fields = names.iter().map(|name| (*name).to_owned()).zip(values);
        Value::Object(fields.collect::<Map<_, _>>())
    })
}

#[test]
fn whatever_is_saved_as_a_template_renders_within_its_bounds_or_not_at_all() {
    feed(&(text(&TEMPLATES), variables()), |(source, variables)| {
        let parsed = template::parse(&source);
        let _ = Wording::parse(Some(&source), &source, Some(&source), None);
        let Ok(parsed) = parsed else { return };
        let mut room = Room::of_message();
        for part in [Part::Header, Part::Text, Part::Html] {
            let Ok(text) = template::render(&parsed, part, &variables, &mut room) else { continue };
            assert!(text.len() <= 256 * 1024, "{} bytes", text.len());
            assert!(part != Part::Header || !text.contains(char::is_control), "{text:?}");
        }
    });
}

#[test]
fn a_number_is_digits_or_is_refused() {
    let numbers = [
        "+1 415 555 0100",
        "+49 (0) 30 901820 ext. 5",
        "+39 06 698 12345",
        "+54 9 11 1234-5678",
        "+44-20-7946-0958;ext=1",
        "+.;phone-context=+1",
        "+;phone-context=",
        "+99)..;phone-context=\u{ff11}",
        "+\u{661}\u{662}\u{663}\u{664}\u{665}\u{666}\u{667}",
        "+1-800-FLOWERS",
        "+\u{ff0b}+81 3-1234-5678x9",
    ];
    feed(&text(&numbers), |number| {
        let _ = Recipient::parse(Channel::Sms, &number);
        let Ok(read) = number.parse::<E164>() else { return };
        let digits = read.as_str().strip_prefix('+').expect("a plus");
        assert!(!digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()), "{digits}");
    });
}

#[test]
fn an_address_is_one_line_with_a_domain_or_is_refused() {
    let addresses = [
        "Ada@Example.COM",
        "\"a b\"@example.com",
        "a@b.c, d@e.f",
        "Ada <ada@example.com>",
        "ada@[127.0.0.1]",
        "ada@example.com\r\nBcc: x@example.com",
        "\"@\"@b\u{fc}cher.example",
        "\u{130}@\u{130}.example",
    ];
    feed(&text(&addresses), |address| {
        let _ = Recipient::parse(Channel::Email, &address);
        let Ok(read) = address.parse::<EmailAddress>() else { return };
        assert!(!read.as_str().contains(char::is_control), "{:?}", read.as_str());
        let domain = read.as_str().rsplit_once('@').expect("an at").1;
        assert!(domain.contains('.') && !read.normal().is_empty(), "{domain}");
    });
}

#[test]
fn names_of_other_things_are_what_they_should_be_or_are_refused() {
    let names =
        ["Europe/Berlin", "../../etc/passwd", "de-AT", "#general", "C0123456789", "token:a_b-c", "Ada"];
    feed(&text(&names), |name| {
        let _ = (name.parse::<Zone>(), name.parse::<Locale>());
        let _ = (Recipient::parse(Channel::Slack, &name), Recipient::parse(Channel::Push, &name));
        let Ok(read) = name.parse::<Text<50>>() else { return };
        assert!(!read.as_str().contains(char::is_control) && read.as_str().chars().count() <= 50);
    });
}
