//! Where the cells of a line stand: under the dashes of a ruled line, between dividers, under the words of a header.

/// A column's name without what AsciiDoc, troff and LaTeX put around it.
pub fn plain(name: &[u8]) -> Vec<u8> {
    let name = name.trim_ascii();
    let name = name.strip_prefix(b"\\fI").and_then(|name| name.strip_suffix(b"\\fP")).unwrap_or(name);
    let name = match memchr::memmem::rfind(name, b"{") {
        Some(open) if name.starts_with(b"\\") => name[open + 1..].split(|b| *b == b'}').next().unwrap_or(name),
        _ => name,
    };
    name.iter().copied().filter(|b| *b != b'\\').collect()
}

/// The cells of a row as psql writes them for LaTeX: `a & b \\`, also `\raggedright{a} & … \tabularnewline`.
pub fn latex(line: &[u8]) -> Vec<(usize, usize)> {
    let end = line.strip_suffix(b"\\\\").or(line.strip_suffix(b"\\tabularnewline"));
    let Some(text) = end.filter(|text| memchr::memmem::find(text, b" & ").is_some()) else { return Vec::new() };
    let inner = |(start, end): (usize, usize)| match line[start..end].strip_prefix(b"\\raggedright{") {
        Some(text) if text.ends_with(b"}") => (end - text.len(), end - 1),
        _ => (start, end),
    };
    split(text, b" & ", 0).into_iter().map(|cell| inner(bare(line, cell))).collect()
}

/// Whether a line is the header of a table for troff: `\fIid\fP`, a tab, `\fIlogin\fP`.
pub fn troff(line: &[u8]) -> bool {
    line.starts_with(b"\\fI") && line.ends_with(b"\\fP") && line.contains(&b'\t')
}

/// The cells of a row of AsciiDoc: each begins with `|`, that of a header with `^l|`.
pub fn marked(line: &[u8]) -> Vec<(usize, usize)> {
    let begins = |at: &usize| {
        *at == 0
            || matches!(line[at - 1], b' ' | b'l')
                && (line[at - 1] == b' ' || matches!(line[..at - 1], [] | [.., b'^' | b'<' | b'>']))
    };
    let starts: Vec<usize> = memchr::memchr_iter(b'|', line).filter(begins).collect();
    let ends = starts.iter().skip(1).copied().chain([line.len()]);
    let cells = starts.iter().zip(ends).map(|(start, end)| {
        let text = line[start + 1..end].trim_ascii_end();
        let text = text.strip_suffix(b"l|").or(text.strip_suffix(b"^l")).or(text.strip_suffix(b"<l")).unwrap_or(text);
        bare(line, (start + 1, start + 1 + text.len()))
    });
    cells.collect()
}

/// Where the columns of a header in capitals begin, at least two, with two blanks or more between: `NAME   PASSWORD`.
pub fn spaced(line: &[u8]) -> Vec<(usize, usize)> {
    let name = |b: &u8| {
        b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b' ' | b'-' | b'_' | b'.' | b'/' | b'(' | b')')
    };
    if !line.first().is_some_and(u8::is_ascii_uppercase) || !line.iter().all(name) {
        return Vec::new();
    }
    let begins = |n: &usize| *n == 0 || line[*n] != b' ' && *n > 1 && line[n - 2..*n] == *b"  ";
    let starts: Vec<usize> = (0..line.len()).filter(begins).collect();
    let ends = starts.iter().skip(1).copied().chain([line.len()]);
    if starts.len() < 2 { Vec::new() } else { starts.iter().copied().zip(ends).collect() }
}

/// Where the dashes of a ruled line stand, in characters: `----+---`, `+---+`, `├───┼───┤`, `--- ----`.
pub fn ruled(line: &[u8]) -> Vec<(usize, usize)> {
    let starts = |b: &u8| matches!(b, b'-' | b'+' | b'|' | 0xE2);
    let Some(text) = line.first().filter(|b| starts(b)).and_then(|_| std::str::from_utf8(line).ok()) else {
        return Vec::new();
    };
    let mut places = Vec::new();
    let mut start = None;
    for (n, c) in text.chars().chain([' ']).enumerate() {
        match c {
            '-' | '\u{2500}' | '\u{2550}' => {
                start.get_or_insert(n);
            }
            '+' | '|' | ' ' | ':' | '\u{2502}' | '\u{250C}' | '\u{2510}' | '\u{2514}' | '\u{2518}' | '\u{251C}'
            | '\u{2524}' | '\u{252C}' | '\u{2534}' | '\u{253C}' => places.extend(start.take().map(|s| (s, n))),
            _ => return Vec::new(),
        }
    }
    // Without dividers a cell may be wider than the dashes: it goes on to the next column.
    if line.iter().all(|b| matches!(b, b'-' | b' ')) {
        for n in 1..places.len() {
            places[n - 1].1 = places[n].0;
        }
    }
    let wide = places.iter().any(|(a, b)| b - a >= 2);
    if wide { places } else { Vec::new() }
}

