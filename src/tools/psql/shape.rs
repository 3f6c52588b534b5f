//! How psql prints what it gets. Masks go by a value's form and by its column's heading: with some settings neither is there.

use super::variables::boolean;

/// Whether `\pset NAME VALUE` leaves psql's own table, where each value stands whole below or beside its heading: other formats
/// escape letters, break values over lines, or print rows in which a value can look like a heading or like an end.
/// Without headings none can be told, without borders neither; the style `old-ascii` divides some lines in another way,
/// and `numericlocale` puts signs between digits. psql takes the beginnings of a format's or a style's name.
pub fn reshapes(name: &[u8], value: Option<&[u8]>) -> bool {
    match name {
        b"format" => value.is_some_and(|value| !b"aligned".starts_with(&value.to_ascii_lowercase())),
        b"border" => value.is_some_and(|value| !matches!(value, b"1" | b"2")),
        b"linestyle" => value.is_some_and(|value| value.first().is_some_and(|b| b.eq_ignore_ascii_case(&b'o'))),
        b"t" | b"tuples_only" | b"numericlocale" => value.and_then(boolean) != Some(false),
        _ => false,
    }
}

/// Options that stand for such a setting.
pub fn is_reshaping(option: &str) -> bool {
    matches!(option, "csv" | "html" | "no-align" | "tuples-only")
}

/// Variables with which psql prints a result in pieces, of which only the first has headings (psql(1), "FETCH_COUNT").
pub fn splits(variable: &[u8]) -> bool {
    variable == b"FETCH_COUNT"
}

/// Whether psql takes `\pset NAME VALUE`; `-P` with another ends it. Names and words of versions 15 to 18.
pub fn accepted(name: &[u8], value: Option<&[u8]>) -> bool {
    let Ok(name) = std::str::from_utf8(name) else { return false };
    let Some(value) = value else { return FREE.contains(&name) || WORDS.iter().any(|(known, _, _)| *known == name) };
    let begins = |word: &&[u8]| word.len() >= value.len() && word[..value.len()].eq_ignore_ascii_case(value);
    if name == "format" {
        // A beginning must fit one alone, but `latex` is a format and a beginning.
        let fits = FORMATS.iter().filter(|word| begins(word)).count();
        return fits == 1 || (!value.is_empty() && begins(&&b"latex-longtable"[..]));
    }
    match WORDS.iter().find(|(known, _, _)| *known == name) {
        Some((_, words, switch)) => words.iter().any(begins) || (*switch && boolean(value).is_some()),
        None if name == "csv_fieldsep" => matches!(value, [byte] if !b"\"\n\r".contains(byte)),
        None => FREE.contains(&name),
    }
}

const FORMATS: &[&[u8]] = &[b"aligned", b"asciidoc", b"csv", b"html", b"troff-ms", b"unaligned", b"wrapped"];

/// Settings that take any value, or none.
const FREE: &[&str] = &[
    "C",
    "T",
    "border",
    "columns",
    "csv_fieldsep",
    "fieldsep",
    "fieldsep_zero",
    "format",
    "null",
    "pager_min_lines",
    "recordsep",
    "recordsep_zero",
    "tableattr",
    "title",
    "xheader_width",
];

/// Settings that take words or, where the last field says so, a boolean.
const WORDS: &[(&str, &[&[u8]], bool)] = &[
    ("expanded", &[b"auto"], true),
    ("footer", &[], true),
    ("linestyle", &[b"ascii", b"old-ascii", b"unicode"], false),
    ("numericlocale", &[], true),
    ("pager", &[b"always"], true),
    ("t", &[], true),
    ("tuples_only", &[], true),
    ("unicode_border_linestyle", &[b"single", b"double"], false),
    ("unicode_column_linestyle", &[b"single", b"double"], false),
    ("unicode_header_linestyle", &[b"single", b"double"], false),
    ("vertical", &[b"auto"], true),
    ("x", &[b"auto"], true),
];
