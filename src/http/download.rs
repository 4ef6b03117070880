//! Files that are written as their reader takes them: no part of one is made before it is asked for, and none is kept.

use std::sync::Arc;

use axum::{
    body::Body,
    http::header,
    response::{IntoResponse, Response},
};
use domain::{Ctx, Error};
use futures::stream;

use super::App;

/// A file in pieces.
pub trait Pieces: Send + 'static {
    /// Whose file it is.
    fn ctx(&self) -> &Ctx;

    /// The next piece, none after the last one.
    fn piece(&mut self) -> impl Future<Output = domain::Result<Option<Vec<u8>>>> + Send;
}

/// Answers with a file of a media type. It is read on as the reader takes it, and no further once they have gone or may
/// not have it any longer; an error breaks the connection, so that half a file is not taken for a whole one.
pub fn attached(app: Arc<App>, kind: &'static str, name: &str, file: impl Pieces) -> Response {
    let attached = format!("attachment; filename=\"{name}\"");
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, attached)];
    let pieces = stream::try_unfold((app, file), |(app, mut file)| async move {
        let piece = next(&app, &mut file).await.inspect_err(|error| {
            let request_id = file.ctx().trace.as_deref().unwrap_or_default();
            tracing::warn!(%error, request_id, "a file broke off");
        })?;
        Ok::<_, Error>(piece.map(|piece| (piece, (app, file))))
    });
    (headers, Body::from_stream(pieces)).into_response()
}

async fn next(app: &App, file: &mut impl Pieces) -> domain::Result<Option<Vec<u8>>> {
    app.gate.require_still(file.ctx()).await?;
    file.piece().await
}