/// The cells of a line under the dashes. Where the line is divided as often, by its dividers: a character may be wider.
pub fn under(line: &[u8], places: &[(usize, usize)], divider: &str) -> Vec<(usize, usize)> {
    if let Some(cells) = by_dividers(line, places.len(), divider) {
        return cells.into_iter().map(|cell| bare(line, cell)).collect();
    }
    let starts: Vec<usize> = std::str::from_utf8(line)
        .map(|text| text.char_indices().map(|(n, _)| n).collect())
        .unwrap_or_else(|_| (0..line.len()).collect());
    let byte = |n: usize| starts.get(n).copied().unwrap_or(line.len());
    places
        .iter()
        .enumerate()
        // The last column goes to the end of the line: its text may be wider than its dashes.
        .map(|(n, (a, b))| bare(line, (byte(*a), if n + 1 == places.len() { line.len() } else { byte(*b) })))
        .collect()
}

/// What divides the cells of a table with this ruled line.
pub fn divider(ruled: &[u8]) -> &'static str {
    if ruled.is_ascii() { "|" } else { "\u{2502}" }
}

/// Whether a line has as many cells, by its dividers.
pub fn divided_as(line: &[u8], count: usize, divider: &str) -> bool {
    count == 1 || by_dividers(line, count, divider).is_some()
}

fn by_dividers(line: &[u8], count: usize, divider: &str) -> Option<Vec<(usize, usize)>> {
    let text = line.trim_ascii();
    let text = text.strip_prefix(divider.as_bytes()).unwrap_or(text);
    let offset = line.len() - line.trim_ascii_start().len() + (line.trim_ascii().len() - text.len());
    let text = text.strip_suffix(divider.as_bytes()).unwrap_or(text);
    let parts = split(text, divider.as_bytes(), offset);
    (parts.len() == count && count > 1).then_some(parts)
}

/// Name and value of a row of psql's records, `name | value`, also in a frame: all behind the first divider is the value.
pub fn named(line: &[u8]) -> Option<((usize, usize), (usize, usize))> {
    let text = line.trim_ascii_end();
    let first = line.iter().position(|b| matches!(b, b'|' | 0xE2))?;
    let divider = if line[first] == b'|' { &b"|"[..] } else { "\u{2502}".as_bytes() };
    let framed = first == 0 && text.len() > divider.len() && text.ends_with(divider);
    let (from, to) = if framed { (divider.len(), text.len() - divider.len()) } else { (0, text.len()) };
    let at = from + memchr::memmem::find(line.get(from..to)?, divider)?;
    let trimmed = |from: usize, to: usize| {
        let start = to - line[from..to].trim_ascii_start().len();
        (start, start + line[start..to].trim_ascii_end().len())
    };
    Some((trimmed(from, at), trimmed(at + divider.len(), to)))
}

pub fn split(text: &[u8], by: &[u8], offset: usize) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut start = 0;
    for at in memchr::memmem::find_iter(text, by) {
        out.push((offset + start, offset + at));
        start = at + by.len();
    }
    out.push((offset + start, offset + text.len()));
    out
}

/// A cell without blanks, dividers and psql's signs for a value that goes on (`+`, `.`, `↵`, `…`).
pub fn bare(line: &[u8], (mut start, mut end): (usize, usize)) -> (usize, usize) {
    const GOES_ON: &[&[u8]] = &["\u{21B5}".as_bytes(), "\u{2026}".as_bytes(), "\u{2502}".as_bytes(), b"|"];
    loop {
        let text = &line[start..end];
        let blanks = text.len() - text.trim_ascii_start().len();
        if let Some(sign) = GOES_ON.iter().find(|sign| text.trim_ascii_start().starts_with(sign)) {
            start += blanks + sign.len();
            continue;
        }
        start += blanks;
        let text = line[start..end].trim_ascii_end();
        end = start + text.len();
        let sign = GOES_ON.iter().find(|sign| text.ends_with(sign)).map(|sign| sign.len());
        // `+` ends a secret as well; psql writes it behind the widest line of the cell, so it may be of neither.
        match sign.or_else(|| text.ends_with(b" +").then_some(1)) {
            Some(n) => end -= n,
            None => return (start, end),
        }
    }
}

