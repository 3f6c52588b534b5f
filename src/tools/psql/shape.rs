//! How psql prints what it gets: with some settings a value is not printed as it is, so that nothing finds it again.

use super::variables::boolean;

/// Formats that print a value's characters one after the other.
const PLAIN: &[&[u8]] = &[b"aligned", b"asciidoc", b"csv", b"html", b"unaligned"];

/// Whether `\pset NAME VALUE` breaks or changes what is printed: `wrapped` breaks values over lines, LaTeX and troff
/// escape letters in them, `numericlocale` puts signs between digits. psql takes the beginnings of a format's name.
pub fn reshapes(name: &[u8], value: Option<&[u8]>) -> bool {
    match name {
        b"format" => value.is_some_and(|value| {
            let value = value.to_ascii_lowercase();
            !PLAIN.iter().any(|plain| plain.starts_with(&value))
        }),
        b"numericlocale" => value.and_then(boolean) != Some(false),
        _ => false,
    }
}
