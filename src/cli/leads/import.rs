//! A file is read in pieces and imported as it is read.

use std::path::Path;

use domain::{
    Ctx,
    leads::import::{
        Import, ImportView,
        head::Head,
        report::{self, Download},
    },
    types::ImportId,
};
use indicatif::ProgressBar;
use tokio::{
    fs::File,
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
};
use tokio_util::sync::CancellationToken;

use super::Wishes;
use crate::{
    cli::{
        Failure,
        exit::{self, Exit},
        output::{Form, private},
        progress,
        serve::told_to_stop,
        with_platform,
    },
    config::Config,
};

/// Bytes that are read at a time.
const PIECE: usize = 64 * 1024;

/// A file that is being read.
struct Source {
    from: Box<dyn AsyncRead + Unpin>,
    bar: ProgressBar,
}

impl Source {
    async fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Self { from: Box::new(tokio::io::stdin()), bar: progress::file(None, "import") });
        }
        let named =
            |error: &dyn std::fmt::Display| Exit::Usage.because(format!("{}: {error}", path.display()));
        let file = File::open(path).await.map_err(|error| named(&error))?;
        let meta = file.metadata().await.map_err(|error| named(&error))?;
        if meta.is_dir() {
            return Err(named(&"this is a folder"));
        }
        let bytes = Some(meta.len()).filter(|_| meta.is_file());
        Ok(Self { from: Box::new(file), bar: progress::file(bytes, "import") })
    }

    /// The next piece; empty at the end.
    async fn next(&mut self) -> Result<Vec<u8>, Failure> {
        let mut piece = vec![0; PIECE];
        let read = self.from.read(&mut piece).await?;
        piece.truncate(read);
        self.bar.inc(u64::try_from(read)?);
        Ok(piece)
    }
}

pub(super) async fn run(config: &Config, form: Form, wishes: &Wishes) -> Result<(), Failure> {
    let mut source = Source::open(&wishes.file).await?;
    with_platform(config, async |platform| {
        let ctx = wishes.of.act(platform).await?;
        let mut head = Head::new(wishes.asked().delimiter);
        while !head.is_whole() {
            let piece = source.next().await?;
            if piece.is_empty() {
                head.end();
                break;
            }
            head.push(&piece);
        }
        let begun = Import::begin(&ctx, head, &wishes.asked()).await?;
        let import = begun.fresh.ok_or("this was imported before")?;
        let id = import.id;
        let took = take(import, &mut source).await;
        source.bar.finish_and_clear();
        let reported = match &wishes.report {
            Some(path) => write_report(&ctx, id, path).await.map_err(|error| {
                let (path, why) = (path.display(), exit::words(&*error));
                Exit::Failed.because(format!("the report was not written to {path}: {why}"))
            }),
            None => Ok(()),
        };
        match took {
            // What was imported is told, also if no report of it can be written.
            Ok(view) => {
                let told = form.done(&words(&view), &view);
                reported.and(told)
            }
            Err(error) => {
                let now = report::get(&ctx, id).await?;
                let more = reported.err().map(|error| format!("; {error}")).unwrap_or_default();
                Err(Exit::Failed.because(format!("{}; {}{more}", exit::words(&*error), words(&now))))
            }
        }
    })
    .await
}

/// Takes the file in to its end, or until it is told to stop: the import is closed in any case.
async fn take(mut import: Import, source: &mut Source) -> Result<ImportView, Failure> {
    let stop = CancellationToken::new();
    let (told, heard) = (told_to_stop()?, stop.clone());
    let listens = tokio::spawn(async move {
        told.await;
        heard.cancel();
    });
    let why: Failure = loop {
        let piece = tokio::select! {
            () = stop.cancelled() => Err("it was stopped by hand".into()),
            piece = source.next() => piece,
        };
        let done = match piece {
            Ok(piece) if piece.is_empty() => match import.finish().await {
                Ok(view) => {
                    listens.abort();
                    return Ok(view);
                }
                Err(error) => Err(error.into()),
            },
            Ok(piece) => import.push(&piece).await.map_err(Failure::from),
            // Whole rows that were read are written, for the report says so.
            Err(why) => import.keep().await.map_err(Failure::from).and(Err(why)),
        };
        if let Err(why) = done {
            break why;
        }
    };
    listens.abort();
    let reason = if stop.is_cancelled() {
        "it was stopped by hand; the complete rows before are there"
    } else {
        "it could not go on; the rows before are there"
    };
    // Upkeep closes what cannot be closed now.
    if let Err(error) = import.interrupt(reason).await {
        tracing::warn!(%error, "an import that failed could not be closed");
    }
    Err(why)
}

/// Writes what became of each row.
async fn write_report(ctx: &Ctx, id: ImportId, path: &Path) -> Result<(), Failure> {
    let mut file = File::from_std(private(path)?);
    let mut report = Download::begin(ctx, id, None).await?;
    while let Some(piece) = report.piece().await? {
        file.write_all(&piece).await?;
    }
    Ok(file.flush().await?)
}

fn words(import: &ImportView) -> String {
    let would = if import.dry_run { " would be" } else { "" };
    format!(
        "import {} {}: {} leads{would} made, {}{would} changed, {} rows left out as duplicates, {} rejected",
        import.id, import.status, import.created, import.updated, import.duplicates, import.rejected
    )
}
