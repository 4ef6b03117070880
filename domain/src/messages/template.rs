//! Rendering: handlebars, strict, with its depth (`nesting`), its work (`work`) and its output (`output`) bounded.

mod nesting;
mod output;
mod work;

use std::sync::Arc;

use handlebars::{
    Handlebars,
    template::{HelperTemplate, Parameter, Template, TemplateElement},
};
use serde_json::Value;

pub use self::output::Room;
use self::{
    nesting::check_nesting,
    output::Bounded,
    work::{items, longest, steps},
};

const MAX_SOURCE: usize = 64 * 1024;
const MAX_BLOCKS: usize = 4;
const MAX_LOOPS: usize = 2;
/// Items of all lists in the variables together.
const MAX_ITEMS: usize = 1_000;
/// Texts, values and blocks that are gone through for one part, those in loops as often as the loop may turn. Each takes
/// about a microsecond, so a template that could run away has failed before it begins.
const MAX_STEPS: usize = 20_000;
const HELPERS: [&str; 4] = ["if", "unless", "each", "with"];
const NAME: &str = "part";

/// A parsed template of one part of a message. Copies share it.
#[derive(Debug, Clone)]
pub struct Parsed {
    plain: Arc<Handlebars<'static>>,
    html: Arc<Handlebars<'static>>,
    /// How much there is to go through outside of loops, in one, and in one within another.
    elements: [usize; MAX_LOOPS + 1],
}

impl Parsed {
    /// What it was parsed to.
    pub(super) fn tree(&self) -> Option<&Template> {
        self.plain.get_template(NAME)
    }
}

/// How the text will be used, which decides what is escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A header value: loses line breaks and control characters.
    Header,
    Text,
    /// Values are HTML-escaped.
    Html,
}

/// Parses a template.
///
/// # Errors
/// A sentence on what to change: a syntax error, a partial, a decorator, or loops too deep.
pub fn parse(source: &str) -> Result<Parsed, String> {
    if source.len() > MAX_SOURCE {
        return Err("at most 64 KiB".into());
    }
    check_nesting(source)?;
    let template = Template::compile(source).map_err(|error| match error.pos() {
        Some((line, column)) => format!("line {line}, column {column}: {}", error.reason()),
        None => error.reason().to_string(),
    })?;
    let mut elements = [0; MAX_LOOPS + 1];
    check(&template, 0, 0, &mut elements)?;
    let mut plain = Handlebars::new();
    plain.set_strict_mode(true);
    let mut html = plain.clone();
    plain.register_escape_fn(handlebars::no_escape);
    plain.register_template(NAME, template.clone());
    html.register_template(NAME, template);
    Ok(Parsed { plain: plain.into(), html: html.into(), elements })
}

fn check(
    template: &Template,
    blocks: usize,
    loops: usize,
    elements: &mut [usize; MAX_LOOPS + 1],
) -> Result<(), String> {
    if blocks > MAX_BLOCKS {
        return Err(format!("blocks may be {MAX_BLOCKS} deep"));
    }
    if loops > MAX_LOOPS {
        return Err(format!("`each` may be {MAX_LOOPS} deep"));
    }
    // A turn of a loop is a step, also of an empty one.
    elements[loops] += template.elements.len().max(1);
    for element in &template.elements {
        match element {
            TemplateElement::RawString(_) | TemplateElement::Comment(_) => {}
            TemplateElement::Expression(helper) | TemplateElement::HtmlExpression(helper) => {
                let is_variable = matches!(helper.name, Parameter::Name(_) | Parameter::Path(_));
                if !is_variable || !helper.params.is_empty() || !helper.hash.is_empty() {
                    return Err(format!("`{}` is not a value", name(helper)));
                }
            }
            TemplateElement::HelperBlock(block) => {
                let name = name(block);
                if !HELPERS.contains(&name) {
                    return Err(format!("`{name}` is unknown here; there are {}", HELPERS.join(", ")));
                }
                // Lists that stand in the template itself would be counted by nobody.
                if !matches!(block.params.as_slice(), [Parameter::Name(_) | Parameter::Path(_)])
                    || !block.hash.is_empty()
                {
                    return Err(format!("`{name}` takes one variable"));
                }
                let loops = loops + usize::from(name == "each");
                for inner in [&block.template, &block.inverse].into_iter().flatten() {
                    check(inner, blocks + 1, loops, elements)?;
                }
            }
            _ => return Err("partials and decorators are not allowed".into()),
        }
    }
    Ok(())
}

fn name(helper: &HelperTemplate) -> &str {
    helper.name.as_name().unwrap_or("(expression)")
}

