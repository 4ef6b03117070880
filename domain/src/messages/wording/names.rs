//! Which variables a text speaks of. What stands inside of `each` and `with` is a part of what they are about, so only
//! the names at the top are told.

use std::collections::BTreeSet;

use handlebars::template::{BlockParam, HelperTemplate, Parameter, Template, TemplateElement};

use crate::messages::template::Parsed;

/// The variables that a text speaks of.
#[must_use]
pub fn names(parsed: &Parsed) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if let Some(template) = parsed.tree() {
        gather(template, 0, &[], &mut found);
    }
    found
}

/// Whether a text has blocks, like `{{#if}}`.
#[must_use]
pub fn has_blocks(parsed: &Parsed) -> bool {
    let mut elements = parsed.tree().into_iter().flat_map(|template| &template.elements);
    elements.any(|element| matches!(element, TemplateElement::HelperBlock(_)))
}

/// `deep` is in how many `each` and `with` it is, `bound` what they call their items.
fn gather(template: &Template, deep: usize, bound: &[String], found: &mut BTreeSet<String>) {
    for element in &template.elements {
        match element {
            TemplateElement::Expression(helper) | TemplateElement::HtmlExpression(helper) => {
                found.extend(top(&helper.name, deep, bound));
            }
            TemplateElement::HelperBlock(block) => {
                found.extend(block.params.iter().filter_map(|param| top(param, deep, bound)));
                let goes_in = matches!(block.name.as_name(), Some("each" | "with"));
                let mut known = bound.to_vec();
                known.extend(called(block));
                if let Some(inner) = &block.template {
                    gather(inner, deep + usize::from(goes_in), &known, found);
                }
                // Nothing was gone into there.
                if let Some(otherwise) = &block.inverse {
                    gather(otherwise, deep, bound, found);
                }
            }
            _ => {}
        }
    }
}

/// What a block calls its items, as in `as |item|`.
fn called(block: &HelperTemplate) -> Vec<String> {
    let names: Vec<&Parameter> = match &block.block_param {
        Some(BlockParam::Single(one)) => vec![one],
        Some(BlockParam::Pair((one, other))) => vec![one, other],
        _ => vec![],
    };
    names.into_iter().filter_map(|name| name.as_name().map(ToOwned::to_owned)).collect()
}

/// The variable that a path begins with, if that is one at the top.
fn top(parameter: &Parameter, deep: usize, bound: &[String]) -> Option<String> {
    let path = parameter.as_name()?;
    let (mut path, mut deep) = match path.strip_prefix("@root") {
        Some(below) => (below.trim_start_matches(['.', '/']), 0),
        None if path.starts_with('@') => return None,
        None => (path, deep),
    };
    loop {
        if let Some(above) = path.strip_prefix("../") {
            (path, deep) = (above, deep.checked_sub(1)?);
        } else if let Some(same) = ["./", "this.", "this/"].iter().find_map(|here| path.strip_prefix(here)) {
            path = same;
        } else {
            break;
        }
    }
    let name = match path.strip_prefix('[') {
        Some(quoted) => quoted.split(']').next(),
        None => path.split(['.', '/']).next(),
    }?;
    let is_named =
        deep == 0 && !matches!(name, "" | "this" | "..") && !bound.iter().any(|known| known == name);
    is_named.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::template::parse;

    fn parsed(source: &str) -> Parsed {
        parse(source).expect("it parses")
    }

    #[test]
    fn the_names_at_the_top_are_told_once_and_in_order() {
        for (source, wanted) in [
            ("Hi {{name}}, {{ name }} {{{raw}}}", &["name", "raw"][..]),
            ("{{person.name.first}} {{this.deal}}", &["deal", "person"][..]),
            ("{{#each items}}{{name}} {{this.price}} {{@index}}{{/each}}", &["items"][..]),
            (
                "{{#each items}}{{../currency}} {{@root.shop.name}}{{else}}{{none}}{{/each}}",
                &["currency", "items", "none", "shop"][..],
            ),
            ("{{#if paid}}{{thanks}}{{else}}{{due}}{{/if}}", &["due", "paid", "thanks"][..]),
            ("{{#with person}}{{name}}{{/with}}", &["person"][..]),
            ("{{[two words]}}", &["two words"][..]),
            ("no more than words", &[][..]),
        ] {
            let found: Vec<String> = names(&parsed(source)).into_iter().collect();
            assert_eq!(found, wanted, "{source}");
        }
    }

    #[test]
    fn blocks_are_told_from_values() {
        for (source, wanted) in [
            ("a {{#if b}}c{{/if}}", true),
            ("{{~#each b~}}c{{~/each~}}", true),
            ("a {{b}} {{{c}}} {{!-- {{#if}} --}}", false),
        ] {
            assert_eq!(has_blocks(&parsed(source)), wanted, "{source}");
        }
    }
}
