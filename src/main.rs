//! The binary.

use std::process::ExitCode;

use clap::Parser;
use switchboard::cli::{self, Cli};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("switchboard: no threads to run on: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(cli::run(cli));
    // A thread may still wait for standard input, which never ends at a terminal.
    runtime.shutdown_background();
    code
}
