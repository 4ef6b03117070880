//! Cells of files that people open in spreadsheets.

/// What a formula begins with, also in the full-width forms that East Asian spreadsheets take for the same.
const BEGINS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// Writes a cell (RFC 4180). A spreadsheet would run what begins like a formula (OWASP, CSV Injection), so an apostrophe
/// goes before it. Numbers are left alone, and with them phone numbers in E.164: a sign and digits compute nothing.
pub(crate) fn cell(value: &str, text: &mut String) {
    let runs = value.starts_with(BEGINS) && !is_number(value);
    let mark = if runs { "'" } else { "" };
    if value.contains([',', '"', '\r', '\n']) {
        text.extend(["\"", mark, value.replace('"', "\"\"").as_str(), "\""]);
    } else {
        text.extend([mark, value]);
    }
}

/// Writes cells as a line.
pub(crate) fn line<'v>(cells: impl IntoIterator<Item = &'v str>, text: &mut String) {
    for (at, value) in cells.into_iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        cell(value, text);
    }
    text.push_str("\r\n");
}

fn is_number(value: &str) -> bool {
    let form = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    value.bytes().all(form) && value.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_runs_in_no_spreadsheet_and_numbers_stay_numbers() {
        for (value, written) in [
            ("lead", "lead"),
            ("", ""),
            ("=1+1", "'=1+1"),
            ("+cmd", "'+cmd"),
            ("-x", "'-x"),
            ("@sum(a1)", "'@sum(a1)"),
            ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""),
            ("\n=x", "\"'\n=x\""),
            ("＝1+1", "'＝1+1"),
            ("＠x", "'＠x"),
            ("=a,\"b\"", "\"'=a,\"\"b\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("-12.5", "-12.5"),
            ("+1e3", "+1e3"),
            ("+4915112345603", "+4915112345603"),
            ("+49 151", "'+49 151"),
            ("-", "'-"),
            ("-1+1", "'-1+1"),
            ("-inf", "'-inf"),
            ("1-1", "1-1"),
        ] {
            let mut text = String::new();
            cell(value, &mut text);
            assert_eq!(text, written, "{value:?}");
        }
    }

    #[test]
    fn a_line_divides_its_cells() {
        let mut text = String::new();
        line(["a", "b,c", ""], &mut text);
        assert_eq!(text, "a,\"b,c\",\r\n");
    }
}
