//! Writes a report with something of everything, to look at: `cargo run -p switchboard-paper --example specimen -- FILE`,
//! and with `--rows N` one with a table of so many rows instead. `./x paper` makes pictures of its pages.

use std::error::Error;
use std::time::Instant;

mod document;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("say the file to write")?;
    let document = match (arguments.next().as_deref(), arguments.next()) {
        (Some("--rows"), Some(rows)) => document::long(rows.parse()?),
        _ => document::specimen(),
    };
    let begun = Instant::now();
    let pdf = paper::render(&document)?;
    println!("{file}: {} bytes in {:.2} s", pdf.len(), begun.elapsed().as_secs_f64());
    std::fs::write(file, pdf)?;
    Ok(())
}
