//! Text for a human's eyes, out of bytes that the agent chose. The one place where anything is made lossy.

/// The bytes as one line that a terminal, a page or a log can show without being driven by it.
///
/// Control characters (C0, DEL, C1), bidirectional and zero-width format characters, line and paragraph separators and
/// bytes that are not UTF-8 come out as escapes (`\n`, `\x1b`, `\u{202e}`); a backslash stays itself. At most `most`
/// characters, then `…`.
pub fn line(bytes: &[u8], most: usize) -> String {
    let mut out = String::new();
    let mut shown = 0;
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if shown == most {
                out.push('…');
                return out;
            }
            push(&mut out, c);
            shown += 1;
        }
        for byte in chunk.invalid() {
            if shown == most {
                out.push('…');
                return out;
            }
            out.push_str(&format!("\\x{byte:02x}"));
            shown += 1;
        }
    }
    out
}

/// The same over several lines: newlines and tabs stay.
pub fn text(bytes: &[u8], most: usize) -> String {
    let mut left = most;
    let mut out = String::new();
    for (i, part) in bytes.split(|b| *b == b'\n').enumerate() {
        if i > 0 {
            out.push('\n');
        }
        if left == 0 {
            out.push('…');
            break;
        }
        let shown = line(part, left).replace("\\t", "\t");
        left -= shown.chars().count().min(left);
        out.push_str(&shown);
    }
    out
}

fn push(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if c.is_control() && u32::from(c) < 0x100 => out.push_str(&format!("\\x{:02x}", u32::from(c))),
        c if c.is_control() || is_format(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
        c => out.push(c),
    }
}

/// Characters that change how their neighbours are shown, or are not shown at all (Unicode general categories Cf, Zl
/// and Zp, and the blank letters that are used to hide text).
fn is_format(c: char) -> bool {
    matches!(u32::from(c),
        0xad | 0x34f | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f
        | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0
        | 0xfff0..=0xfffb | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
}

#[cfg(test)]
mod tests {
    use super::{line, text};

    #[test]
    fn nothing_the_agent_wrote_can_drive_a_terminal_or_turn_the_text_around() {
        assert_eq!(line(b"\x1b[2Jhi\r\n", 99), "\\x1b[2Jhi\\r\\n");
        assert_eq!(line("a\u{202e}b\u{200b}c".as_bytes(), 99), "a\\u{202e}b\\u{200b}c");
        assert_eq!(line(b"caf\xc3\xa9 \xff", 99), "café \\xff");
        assert_eq!(line("\u{9b}31m".as_bytes(), 99), "\\x9b31m");
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        assert_eq!(line(b"abcdef", 3), "abc…");
        assert_eq!(line(b"abc", 3), "abc");
        assert_eq!(text(b"a\nb\tc\x07\n", 99), "a\nb\tc\\x07\n");
    }
}
