//! Objects that come in parts, and are there once all of them are.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html>

use std::collections::BTreeMap;

use serde_json::json;

use super::{
    Asked, S3, etag,
    objects::{kept_headers, refused_body},
    quoted, xml,
};
use crate::{http::Answer, lock};

/// An upload that was begun.
#[derive(Debug)]
pub(super) struct Upload {
    key: String,
    headers: Vec<(String, String)>,
    parts: BTreeMap<u32, Vec<u8>>,
}

impl S3 {
    pub(super) fn begin_upload(&self, asked: &Asked) -> Answer {
        let upload = Upload { key: asked.key.clone(), headers: kept_headers(asked), parts: BTreeMap::new() };
        let id = format!("upload-{}", self.asked());
        lock(&self.uploads).insert(id.clone(), upload);
        self.record("CreateMultipartUpload", &asked.key, &id, json!({}));
        let body = format!(
            "<Bucket>{}</Bucket><Key>{}</Key><UploadId>{id}</UploadId>",
            xml::escaped(&self.config.bucket),
            xml::escaped(&asked.key)
        );
        xml::answer("InitiateMultipartUploadResult", &body)
    }

    pub(super) fn put_part(&self, asked: &Asked, id: &str) -> Answer {
        if let Some(refused) = refused_body(asked) {
            return refused;
        }
        let number = asked.said("partNumber").and_then(|number| number.parse().ok());
        let Some(number) = number.filter(|number| (1..=10_000_u32).contains(number)) else {
            let message = "Part number must be an integer between 1 and 10000, inclusive";
            return xml::error(400, "InvalidArgument", message);
        };
        let mut uploads = lock(&self.uploads);
        let Some(upload) = uploads.get_mut(id).filter(|upload| upload.key == asked.key) else {
            return no_such_upload();
        };
        let tag = etag(&asked.request.body);
        upload.parts.insert(number, asked.request.body.clone());
        Answer { status: 200, headers: vec![("ETag".into(), quoted(&tag))], body: Vec::new() }
    }

    pub(super) fn complete(&self, asked: &Asked, id: &str) -> Answer {
        let text = String::from_utf8_lossy(&asked.request.body);
        let numbers: Vec<u32> =
            xml::texts(&text, "PartNumber").iter().filter_map(|text| text.parse().ok()).collect();
        let tags = xml::texts(&text, "ETag");
        if numbers.is_empty() || numbers.len() != tags.len() {
            return xml::malformed();
        }
        if !numbers.is_sorted_by(|one, next| one < next) {
            return xml::error(400, "InvalidPartOrder", "The list of parts was not in ascending order.");
        }
        if let Some(refused) = self.refused_by_condition(asked) {
            return refused;
        }
        let mut uploads = lock(&self.uploads);
        let Some(upload) = uploads.get(id).filter(|upload| upload.key == asked.key) else {
            return no_such_upload();
        };
        let mut whole = Vec::new();
        for (at, (number, tag)) in numbers.iter().zip(&tags).enumerate() {
            let part = upload.parts.get(number).filter(|part| etag(part) == tag.trim_matches('"'));
            let Some(part) = part else {
                let message = "One or more of the specified parts could not be found.";
                return xml::error(400, "InvalidPart", message);
            };
            if part.len() < self.config.smallest_part && at + 1 < numbers.len() {
                let message = "Your proposed upload is smaller than the minimum allowed size";
                return xml::error(400, "EntityTooSmall", message);
            }
            whole.extend_from_slice(part);
        }
        let Some(upload) = uploads.remove(id) else { return no_such_upload() };
        let tag = self.keep(&upload.key, whole, upload.headers, "CompleteMultipartUpload");
        let body = format!(
            "<Location>http://fake/{key}</Location><Bucket>{}</Bucket><Key>{key}</Key><ETag>{}</ETag>",
            xml::escaped(&self.config.bucket),
            xml::escaped(&quoted(&tag)),
            key = xml::escaped(&upload.key),
        );
        xml::answer("CompleteMultipartUploadResult", &body)
    }

    pub(super) fn abort(&self, id: &str) -> Answer {
        let Some(upload) = lock(&self.uploads).remove(id) else { return no_such_upload() };
        self.record("AbortMultipartUpload", &upload.key, id, json!({}));
        Answer { status: 204, headers: Vec::new(), body: Vec::new() }
    }
}

fn no_such_upload() -> Answer {
    let message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted \
                   or completed.";
    xml::error(404, "NoSuchUpload", message)
}
