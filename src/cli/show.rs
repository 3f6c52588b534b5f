//! Results on standard output: aligned tables, times and sizes as people read them, JSON for scripts.

use std::io::{self, Write as _};

use serde::Serialize;

use crate::model::Micros;

/// Writes text as it is; a reader that went away is an error, not a panic.
pub fn text(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

pub fn line(line: &str) -> io::Result<()> {
    text(&format!("{line}\n"))
}

pub fn json(value: &impl Serialize) -> io::Result<()> {
    line(&serde_json::to_string_pretty(value)?)
}

/// Columns padded to their widest cell; the last one is left ragged. Nothing at all where there are no rows.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut all = Vec::new();
    if !head.is_empty() {
        all.push(head.iter().map(|cell| (*cell).to_owned()).collect());
    }
    all.extend_from_slice(rows);
    text(&aligned(&all))
}

fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width + 2 - cell.chars().count()));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// `2026-03-01 18:05:09 UTC`.
pub fn time(at: Micros) -> String {
    match jiff::Timestamp::from_microsecond(at.0) {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => "?".to_owned(),
    }
}

/// `0.35 s`, `2 min 5 s`.
pub fn span(span: Micros) -> String {
    let seconds = span.0 / 1_000_000;
    match seconds {
        0..60 => format!("{}.{:02} s", seconds, (span.0 % 1_000_000).abs() / 10_000),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `512 B`, `1.5 MiB`.
pub fn size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let (mut tenths, mut unit) = (bytes * 10 / 1024, 0);
    while tenths >= 10_240 && unit + 1 < units.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, units[unit])
}

#[cfg(test)]
mod tests {
    use super::{aligned, size, span, time};
    use crate::model::Micros;

    #[test]
    fn columns_line_up_and_lines_end_without_blanks() {
        let rows =
            [vec!["ID".to_owned(), "WHAT".to_owned()], vec!["apr_1".to_owned(), "é".to_owned()], vec!["x".to_owned()]];
        assert_eq!(aligned(&rows), "ID     WHAT\napr_1  é\nx\n");
    }

    #[test]
    fn sizes_spans_and_times_read_as_people_say_them() {
        assert_eq!([size(512), size(1536), size(8 << 30)], ["512 B", "1.5 KiB", "8.0 GiB"]);
        assert_eq!([span(Micros(350_000)), span(Micros::seconds(125))], ["0.35 s", "2 min 5 s"]);
        assert_eq!(time(Micros(0)), "1970-01-01 00:00:00 UTC");
    }
}
