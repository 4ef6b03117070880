//! Styles and scripts, embedded. Each has the hash of what is in it for a tag, and stands in pages under an address with
//! that hash, which may be kept for ever.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// A file.
struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
    hash: String,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let files: [(&'static str, &'static str, &'static [u8]); 16] = [
        ("tokens.css", CSS, include_bytes!("assets/tokens.css")),
        ("ops.css", CSS, include_bytes!("assets/ops.css")),
        ("parts.css", CSS, include_bytes!("assets/parts.css")),
        ("ops.js", JS, include_bytes!("assets/ops.js")),
        ("times.js", JS, include_bytes!("assets/times.js")),
        ("keys.js", JS, include_bytes!("assets/keys.js")),
        ("charts.js", JS, include_bytes!("assets/charts.js")),
        ("live.js", JS, crate::live::CLIENT.as_bytes()),
        ("docs.js", JS, include_bytes!("assets/docs.js")),
        ("docs.css", CSS, include_bytes!("assets/docs.css")),
        ("icon.svg", SVG, include_bytes!("assets/icon.svg")),
        ("htmx.min.js", JS, include_bytes!("assets/vendor/htmx.min.js")),
        ("uPlot.iife.min.js", JS, include_bytes!("assets/vendor/uPlot.iife.min.js")),
        ("uPlot.min.css", CSS, include_bytes!("assets/vendor/uPlot.min.css")),
        ("swagger-ui-bundle.js", JS, include_bytes!("assets/vendor/swagger-ui-bundle.js")),
        ("swagger-ui.css", CSS, include_bytes!("assets/vendor/swagger-ui.css")),
    ];
    files
        .into_iter()
        .map(|(name, kind, bytes)| {
            let digest: [u8; 32] = Sha256::digest(bytes).into();
            let hash = format!("{:016x}", digest.first_chunk().copied().map_or(0, u64::from_be_bytes));
            Asset { name, kind, bytes, hash }
        })
        .collect()
});

fn asset(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

/// Where a page finds a file.
#[must_use]
pub fn address(name: &str) -> String {
    let hash = asset(name).map_or("", |asset| &asset.hash);
    format!("/ops/assets/{name}?v={hash}")
}

/// A file, for anybody: there is nothing in it that is not public.
pub async fn serve(Path(name): Path<String>, uri: Uri) -> Response {
    let Some(asset) = asset(&name) else { return StatusCode::NOT_FOUND.into_response() };
    // Under an address without the hash, as modules import each other, a browser asks whether it is still the same.
    let kept = uri.query().is_some_and(|query| query.strip_prefix("v=") == Some(&asset.hash));
    let cache = if kept { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = asset.bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(tag) = HeaderValue::try_from(format!("\"{}\"", asset.hash)) {
        headers.insert(header::ETAG, tag);
    }
    response
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn scripts_of_others_are_the_ones_that_are_written_down() {
        let mut looked_at = 0;
        for line in include_str!("assets/vendor/README.md").lines() {
            let cells: Vec<&str> = line
                .split('|')
                .map(|cell| cell.trim().trim_matches('`'))
                .filter(|cell| !cell.is_empty())
                .collect();
            let [name, _, _, _, written] = cells[..] else { continue };
            let Some(asset) = asset(name) else { continue };
            let digest: [u8; 32] = Sha256::digest(asset.bytes).into();
            let mut found = String::new();
            for byte in digest {
                write!(found, "{byte:02x}").expect("a string takes all");
            }
            assert_eq!(found, written, "{name}");
            looked_at += 1;
        }
        assert_eq!(looked_at, 5);
    }
}
