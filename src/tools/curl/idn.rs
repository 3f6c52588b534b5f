//! Names that are not ASCII, as they are looked up (RFC 3492, RFC 5891). What only the mapping tables of UTS 46 know is
//! not certain here, and is said so.

/// The ASCII form of a host, and whether it is not certain that curl makes the same of it. `None` where there is none.
pub fn ascii(host: &str) -> Option<(String, bool)> {
    let mut unsure = false;
    let mut labels = Vec::new();
    // UTS 46 takes these three for dots, too.
    for label in host.split(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}']) {
        let label: String = label.chars().flat_map(mapped).flat_map(char::to_lowercase).collect();
        // Of what looks as if it were encoded already, more is asked.
        unsure |= !label.chars().all(is_plain) || label.get(2..4) == Some("--");
        labels.push(if label.is_ascii() { label } else { format!("xn--{}", punycode(&label)?) });
    }
    Some((labels.join("."), unsure))
}

/// Characters that UTS 46 maps to ASCII because they are letters and digits in another dress (wide, in circles, raised,
/// lowered, of formulas, joined), and those that it takes away; all others as they are.
fn mapped(c: char) -> Vec<char> {
    let code = u32::from(c);
    let nth = |first: char, at: u32| vec![char::from_u32(u32::from(first) + at).unwrap_or(c)];
    match c {
        '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' => Vec::new(),
        '\u{aa}' => vec!['a'],
        '\u{ba}' => vec!['o'],
        '\u{b2}' | '\u{b3}' => nth('2', code - 0xb2),
        '\u{b9}' => vec!['1'],
        '\u{17f}' => vec!['s'],
        '\u{2070}' | '\u{24ea}' => vec!['0'],
        '\u{2074}'..='\u{2079}' => nth('4', code - 0x2074),
        '\u{2080}'..='\u{2089}' => nth('0', code - 0x2080),
        '\u{2460}'..='\u{2473}' => (code - 0x245f).to_string().chars().collect(),
        '\u{24b6}'..='\u{24e9}' => nth('a', (code - 0x24b6) % 26),
        '\u{fb00}' => vec!['f', 'f'],
        '\u{fb01}' => vec!['f', 'i'],
        '\u{fb02}' => vec!['f', 'l'],
        '\u{fb03}' => vec!['f', 'f', 'i'],
        '\u{fb04}' => vec!['f', 'f', 'l'],
        '\u{fb05}' | '\u{fb06}' => vec!['s', 't'],
        '\u{ff0d}' => vec!['-'],
        '\u{ff3f}' => vec!['_'],
        '\u{ff10}'..='\u{ff19}' => nth('0', code - 0xff10),
        '\u{ff21}'..='\u{ff3a}' => nth('a', code - 0xff21),
        '\u{ff41}'..='\u{ff5a}' => nth('a', code - 0xff41),
        '\u{1d400}'..='\u{1d6a3}' => nth('a', (code - 0x1d400) % 26),
        '\u{1d7ce}'..='\u{1d7ff}' => nth('0', (code - 0x1d7ce) % 10),
        c => vec![c],
    }
}

/// Letters that no mapping changes: of the scripts of Europe as single characters, kana, and the common ideographs.
fn is_plain(c: char) -> bool {
    let foreign = matches!(c,
        '\u{e0}'..='\u{f6}' | '\u{f8}'..='\u{131}' | '\u{134}'..='\u{148}' | '\u{14a}'..='\u{17e}'
        | '\u{3ac}'..='\u{3c1}' | '\u{3c3}'..='\u{3ce}' | '\u{430}'..='\u{45f}'
        | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{30fc}' | '\u{4e00}'..='\u{9fa5}');
    c.is_ascii_alphanumeric() || c == '-' || c == '_' || foreign
}

/// RFC 3492 section 6.3, with the parameters of section 5.
fn punycode(label: &str) -> Option<String> {
    const LONGEST: usize = 63;
    let mut out: String = label.chars().filter(char::is_ascii).collect();
    let all = label.chars().count();
    if all > LONGEST {
        return None;
    }
    let basic = out.len();
    if basic > 0 {
        out.push('-');
    }
    let (mut n, mut delta, mut bias, mut done) = (128u32, 0u32, 72u32, u32::try_from(basic).ok()?);
    while (done as usize) < all {
        let next = label.chars().map(u32::from).filter(|c| *c >= n).min()?;
        delta = delta.checked_add((next - n).checked_mul(done + 1)?)?;
        n = next;
        for c in label.chars().map(u32::from) {
            if c < n {
                delta = delta.checked_add(1)?;
            }
            if c == n {
                digits(&mut out, delta, bias);
                bias = adapted(delta, done + 1, done as usize == basic);
                delta = 0;
                done += 1;
            }
        }
        delta += 1;
        n += 1;
    }
    Some(out)
}

fn digits(out: &mut String, delta: u32, bias: u32) {
    let mut q = delta;
    let mut k = 36u32;
    loop {
        let t = k.saturating_sub(bias).clamp(1, 26);
        let digit = if q < t { q } else { t + (q - t) % (36 - t) };
        out.push(char::from(b"abcdefghijklmnopqrstuvwxyz0123456789"[digit as usize % 36]));
        if q < t {
            return;
        }
        q = (q - t) / (36 - t);
        k += 36;
    }
}

fn adapted(delta: u32, points: u32, first: bool) -> u32 {
    let mut delta = if first { delta / 700 } else { delta / 2 };
    delta += delta / points;
    let mut k = 0;
    while delta > 455 {
        delta /= 35;
        k += 36;
    }
    k + 36 * delta / (delta + 38)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_get_their_ascii_form() {
        assert_eq!(ascii("Bücher.Example").unwrap(), ("xn--bcher-kva.example".to_owned(), false));
        assert_eq!(ascii("例え.jp").unwrap(), ("xn--r8jz45g.jp".to_owned(), false));
        assert_eq!(ascii("пример.рф").unwrap(), ("xn--e1afmkfd.xn--p1ai".to_owned(), false));
        assert_eq!(ascii("evil。example").unwrap(), ("evil.example".to_owned(), false));
        assert_eq!(ascii("ⓔvi\u{ad}l.①②.２").unwrap(), ("evil.12.2".to_owned(), false));
        assert!(ascii("e\u{301}.example").unwrap().1);
        assert!(ascii("ｘn--a.example").unwrap().1);
        assert!(ascii("faß.example").unwrap().1 || ascii("faß.example").unwrap().0 == "xn--fa-hia.example");
    }
}
