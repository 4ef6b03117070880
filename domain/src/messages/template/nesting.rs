//! How deep what is written nests, found out before it is parsed: the parser goes down with it, and whatever goes down too
//! far ends the process. So nothing is counted here that only seems to close something.

use super::MAX_BLOCKS;

const MAX_EXPRESSIONS: usize = 500;

/// Refuses what nests too deep or holds too much: the parser also goes back to the beginning for each expression.
///
/// # Errors
/// A sentence on what to change.
pub(super) fn check_nesting(source: &str) -> Result<(), String> {
    if source.matches("{{").count() > MAX_EXPRESSIONS {
        return Err(format!("at most {MAX_EXPRESSIONS} expressions"));
    }
    // Within raw blocks nothing opens or closes, though it looks like it.
    if source.contains("{{{{") {
        return Err("raw blocks are not allowed".into());
    }
    let (mut blocks, mut rest) = (0_usize, source);
    while let Some(at) = rest.find("{{") {
        // What is escaped is text. Where the escaping is itself escaped it is not: that counts as opening, never as closing.
        let is_escaped = rest[..at].ends_with('\\');
        rest = &rest[at + 2..];
        if let Some(comment) = rest.strip_prefix('!') {
            if is_escaped {
                return Err("write no backslash before a comment".into());
            }
            rest = behind(comment);
            continue;
        }
        let inside = rest.split("}}").next().unwrap_or(rest);
        check_expression(inside)?;
        match inside.trim_start_matches(|c: char| c == '~' || c.is_ascii_whitespace()).chars().next() {
            Some('#') => blocks += 1,
            Some('/') if !is_escaped => blocks = blocks.saturating_sub(1),
            _ => {}
        }
        // One more than may be, so that it is said which block it is.
        if blocks > MAX_BLOCKS + 1 {
            return Err(format!("blocks may be {MAX_BLOCKS} deep"));
        }
    }
    Ok(())
}

/// What follows a comment, of which the `{{!` is gone.
fn behind(comment: &str) -> &str {
    // Blanks as the parser knows them.
    let long = comment.trim_start_matches([' ', '\t', '\r', '\n']).strip_prefix("--");
    let long = long.and_then(|text| text.split_once("--}}"));
    long.or_else(|| comment.split_once("}}")).map_or("", |(_, rest)| rest)
}

/// An expression up to its `}}`. In texts and between brackets there may be another one before its end, so that what comes
/// after would not be looked at: texts are not allowed, and brackets must be closed.
fn check_expression(inside: &str) -> Result<(), String> {
    let count = |what: char| inside.matches(what).count();
    let is_one = count('"') + count('\'') == 0
        && count('(') <= MAX_BLOCKS
        && count('[') <= MAX_BLOCKS
        && count('[') == count(']')
        // Of `{{{name}}}`.
        && count('{') <= 1;
    if is_one { Ok(()) } else { Err("an expression names one variable".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::template::{MAX_SOURCE, parse};

    #[test]
    fn what_nests_without_end_is_refused_and_not_gone_into() {
        let deep = [
            "{{#if a}}",
            "{{~#each a}}",
            "{{ #if a}}",
            "{{~ # if a}}",
            "{{^a}}",
            "{{#with (a ",
            "{{else a}}",
            "{{a (b ",
            "{{#if a}}{{!--{{/--}}",
        ];
        for deep in deep {
            assert!(parse(&deep.repeat(MAX_SOURCE / deep.len())).is_err(), "{deep}");
        }
        let many = "{{#if a}}x{{/if}}".repeat(200);
        assert!(parse(&many).is_ok(), "side by side they are no matter");
    }

    #[test]
    fn nothing_goes_down_behind_the_back_of_who_counts() {
        let begins = [
            "{{#if ",
            "{{a ",
            "{{#if \"}}\" ",
            "{{#if '}}' ",
            "{{#if a.[}}] ",
            "{{#if {} ",
            "{{#if a=\"}}\" b=",
            "{{{a ",
            "{{~{a ",
            "{{& ",
            "{{> ",
            "{{#> ",
            "{{#*a ",
            "{{else ",
            "{{! }}{{a ",
            "\\{{! {{a ",
            "\\\\{{a ",
        ];
        for begin in begins {
            for deep in ["(", "(a ", "[", "{\"a\":", "{\"}}\":", "[{\"a\":", "a=(b "] {
                let bomb = format!("{begin}{}", deep.repeat((MAX_SOURCE - begin.len()) / deep.len()));
                assert!(parse(&bomb).is_err(), "{begin}{deep}");
            }
        }
    }

    #[test]
    fn what_seems_to_close_a_block_closes_none() {
        for seeming in [
            "{{!--{{/if}}--}}",
            "{{! {{/if}}",
            "{{! -- }}{{/if}}--}}",
            "\\{{!-- {{/if}} --}}",
            "\\{{/if}}",
            "\\{{{{/if}}",
            "{{{{a}}}}{{/if}}{{{{/a}}}}",
            "{{#if \"{{/\"}}",
            "{{a.[{{/]}}",
        ] {
            let deep = format!("{{{{#if a}}}}{seeming}").repeat(120);
            assert!(check_nesting(&deep).is_err(), "{seeming}");
        }
    }

    #[test]
    fn what_people_write_is_none_of_it() {
        for good in [
            "{{name}}, (a) (b) (c) (d) (e) [1] [2] [3] [4] [5] {1} {2} {3} \"so\" it's",
            "{{! it's a \"comment\" (((((( }}{{name}}",
            "{{!-- {{#if a}} }} (((((( --}}{{name}}",
            "{{{name}}} {{~name~}} {{a.[first name]}} {{@root.a}} {{../a}}",
            "{{#if a}}{{#if b}}{{#if c}}{{#if d}}x{{/if}}{{/if}}{{/if}}{{/if}}",
            "{{#if a}}1{{else if b}}2{{else}}3{{/if}}{{^}}",
            "\\{{name}} costs 5 {{currency}}",
        ] {
            assert_eq!(check_nesting(good), Ok(()), "{good}");
        }
    }
}