/// Renders a template into what room its message has left.
///
/// # Errors
/// A sentence without any value in it: a variable that is missing, or an output too long.
pub fn render(parsed: &Parsed, part: Part, variables: &Value, room: &mut Room) -> Result<String, String> {
    if items(variables) > MAX_ITEMS {
        return Err(format!("the variables hold more than {MAX_ITEMS} list items"));
    }
    if steps(&parsed.elements, longest(variables)) > MAX_STEPS {
        return Err("the lists in the variables are too long for the loops of the template".into());
    }
    let registry = if part == Part::Html { &parsed.html } else { &parsed.plain };
    let mut output = Bounded::within(room);
    registry.render_to_write(NAME, variables, &mut output).map_err(|error| {
        if output.is_over() {
            return room.why();
        }
        match (error.line_no, error.column_no) {
            (Some(line), Some(column)) => {
                format!("line {line}, column {column}: a variable is missing or of the wrong kind")
            }
            _ => "a variable is missing or of the wrong kind".into(),
        }
    })?;
    let text = String::from_utf8(output.into_bytes()).map_err(|_| "the rendered text is not UTF-8")?;
    room.take(text.len());
    Ok(match part {
        Part::Header => {
            text.split(char::is_control).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
        }
        Part::Text | Part::Html => text,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn render(parsed: &Parsed, part: Part, variables: &Value) -> Result<String, String> {
        super::render(parsed, part, variables, &mut Room::of_message())
    }

    #[test]
    fn each_part_is_escaped_as_it_needs() {
        let parsed = parse("Hi {{name}}!").expect("it parses");
        let variables = json!({"name": "<b>\r\nBcc: x"});
        assert_eq!(render(&parsed, Part::Text, &variables).expect("text"), "Hi <b>\r\nBcc: x!");
        assert_eq!(render(&parsed, Part::Header, &variables).expect("header"), "Hi <b> Bcc: x!");
        assert_eq!(render(&parsed, Part::Html, &variables).expect("html"), "Hi &lt;b&gt;\r\nBcc: x!");
    }

    #[test]
    fn what_could_run_away_is_refused_when_it_is_saved() {
        let deep = format!("{}x{}", "{{#each a}}".repeat(3), "{{/each}}".repeat(3));
        let nested = format!("{}x{}", "{{#if a}}".repeat(5), "{{/if}}".repeat(5));
        for bad in [
            "{{name",
            "{{> other}}",
            "{{#*inline \"a\"}}{{/inline}}",
            "{{lookup a b}}",
            "{{#raw}}{{/raw}}",
            &deep,
            &nested,
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse("{{#each items}}{{this.name}}{{else}}none{{/each}}{{#if a}}{{a}}{{/if}}").is_ok());
    }

    #[test]
    fn a_missing_variable_or_an_endless_text_fails_without_naming_a_value() {
        let parsed = parse("Hi {{name}}, {{secret}}").expect("it parses");
        let error = render(&parsed, Part::Text, &json!({"secret": "hunter2"})).expect_err("name is missing");
        assert!(!error.contains("hunter2"), "{error}");
        let long = parse("{{#each a}}{{#each @root.a}}{{@root.b}}{{/each}}{{/each}}").expect("it parses");
        let variables = json!({"a": vec![0; 90], "b": "x".repeat(100)});
        assert!(render(&long, Part::Text, &variables).expect_err("too long").contains("256 KiB"));
        assert!(render(&long, Part::Text, &json!({"a": vec![0; 2000], "b": ""})).is_err());
    }

    #[test]
    fn what_stands_in_the_template_itself_is_no_list_to_go_through() {
        let list = format!("[{}0]", "0,".repeat(10_000));
        let bombs = [
            format!("{{{{#each {list}}}}}{{{{#each {list}}}}}{{{{/each}}}}{{{{/each}}}}"),
            format!("{{{{#if a {}}}}}x{{{{/if}}}}", "a ".repeat(4_000)),
            "{{(lookup a b)}}".into(),
            "{{#each (lookup a b)}}{{/each}}".into(),
            "{{#with {\"a\": 1}}}{{/with}}".into(),
        ];
        for bomb in &bombs {
            assert!(parse(bomb).is_err(), "{bomb:.60}");
        }
    }

    #[test]
    fn a_bomb_fails_before_it_begins() {
        let silent = "{{#each a}}{{#each @root.a}}{{#if this}}{{/if}}{{/each}}{{/each}}";
        let wide = format!("{{{{#each a}}}}{}{{{{/each}}}}", "{{this}}".repeat(400));
        for source in [silent, &wide] {
            let parsed = parse(source).expect("it parses");
            let why = render(&parsed, Part::Text, &json!({"a": vec![1; 900]})).expect_err("too much work");
            assert!(why.contains("too long for the loops"), "{why}");
            assert!(render(&parsed, Part::Text, &json!({"a": [1, 2, 3]})).is_ok(), "{source:.40}");
        }
        let fields: serde_json::Map<String, Value> = (0..900).map(|n| (n.to_string(), json!(1))).collect();
        let parsed = parse(silent).expect("it parses");
        assert!(render(&parsed, Part::Text, &json!({ "a": fields })).is_err(), "fields are gone through too");
    }
}
