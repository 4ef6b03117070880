//! As much of protobuf as traces need: <https://protobuf.dev/programming-guides/encoding/>.

use std::{collections::BTreeMap, fmt::Write as _};

use super::Span;

/// A field's value.
enum Value<'b> {
    Number(u64),
    Bytes(&'b [u8]),
}

/// All spans of an `ExportTraceServiceRequest`; none if it is not one.
pub(super) fn spans(body: &[u8]) -> Option<Vec<Span>> {
    let mut spans = Vec::new();
    for of_resource in messages(body, 1)? {
        let mut resource = BTreeMap::new();
        for message in messages(of_resource, 1)? {
            resource.extend(attributes(message, 1)?);
        }
        for of_scope in messages(of_resource, 2)? {
            for message in messages(of_scope, 2)? {
                spans.push(Span { resource: resource.clone(), ..span(message)? });
            }
        }
    }
    Some(spans)
}

fn span(message: &[u8]) -> Option<Span> {
    let mut span = Span { attributes: attributes(message, 9)?, ..Span::default() };
    for (number, value) in fields(message)? {
        match (number, value) {
            (1, Value::Bytes(id)) => span.trace = hex(id),
            (2, Value::Bytes(id)) => span.id = hex(id),
            (4, Value::Bytes(id)) => span.parent = hex(id),
            (5, Value::Bytes(name)) => span.name = text(name)?,
            (6, Value::Number(kind)) => span.kind = kind,
            (11, Value::Bytes(_)) => span.events += 1,
            (15, Value::Bytes(status)) => span.status = number_of(status, 3)?.unwrap_or_default(),
            _ => {}
        }
    }
    Some(span)
}

/// `KeyValue`s of a field.
fn attributes(message: &[u8], field: u64) -> Option<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for pair in messages(message, field)? {
        let key = text(messages(pair, 1)?.first()?)?;
        for any in messages(pair, 2)? {
            let value = match fields(any)?.pop() {
                Some((1, Value::Bytes(value))) => text(value)?,
                Some((_, Value::Number(value))) => value.to_string(),
                _ => "?".to_owned(),
            };
            found.insert(key.clone(), value);
        }
    }
    Some(found)
}

fn messages(message: &[u8], field: u64) -> Option<Vec<&[u8]>> {
    let all = fields(message)?.into_iter();
    let of_field = all.filter_map(|(number, value)| match value {
        Value::Bytes(bytes) if number == field => Some(bytes),
        _ => None,
    });
    Some(of_field.collect())
}

/// The number in a field, if there is one; none at all if this is no message.
fn number_of(message: &[u8], field: u64) -> Option<Option<u64>> {
    Some(fields(message)?.into_iter().find_map(|(number, value)| match value {
        Value::Number(value) if number == field => Some(value),
        _ => None,
    }))
}

fn fields(mut rest: &[u8]) -> Option<Vec<(u64, Value<'_>)>> {
    let mut found = Vec::new();
    while !rest.is_empty() {
        let tag = varint(&mut rest)?;
        let value = match tag & 7 {
            0 => Value::Number(varint(&mut rest)?),
            1 => Value::Number(u64::from_le_bytes(take(&mut rest, 8)?.try_into().ok()?)),
            2 => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                Value::Bytes(take(&mut rest, length)?)
            }
            5 => Value::Number(u32::from_le_bytes(take(&mut rest, 4)?.try_into().ok()?).into()),
            _ => return None,
        };
        found.push((tag >> 3, value));
    }
    Some(found)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for place in 0..10 {
        let byte = take(rest, 1)?[0];
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn take<'b>(rest: &mut &'b [u8], length: usize) -> Option<&'b [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

fn text(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
