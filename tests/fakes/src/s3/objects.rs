//! One object: written, read in whole or in part, copied and taken away.

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{Asked, Object, S3, quoted, xml};
use crate::{aws::signature::decoded, http::Answer, lock};

const HTTP_DATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

impl S3 {
    pub(super) fn put(&self, asked: &Asked) -> Answer {
        if let Some(refused) = refused_body(asked).or_else(|| self.refused_by_condition(asked)) {
            return refused;
        }
        if let Some(source) = asked.request.header("x-amz-copy-source") {
            return self.copy(asked, source);
        }
        let etag = self.keep(&asked.key, asked.request.body.clone(), kept_headers(asked), "PutObject");
        Answer { status: 200, headers: vec![("ETag".into(), quoted(&etag))], body: Vec::new() }
    }

    fn copy(&self, asked: &Asked, source: &str) -> Answer {
        let path = String::from_utf8_lossy(&decoded(source)).into_owned();
        let path = if path.starts_with('/') { path } else { format!("/{path}") };
        let found = self.key(&path).and_then(|key| lock(&self.objects).get(&key).cloned());
        let Some(found) = found else { return xml::no_such_key() };
        let etag = self.keep(&asked.key, found.bytes, found.headers, "CopyObject");
        let at = xml::time(self.config.world.clock.now());
        xml::answer(
            "CopyObjectResult",
            &format!("<LastModified>{at}</LastModified><ETag>{}</ETag>", xml::escaped(&quoted(&etag))),
        )
    }

    /// What `If-Match` and `If-None-Match` of a write forbid.
    pub(super) fn refused_by_condition(&self, asked: &Asked) -> Option<Answer> {
        let objects = lock(&self.objects);
        let there = objects.get(&asked.key);
        let header = |name: &str| asked.request.header(name);
        if header("if-none-match") == Some("*") && there.is_some() {
            return Some(xml::precondition_failed());
        }
        let wanted = header("if-match")?;
        match there {
            None => Some(xml::no_such_key()),
            Some(object) => (wanted != quoted(&object.etag)).then(xml::precondition_failed),
        }
    }

    pub(super) fn get(&self, asked: &Asked) -> Answer {
        let objects = lock(&self.objects);
        let Some(object) = objects.get(&asked.key) else { return xml::no_such_key() };
        let header = |name: &str| asked.request.header(name);
        if header("if-match").is_some_and(|tag| tag != quoted(&object.etag)) {
            return xml::precondition_failed();
        }
        let mut headers = vec![
            ("ETag".to_owned(), quoted(&object.etag)),
            ("Last-Modified".to_owned(), object.modified.format(HTTP_DATE).to_string()),
            ("Accept-Ranges".to_owned(), "bytes".to_owned()),
        ];
        headers.extend(object.headers.iter().cloned());
        if header("if-none-match") == Some(quoted(&object.etag).as_str()) {
            return Answer { status: 304, headers, body: Vec::new() };
        }
        let Some(range) = header("range") else {
            return Answer { status: 200, headers, body: object.bytes.clone() };
        };
        let Some((first, end)) = part(range, object.bytes.len()) else { return out_of_range(object) };
        headers.push(("Content-Range".into(), format!("bytes {first}-{}/{}", end - 1, object.bytes.len())));
        Answer { status: 206, headers, body: object.bytes[first..end].to_vec() }
    }

    pub(super) fn delete(&self, asked: &Asked) -> Answer {
        self.remove(&asked.key, "DeleteObject");
        Answer { status: 204, headers: Vec::new(), body: Vec::new() }
    }

    pub(super) fn delete_many(&self, asked: &Asked) -> Answer {
        let header = |name: &str| asked.request.header(name).is_some();
        if !header("content-md5") && !header("x-amz-checksum-sha256") {
            return xml::error(
                400,
                "InvalidRequest",
                "Missing required header for this request: Content-MD5",
            );
        }
        if let Some(refused) = refused_body(asked) {
            return refused;
        }
        let text = String::from_utf8_lossy(&asked.request.body);
        let keys = xml::texts(&text, "Key");
        if keys.is_empty() || keys.len() > 1000 {
            return xml::malformed();
        }
        let mut deleted = String::new();
        for key in keys {
            self.remove(&key, "DeleteObject");
            deleted.extend(["<Deleted><Key>", &xml::escaped(&key), "</Key></Deleted>"]);
        }
        xml::answer("DeleteResult", &deleted)
    }

    /// What is not there is taken away all the same.
    fn remove(&self, key: &str, operation: &str) {
        let was = lock(&self.objects).remove(key);
        self.record(operation, key, "gone", json!({ "was_there": was.is_some() }));
    }
}

/// Headers that are given back with the object.
pub(super) fn kept_headers(asked: &Asked) -> Vec<(String, String)> {
    let is_kept =
        |name: &str| name == "content-type" || name == "content-encoding" || name.starts_with("x-amz-meta-");
    asked.request.headers.iter().filter(|(name, _)| is_kept(name)).cloned().collect()
}

/// A body that came otherwise than its sender says.
pub(super) fn refused_body(asked: &Asked) -> Option<Answer> {
    let said = asked.request.header("x-amz-checksum-sha256")?;
    let found = STANDARD.encode(digest::digest(&digest::SHA256, &asked.request.body));
    let message = "The SHA256 you specified did not match the calculated checksum.";
    (said != found).then(|| xml::error(400, "BadDigest", message))
}

/// The bytes of `bytes=a-b`, `bytes=a-` and `bytes=-n` (RFC 9110, section 14.1), half open; none if there are none.
fn part(range: &str, length: usize) -> Option<(usize, usize)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (first, end) = match (first.parse::<usize>().ok(), last.parse::<usize>().ok()) {
        (Some(first), Some(last)) => (first, last.saturating_add(1).min(length)),
        (Some(first), None) => (first, length),
        (None, Some(last)) => (length.saturating_sub(last), length),
        (None, None) => return None,
    };
    (first < end).then_some((first, end))
}

fn out_of_range(object: &Object) -> Answer {
    xml::error(416, "InvalidRange", "The requested range is not satisfiable")
        .with("Content-Range", &format!("bytes */{}", object.bytes.len()))
}
