//! Writes made-up reports to look at: `cargo run -p switchboard-paper --example specimen -- FOLDER`. With `--rows N` it is
//! one with a table of so many rows. `./x paper` makes pictures of the pages as well.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

mod document;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("say the folder to write to")?;
    let documents = match (arguments.next().as_deref(), arguments.next()) {
        (Some("--rows"), Some(rows)) => vec![("long", document::long(rows.parse()?))],
        _ => vec![("specimen", document::specimen()), ("odd", document::odd())],
    };
    for (name, document) in documents {
        let begun = Instant::now();
        let pdf = paper::render(&document)?;
        println!("{name}.pdf: {} bytes in {:.2} s", pdf.len(), begun.elapsed().as_secs_f64());
        std::fs::write(Path::new(&folder).join(name).with_extension("pdf"), pdf)?;
    }
    Ok(())
}
