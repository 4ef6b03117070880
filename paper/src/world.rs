//! What Typst may see: its own library, the template, the fonts, and one file with the document. There is nothing else, no
//! disk, no network and no clock.

use std::sync::LazyLock;

use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World as Seen};

/// The first is for Latin, Greek and Cyrillic.
pub(crate) static FONTS: LazyLock<Vec<Font>> = LazyLock::new(|| {
    let files: [&[u8]; 11] = [
        include_bytes!("../fonts/Inter-Regular.otf"),
        include_bytes!("../fonts/Inter-SemiBold.otf"),
        include_bytes!("../fonts/NotoSansArabic-Regular.ttf"),
        include_bytes!("../fonts/NotoSansArabic-Bold.ttf"),
        include_bytes!("../fonts/NotoSansHebrew-Regular.ttf"),
        include_bytes!("../fonts/NotoSansHebrew-Bold.ttf"),
        include_bytes!("../fonts/NotoSansDevanagari-Regular.ttf"),
        include_bytes!("../fonts/NotoSansDevanagari-Bold.ttf"),
        include_bytes!("../fonts/NotoSansThai-Regular.ttf"),
        include_bytes!("../fonts/NotoSansThai-Bold.ttf"),
        include_bytes!("../fonts/NotoSansCJKsc-Regular.otf"),
    ];
    files.into_iter().filter_map(|file| Font::new(Bytes::new(file), 0)).collect()
});

static BOOK: LazyLock<LazyHash<FontBook>> =
    LazyLock::new(|| LazyHash::new(FontBook::from_fonts(FONTS.iter())));

static LIBRARY: LazyLock<LazyHash<Library>> = LazyLock::new(|| LazyHash::new(Library::default()));

/// The first is the one that is set; it takes from the others.
static TEMPLATE: LazyLock<[Source; 4]> = LazyLock::new(|| {
    [
        ("report.typ", include_str!("typst/report.typ")),
        ("chart.typ", include_str!("typst/chart.typ")),
        ("table.typ", include_str!("typst/table.typ")),
        ("theme.typ", include_str!("typst/theme.typ")),
    ]
    .map(|(name, text)| Source::new(file(name), text.to_owned()))
});

static DOCUMENT: LazyLock<FileId> = LazyLock::new(|| file("document.json"));

#[expect(clippy::expect_used, reason = "the names above are fixed")]
fn file(name: &str) -> FileId {
    RootedPath::new(VirtualRoot::Project, VirtualPath::new(name).expect("a name of a file")).intern()
}

/// The world of one document.
pub(crate) struct World {
    document: Bytes,
}

impl World {
    /// With `json` as the document.
    pub(crate) fn of(json: Vec<u8>) -> Self {
        Self { document: Bytes::new(json) }
    }
}

impl Seen for World {
    fn library(&self) -> &LazyHash<Library> {
        &LIBRARY
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &BOOK
    }

    fn main(&self) -> FileId {
        TEMPLATE[0].id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        TEMPLATE.iter().find(|source| source.id() == id).cloned().ok_or_else(|| absent(id))
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if id == *DOCUMENT { Ok(self.document.clone()) } else { Err(absent(id)) }
    }

    fn font(&self, index: usize) -> Option<Font> {
        FONTS.get(index).cloned()
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}

fn absent(id: FileId) -> FileError {
    FileError::NotFound(id.vpath().get_with_slash().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_font_is_read() {
        let families: Vec<_> =
            BOOK.families().map(|(family, faces)| (family.to_owned(), faces.count())).collect();
        assert_eq!(families.len(), 6, "{families:?}");
        assert_eq!(FONTS.len(), 11);
    }
}
