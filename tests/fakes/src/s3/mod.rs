//! Storage that speaks as Amazon's S3 does, by paths: one bucket, which keeps everything in memory.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html>
//!
//! What was written and taken away is in the ledger: `to` is the object's key, `body.operation` what was done. Reads meet
//! the faults of [`Faults::next_read`](crate::faults::Faults::next_read), all else those of sends, by its key; too much is
//! answered with `503 SlowDown`.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    World,
    aws::{
        Account,
        signature::{self, decoded, hex},
    },
    http::{Answer, Handler, Reply, Request, value},
    ledger::Entry,
    lock,
};

mod listing;
mod multipart;
mod objects;
#[cfg(test)]
mod tests;
mod xml;

pub use xml::slow_down;

pub type Fake = crate::Fake<S3>;

/// One bucket of one account.
#[derive(Debug, Clone)]
pub struct Config {
    pub bucket: String,
    pub account: Account,
    /// How small the parts of an upload may be, but for the last one: five mebibytes at Amazon's.
    pub smallest_part: usize,
    /// The most that a page of a list holds.
    pub page: usize,
    pub world: World,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bucket: "fake-bucket".into(),
            account: Account::default(),
            smallest_part: 5 << 20,
            page: 1000,
            world: World::default(),
        }
    }
}

/// Something that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub bytes: Vec<u8>,
    /// Without its quotes.
    pub etag: String,
    pub modified: DateTime<Utc>,
    /// `Content-Type` and `x-amz-meta-…`, as they came.
    pub headers: Vec<(String, String)>,
}

/// The service behind a [`Fake`].
pub struct S3 {
    config: Config,
    objects: Mutex<BTreeMap<String, Object>>,
    uploads: Mutex<BTreeMap<String, multipart::Upload>>,
    asked: AtomicU64,
    /// The next answer with an object breaks off in the middle.
    cuts: Mutex<u32>,
}

impl crate::Provider for S3 {
    type Config = Config;

    fn new(config: Config, _: &str) -> Self {
        let (objects, uploads) = (Mutex::default(), Mutex::default());
        Self { config, objects, uploads, asked: AtomicU64::new(0), cuts: Mutex::default() }
    }

    fn world(&self) -> &World {
        &self.config.world
    }
}

/// What is asked for: the object's key, empty of the bucket itself, and the query.
struct Asked<'r> {
    request: &'r Request,
    key: String,
    query: Vec<(String, String)>,
}

impl Asked<'_> {
    fn said(&self, name: &str) -> Option<&str> {
        value(&self.query, name)
    }
}

impl Handler for S3 {
    fn handle(&self, request: &Request) -> Reply {
        let path = String::from_utf8_lossy(&decoded(request.path())).into_owned();
        let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let checked = signature::check(request, &self.config.account, "s3", self.config.world.clock.now());
        let reply = match (checked, self.key(&path)) {
            (Err(refusal), _) => xml::refused(refusal).into(),
            (Ok(()), None) => xml::error(404, "NoSuchBucket", "The specified bucket does not exist").into(),
            (Ok(()), Some(key)) => self.dispatch(&Asked { request, key, query: request.query() }),
        };
        let named = |answer: Answer| answer.with("x-amz-request-id", &format!("FAKE{number:012}"));
        match reply {
            Reply::Answer(answer) => Reply::Answer(named(answer)),
            Reply::Later(delay, answer) => Reply::Later(delay, named(answer)),
            Reply::Cut(answer) => Reply::Cut(named(answer)),
            other => other,
        }
    }
}

impl S3 {
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Everything that is kept, by its key.
    #[must_use]
    pub fn objects(&self) -> BTreeMap<String, Object> {
        lock(&self.objects).clone()
    }

    /// Uploads that were begun, and neither completed nor aborted.
    #[must_use]
    pub fn open_uploads(&self) -> usize {
        lock(&self.uploads).len()
    }