pub fn divided(line: &[u8], divider: u8) -> Vec<(usize, usize)> {
    quoted_cells(line, divider, false).0
}

/// The cells of a row as RFC 4180 writes them, without quotes; and whether the last one is still open.
pub fn quoted_cells(line: &[u8], divider: u8, mut quoted: bool) -> (Vec<(usize, usize)>, bool) {
    let mut out = Vec::new();
    let mut start = 0;
    for (at, b) in line.iter().enumerate() {
        match b {
            b'"' if at == start && !quoted => quoted = true,
            b'"' if quoted => quoted = false,
            b'"' if at > start && line[at - 1] == b'"' && line[start] == b'"' => quoted = true,
            b if *b == divider && !quoted => {
                out.push(unquoted(line, (start, at)));
                start = at + 1;
            }
            _ => {}
        }
    }
    out.push(unquoted(line, (start, line.len())));
    (out, quoted)
}

pub fn unquoted(line: &[u8], (start, end): (usize, usize)) -> (usize, usize) {
    let (start, end) = bare(line, (start, end));
    let text = &line[start..end];
    let left = usize::from(text.starts_with(b"\""));
    let right = usize::from(text.len() > left && text.ends_with(b"\""));
    (start + left, end - right)
}

/// Whether all cells are names.
pub fn is_header(line: &[u8], divider: u8) -> bool {
    // psql's unaligned tables have no blanks around the divider; a row of two names in an aligned one has.
    let blanks = divider == b'|' && memchr::memmem::find(line, b" |").is_some();
    !blanks
        && divided(line, divider).into_iter().all(|(start, end)| {
            let name = &line[start..end];
            !name.is_empty()
                && name.len() <= 63
                && name.iter().filter(|b| **b == b' ').count() < 3
                && !name.starts_with(b"from ")
                && !name.starts_with(b"import ")
                && !name[0].is_ascii_digit()
                && name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b' ' | b'.'))
        })
}

/// The columns of `COPY t (a, b) FROM stdin;`, which pg_dump writes.
pub fn copied(line: &[u8]) -> Option<Vec<u8>> {
    let line = line.strip_prefix(b"COPY ")?;
    let open = line.iter().position(|b| *b == b'(')?;
    let close = open + line[open..].iter().position(|b| *b == b')')?;
    line[close..].starts_with(b") FROM stdin").then(|| {
        line[open + 1..close]
            .iter()
            .filter(|b| **b != b' ' && **b != b'"')
            .map(|b| if *b == b',' { b'\t' } else { *b })
            .collect()
    })
}

/// The two cells of a row, divided by `|` or `│` with blanks around, or by one sign alone.
pub fn two(line: &[u8]) -> Option<((usize, usize), (usize, usize))> {
    for divider in ["|", "\u{2502}", ",", ";", "\t"] {
        if memchr::memchr(divider.as_bytes()[0], line).is_none() {
            continue;
        }
        let inner = line.trim_ascii_end();
        let framed = inner.strip_prefix(divider.as_bytes()).and_then(|t| t.strip_suffix(divider.as_bytes()));
        let cells = match framed {
            Some(inner) => split(inner, divider.as_bytes(), divider.len()),
            None => split(inner, divider.as_bytes(), 0),
        };
        let &[name, value] = &cells[..] else { continue };
        let (name, value) = (bare(line, name), unquoted(line, value));
        let text = &line[name.0..name.1];
        let word = text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
        if word && (divider == "|" || divider == "\u{2502}" || !text.is_empty()) {
            return Some((name, value));
        }
    }
    blanks(line)
}

/// A name and one word, two blanks or more between them.
fn blanks(line: &[u8]) -> Option<((usize, usize), (usize, usize))> {
    let start = line.len() - line.trim_ascii_start().len();
    let word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let end = start + line[start..].iter().take_while(|b| word(b)).count();
    let gap = line[end..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let text = line[end + gap..].trim_ascii_end();
    let one = !text.is_empty() && !text.contains(&b' ') && super::super::checks::Check::Random.holds(text, b"");
    (end > start && (gap > 1 || line[end..].starts_with(b"\t")) && one)
        .then_some(((start, end), (end + gap, end + gap + text.len())))
}
