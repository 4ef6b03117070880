//! Files of tenants in a bucket: through the true wire format, judged by what the bucket holds.

use bytes::Bytes;
use domain::{
    storage::{FileName, Storage, TenantFiles},
    types::TenantId,
};
use fakes::{faults::Fault, s3};
use futures::{StreamExt, TryStreamExt};
use switchboard::{config::Config, storage};
use uuid::Uuid;

/// A bucket in which several pages are needed for a list.
async fn bucket() -> s3::Fake {
    s3::Fake::start(s3::Config { page: 2, ..s3::Config::default() }).await.expect("a fake")
}

fn open(fake: &s3::Fake, secret: &str) -> Storage {
    let account = &fake.config().account;
    let settings = [
        ("storage", format!("s3://{}/calls", fake.config().bucket)),
        ("storage_endpoint", fake.url()),
        ("storage_region", account.region.clone()),
        ("storage_key_id", account.access_key.clone()),
        ("storage_key_secret", secret.to_owned()),
    ];
    let flags: Vec<_> = settings.into_iter().map(|(name, value)| (name, Some(value))).collect();
    storage::open(&Config::load(&flags).expect("settings")).expect("storage")
}

fn files(fake: &s3::Fake, tenant: u128) -> TenantFiles {
    open(fake, &fake.config().account.secret_key).of(TenantId(Uuid::from_u128(tenant)))
}

fn name(text: &str) -> FileName {
    text.parse().expect("a name")
}

async fn names(files: &TenantFiles, below: Option<&str>) -> Vec<String> {
    let below = below.map(name);
    let found = files.list(below.as_ref()).map_ok(|meta| meta.name.as_str().to_owned());
    let mut found: Vec<String> = found.try_collect().await.expect("a list");
    found.sort_unstable();
    found
}

async fn whole(files: &TenantFiles, of: &str) -> domain::Result<Vec<u8>> {
    let opened = files.get(&name(of)).await?;
    let pieces: Vec<Bytes> = opened.pieces.try_collect().await?;
    Ok(pieces.concat())
}

#[tokio::test]
async fn files_lie_below_their_tenant_and_are_read_listed_and_taken_away() {
    let fake = bucket().await;
    let (acme, other) = (files(&fake, 1), files(&fake, 2));
    for at in ["exports/a.zip", "exports/b.zip", "exports/c/d.zip", "archive/a.zst", "one"] {
        acme.put(&name(at), Bytes::from(at.to_owned())).await.expect("written");
    }
    other.put(&name("one"), Bytes::from_static(b"theirs")).await.expect("written");
    let under = format!("calls/tenants/{}/", Uuid::from_u128(1));
    let kept = fake.objects();
    assert_eq!(kept.keys().filter(|key| key.starts_with(&under)).count(), 5, "{:?}", kept.keys());
    assert_eq!(names(&acme, Some("exports")).await, ["exports/a.zip", "exports/b.zip", "exports/c/d.zip"]);
    assert_eq!((names(&acme, None).await.len(), names(&other, None).await), (5, vec!["one".to_owned()]));

    assert_eq!(whole(&acme, "exports/a.zip").await.expect("it is there"), b"exports/a.zip");
    assert_eq!(acme.range(&name("exports/a.zip"), 8..11).await.expect("a part"), "a.z");
    assert!(acme.range(&name("exports/a.zip"), 100..110).await.is_err(), "it begins behind the end");
    let meta = acme.head(&name("one")).await.expect("an answer").expect("it is there");
    assert_eq!(meta.size, 3);
    for _ in 0..2 {
        acme.delete(&name("one")).await.expect("taken away");
    }
    assert_eq!(acme.head(&name("one")).await.expect("an answer"), None);
    assert!(matches!(whole(&acme, "one").await, Err(domain::Error::NotFound("file"))));
    assert_eq!(whole(&other, "one").await.expect("another's stays"), b"theirs");
}

#[tokio::test]
async fn a_large_file_comes_in_parts_and_is_seen_when_all_are_there() {
    let fake = bucket().await;
    let acme = files(&fake, 1);
    let piece = |number: u8| Bytes::from(vec![number; 3 << 20]);
    let pieces = futures::stream::iter((0..6).map(|number| Ok(piece(number))));
    let written = acme.put_stream(&name("large"), pieces).await.expect("written");
    assert_eq!(written, 18 << 20);
    let read = whole(&acme, "large").await.expect("it is there");
    assert!(
        read.len() == 18 << 20 && read.chunks(3 << 20).zip(0..).all(|(chunk, number)| chunk == piece(number))
    );
    let done: Vec<_> = fake.ledger().entries().iter().map(|entry| entry.body["operation"].clone()).collect();
    assert_eq!(done, ["CreateMultipartUpload", "CompleteMultipartUpload"]);

    let broken = (0..4)
        .map(|number| if number < 3 { Ok(piece(number)) } else { Err(domain::Error::NotFound("piece")) });
    let failed = acme.put_stream(&name("broken"), futures::stream::iter(broken)).await;
    assert!(matches!(failed, Err(domain::Error::NotFound("piece"))));
    assert_eq!((fake.open_uploads(), fake.objects().len()), (0, 1), "nothing is left of it");
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_stays_is_told() {
    let fake = bucket().await;
    let acme = files(&fake, 1);
    fake.faults().next(Fault::RateLimited { retry_after_s: 1 });
    fake.faults().next(Fault::ResetBeforeAccept);
    acme.put(&name("a"), Bytes::from(vec![7; 100_000])).await.expect("written the third time");
    fake.faults().next_read(Fault::RateLimited { retry_after_s: 1 });
    assert_eq!(whole(&acme, "a").await.expect("it is there").len(), 100_000);

    // What breaks off in the middle is never taken for the whole.
    fake.cut(1);
    let read = whole(&acme, "a").await;
    assert!(read.is_err() || read.is_ok_and(|read| read.len() == 100_000));

    let account = fake.config().account.clone();
    let stranger = open(&fake, &format!("{}x", account.secret_key)).of(TenantId(Uuid::from_u128(1)));
    let failed = stranger.put(&name("b"), Bytes::from_static(b"x")).await.expect_err("it is not signed");
    let told = failed.to_string();
    assert!(told.contains("storage") && !told.contains(&account.secret_key), "{told}");
    assert_eq!(fake.objects().len(), 1);
    let listed: Vec<_> = stranger.list(None).collect().await;
    assert!(listed.iter().all(Result::is_err) && !listed.is_empty());
}