    /// How many requests came, whatever became of them.
    #[must_use]
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// The next so many answers with an object's bytes break off in the middle of them.
    pub fn cut(&self, answers: u32) {
        *lock(&self.cuts) = answers;
    }

    /// Changes what is kept behind everybody's back, as a disk does that rots.
    pub fn spoil(&self, key: &str, spoil: impl FnOnce(&mut Vec<u8>)) {
        if let Some(object) = lock(&self.objects).get_mut(key) {
            spoil(&mut object.bytes);
        }
    }

    /// The key below the bucket.
    fn key(&self, path: &str) -> Option<String> {
        let rest = path.strip_prefix('/')?.strip_prefix(self.config.bucket.as_str())?;
        if rest.is_empty() { Some(String::new()) } else { rest.strip_prefix('/').map(ToOwned::to_owned) }
    }

    fn dispatch(&self, asked: &Asked) -> Reply {
        let upload = asked.said("uploadId");
        match (asked.request.method.as_str(), asked.key.is_empty()) {
            ("GET", true) if asked.said("list-type") == Some("2") => self.reads(|| self.list(asked)),
            ("HEAD", true) => self.reads(|| Answer { status: 200, headers: Vec::new(), body: Vec::new() }),
            ("POST", true) if asked.said("delete").is_some() => {
                self.changes(asked, || self.delete_many(asked))
            }
            ("GET", false) => self.read_whole(asked),
            ("HEAD", false) => self.reads(|| self.get(asked)),
            ("PUT", false) => match upload {
                Some(id) => self.changes(asked, || self.put_part(asked, id)),
                None => self.changes(asked, || self.put(asked)),
            },
            ("POST", false) => match upload {
                Some(id) => self.changes(asked, || self.complete(asked, id)),
                None if asked.said("uploads").is_some() => self.changes(asked, || self.begin_upload(asked)),
                None => xml::not_allowed().into(),
            },
            ("DELETE", false) => match upload {
                Some(id) => self.changes(asked, || self.abort(id)),
                None => self.changes(asked, || self.delete(asked)),
            },
            _ => xml::not_allowed().into(),
        }
    }

    fn reads(&self, answer: impl FnOnce() -> Answer) -> Reply {
        self.config.world.faults.play_read(|_| slow_down(), answer)
    }

    fn read_whole(&self, asked: &Asked) -> Reply {
        let reply = self.reads(|| self.get(asked));
        let mut cuts = lock(&self.cuts);
        match reply {
            Reply::Answer(answer) if *cuts > 0 && answer.status < 300 => {
                *cuts -= 1;
                Reply::Cut(answer)
            }
            other => other,
        }
    }

    fn changes(&self, asked: &Asked, accept: impl FnOnce() -> Answer) -> Reply {
        let key = format!("{} {}", asked.request.method, asked.request.target);
        self.config.world.faults.play((key.as_str(), asked.key.as_str()), |_| slow_down(), accept)
    }

    /// Writes down what was done, under the id of the object's version.
    fn record(&self, operation: &str, key: &str, etag: &str, mut more: Value) {
        more["operation"] = operation.into();
        let at = self.config.world.clock.now();
        self.config.world.ledger.record(|number| Entry {
            key: Some(key.to_owned()),
            provider_message_id: format!("{number}-{etag}"),
            to: key.to_owned(),
            body: more,
            at,
        });
    }

    /// Keeps an object, and answers its tag.
    fn keep(&self, key: &str, bytes: Vec<u8>, headers: Vec<(String, String)>, operation: &str) -> String {
        let etag = etag(&bytes);
        let length = bytes.len();
        let object = Object { bytes, etag: etag.clone(), modified: self.config.world.clock.now(), headers };
        lock(&self.objects).insert(key.to_owned(), object);
        self.record(operation, key, &etag, json!({ "bytes": length }));
        etag
    }
}

/// Tells contents apart; that Amazon's is often an MD5 nobody may rely on.
fn etag(bytes: &[u8]) -> String {
    hex(&digest::digest(&digest::SHA256, bytes).as_ref()[..16])
}

fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}
