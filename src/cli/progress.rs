//! How far something is, on standard error: nothing where that is no terminal or `TERM` is `dumb`, and never in colour.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

const TICK: Duration = Duration::from_millis(120);

/// A bar for so many things.
pub(super) fn bar(total: u64, what: &'static str) -> ProgressBar {
    styled(ProgressBar::new(total), "{prefix:8} {bar:40} {pos:>6}/{len} {elapsed} {msg}", what)
}

/// A bar for a file of so many bytes; none is known of a pipe.
pub(super) fn file(bytes: Option<u64>, what: &'static str) -> ProgressBar {
    match bytes {
        Some(bytes) => {
            let look = "{prefix:8} {bar:40} {bytes}/{total_bytes} {elapsed} {msg}";
            styled(ProgressBar::new(bytes), look, what)
        }
        None => styled(ProgressBar::new_spinner(), "{prefix:8} {spinner} {bytes} {elapsed} {msg}", what),
    }
}

/// A bar of hundredths.
pub(super) fn share(what: &'static str) -> ProgressBar {
    let bar = styled(ProgressBar::new(100), "{prefix:8} {bar:40} {percent:>3}% {elapsed} {msg}", what);
    bar.enable_steady_tick(TICK);
    bar
}

/// Something that turns as long as the work goes on, of which it is not known how long it is.
pub(super) async fn during<T>(what: &'static str, work: impl Future<Output = T>) -> T {
    let spinner = styled(ProgressBar::new_spinner(), "{spinner} {prefix} {elapsed}", what);
    spinner.enable_steady_tick(TICK);
    let done = work.await;
    spinner.finish_and_clear();
    done
}

fn styled(bar: ProgressBar, look: &str, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template(look).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style).with_prefix(what)
}
