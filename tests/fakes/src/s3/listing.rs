//! Pages of keys, below a prefix and up to a delimiter.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Asked, S3, quoted, xml};
use crate::{http::Answer, lock};

/// Everything below a common prefix sorts before this.
const LAST: char = '\u{10ffff}';

impl S3 {
    pub(super) fn list(&self, asked: &Asked) -> Answer {
        let (prefix, delimiter) =
            (asked.said("prefix").unwrap_or_default(), asked.said("delimiter").unwrap_or_default());
        let limit = match asked.said("max-keys").map_or(Ok(self.config.page), str::parse::<usize>) {
            Ok(limit) => limit.min(self.config.page),
            Err(_) => return xml::error(400, "InvalidArgument", "Provided max-keys not an integer"),
        };
        let after = match asked.said("continuation-token") {
            Some(token) => {
                match STANDARD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
                    Some(after) => after,
                    None => {
                        return xml::error(
                            400,
                            "InvalidArgument",
                            "The continuation token provided is incorrect",
                        );
                    }
                }
            }
            None => asked.said("start-after").unwrap_or_default().to_owned(),
        };
        let (mut items, mut prefixes, mut count, mut last) = (String::new(), String::new(), 0, after.clone());
        let mut more = false;
        for (key, object) in lock(&self.objects).iter() {
            if !key.starts_with(prefix) || *key <= last {
                continue;
            }
            if count == limit {
                more = true;
                break;
            }
            count += 1;
            let below = (!delimiter.is_empty()).then(|| key[prefix.len()..].find(delimiter)).flatten();
            if let Some(at) = below {
                let common = &key[..prefix.len() + at + delimiter.len()];
                prefixes.extend([
                    "<CommonPrefixes><Prefix>",
                    &xml::escaped(common),
                    "</Prefix></CommonPrefixes>",
                ]);
                last = format!("{common}{LAST}");
                continue;
            }
            last.clone_from(key);
            let (at, tag, size) =
                (xml::time(object.modified), xml::escaped(&quoted(&object.etag)), object.bytes.len());
            items.extend([
                "<Contents><Key>",
                &xml::escaped(key),
                "</Key><LastModified>",
                &at,
                "</LastModified><ETag>",
                &tag,
                "</ETag><Size>",
                &size.to_string(),
                "</Size><StorageClass>STANDARD</StorageClass></Contents>",
            ]);
        }
        let token = if more {
            format!("<NextContinuationToken>{}</NextContinuationToken>", STANDARD.encode(&last))
        } else {
            String::new()
        };
        let head = format!(
            "<Name>{}</Name><Prefix>{}</Prefix><KeyCount>{count}</KeyCount><MaxKeys>{limit}</MaxKeys>\
             <IsTruncated>{more}</IsTruncated>{token}",
            xml::escaped(&self.config.bucket),
            xml::escaped(prefix)
        );
        xml::answer("ListBucketResult", &format!("{head}{items}{prefixes}"))
    }
}
