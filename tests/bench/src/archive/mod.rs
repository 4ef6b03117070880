//! `./x bench archive`: how fast a million rows of the audit log are written to a file, read back and dropped, the memory it
//! takes on top of what the process had, and how fast the file is verified afterwards.

use std::time::Instant;

use domain::{
    archive::{check, leave, plan, write},
    audit::seal::Sealer,
};

use crate::{
    Outcome,
    access::house::House,
    database::run,
    messages::office::peak_mb,
    table::{
        self, Args,
        Bar::{Least, Most},
        Figures, Row, measure,
    },
};

const ROWS: i64 = 1_000_000;

/// A month that is long over, and as much of it as a busy year has.
const MONTH: &str = "
do $$
declare first timestamptz := date_trunc('month', now() at time zone 'UTC') at time zone 'UTC' - interval '20 months';
begin
  execute format('create table audit_log_%s partition of audit_log for values from (%L) to (%L)',
    to_char(first at time zone 'UTC', 'YYYYMM'), first, first + interval '1 month');
end $$;
insert into audit_log (tenant_id, id, at, actor_kind, actor_id, action, resource, resource_id, outcome, detail, request_id)
select t.id, gen_random_uuid(),
       date_trunc('month', now() at time zone 'UTC') at time zone 'UTC' - interval '20 months' + n * interval '2 seconds',
       'user', t.id, 'update', 'lead', gen_random_uuid()::text, 'done',
       jsonb_build_object('fields', jsonb_build_array('status', 'owner'), 'n', n), gen_random_uuid()::text
  from tenants t, generate_series(1, 1000000) n where t.slug = 'house'";

/// Measures and prints.
pub async fn report(args: Args) -> Outcome<()> {
    table::report(args, rows()).await
}

/// What there is to measure.
fn rows() -> Vec<Row> {
    let figures = vec![
        ("archive_rows_per_s", Least(20_000.0)),
        ("archive_extra_mb", Most(100.0)),
        ("verify_rows_per_s", Least(50_000.0)),
    ];
    vec![(measure!(a_million), figures)]
}

async fn a_million() -> Outcome<Figures> {
    let house = House::open().await?;
    run(&mut house.database.conn().await?, MONTH).await?;
    let heads = house.database.files().join("heads.json");
    let sealer = Sealer::open(&house.platform, &heads).await?;
    while sealer.seal().await? > 0 {}
    house.database.settle().await?;
    // From here on the most that it has is counted anew.
    std::fs::write("/proc/self/clear_refs", "5")?;
    let before = peak_mb(std::process::id())?;
    let began = Instant::now();
    plan::plan(&house.platform, None).await?;
    write::write(&house.platform, None, &|| false).await?;
    check::check(&house.platform, None, &|| false).await?;
    leave::leave(&house.platform, None, &|| false).await?;
    let archived = began.elapsed();
    let extra = peak_mb(std::process::id())? - before;
    let began = Instant::now();
    let verdict = sealer.verify_with_files(house.tenant).await?;
    let verified = began.elapsed();
    if verdict.broken.is_some() || verdict.archived != ROWS {
        return Err(format!("the chain does not hold across the archive: {verdict:?}").into());
    }
    drop(sealer);
    house.close().await?;
    #[expect(clippy::cast_precision_loss, reason = "a million")]
    let per_s = |took: std::time::Duration| ROWS as f64 / took.as_secs_f64();
    Ok(vec![
        ("archive_rows_per_s", per_s(archived)),
        ("archive_extra_mb", extra),
        ("verify_rows_per_s", per_s(verified)),
    ])
}
