//! Names that are not ASCII, as they are looked up (RFC 3492, RFC 5891). What only the mapping tables of UTS 46 know is
//! not certain here, and is said so.

/// The ASCII form of a host, and whether it is not certain that curl makes the same of it. `None` where there is none.
pub fn ascii(host: &str) -> Option<(String, bool)> {
    let mut unsure = false;
    let mut labels = Vec::new();
    // UTS 46 takes these three for dots, too.
    for label in host.split(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}']) {
        let label: String = label.chars().flat_map(char::to_lowercase).collect();
        unsure |= !label.chars().all(is_plain);
        labels.push(if label.is_ascii() { label } else { format!("xn--{}", punycode(&label)?) });
    }
    Some((labels.join("."), unsure))
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
        assert!(ascii("ⓔvil.example").unwrap().1);
        assert!(ascii("faß.example").unwrap().1 || ascii("faß.example").unwrap().0 == "xn--fa-hia.example");
    }
}
