//! URL globbing (curl(1), "GLOBBING"): sets `{a,b}`, ranges `[1-9]`, `[001-100:2]`, `[a-z:3]`, and `\` before a
//! character that would mean something.

/// More requests than this of one URL are not listed one by one.
pub const MOST: usize = 2_000;

#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// curl refuses the pattern.
    Refused,
    TooMany,
}

/// One expansion: the URL, and what stood in each pattern, for `#1` in names of output files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expanded {
    pub url: Vec<u8>,
    pub parts: Vec<Vec<u8>>,
}

pub fn expand(pattern: &[u8]) -> Result<Vec<Expanded>, Error> {
    let mut all = vec![Expanded { url: Vec::new(), parts: Vec::new() }];
    let mut rest = pattern;
    while let Some((first, after)) = rest.split_first() {
        rest = match first {
            b'{' => {
                let (choices, after) = set(after)?;
                all = multiply(all, &choices)?;
                after
            }
            b'[' if is_address(rest) => {
                let end = rest.iter().position(|b| *b == b']').map_or(rest.len(), |at| at + 1);
                append(&mut all, &rest[..end]);
                &rest[end..]
            }
            b'[' => {
                let end = after.iter().position(|b| *b == b']').ok_or(Error::Refused)?;
                all = multiply(all, &range(&after[..end])?)?;
                &after[end + 1..]
            }
            b'}' | b']' => return Err(Error::Refused),
            b'\\' if matches!(after.first(), Some(b'{' | b'}' | b'[' | b']')) => {
                append(&mut all, &after[..1]);
                &after[1..]
            }
            _ => {
                append(&mut all, &rest[..1]);
                after
            }
        };
    }
    Ok(all)
}

fn append(all: &mut [Expanded], bytes: &[u8]) {
    all.iter_mut().for_each(|one| one.url.extend_from_slice(bytes));
}

fn multiply(all: Vec<Expanded>, choices: &[Vec<u8>]) -> Result<Vec<Expanded>, Error> {
    if all.len().saturating_mul(choices.len()) > MOST {
        return Err(Error::TooMany);
    }
    let mut out = Vec::new();
    for one in all {
        for choice in choices {
            let mut next = one.clone();
            next.url.extend_from_slice(choice);
            next.parts.push(choice.clone());
            out.push(next);
        }
    }
    Ok(out)
}

/// `a,b}` and what follows.
fn set(text: &[u8]) -> Result<(Vec<Vec<u8>>, &[u8]), Error> {
    let mut choices = Vec::new();
    let mut choice = Vec::new();
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'}' if choices.is_empty() && choice.is_empty() => return Err(Error::Refused),
            b'}' => {
                choices.push(choice);
                return Ok((choices, after));
            }
            b'{' | b'[' | b']' => return Err(Error::Refused),
            b',' => choices.push(std::mem::take(&mut choice)),
            b'\\' if !after.is_empty() => {
                choice.push(after[0]);
                rest = &after[1..];
            }
            other => choice.push(*other),
        }
    }
    Err(Error::Refused)
}

/// `1-9`, `01-10:3`, `a-z:2`.
fn range(text: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let text = std::str::from_utf8(text).map_err(|_| Error::Refused)?;
    let (bounds, step) = text.split_once(':').map_or((text, "1"), |(bounds, step)| (bounds, step));
    let step: u64 = step.parse().ok().filter(|step| *step > 0).ok_or(Error::Refused)?;
    let (from, to) = bounds.split_once('-').ok_or(Error::Refused)?;
    if let ([from], [to]) = (from.as_bytes(), to.as_bytes())
        && from.is_ascii_alphabetic()
        && to.is_ascii_alphabetic()
    {
        let step = usize::try_from(step).map_err(|_| Error::Refused)?;
        let fits = from < to && step <= usize::from(to - from) || from == to && step == 1;
        return if fits { Ok((*from..=*to).step_by(step).map(|b| vec![b]).collect()) } else { Err(Error::Refused) };
    }
    let number = |text: &str| {
        text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten().ok_or(Error::Refused)
    };
    let (first, last) = (number(from)?, number(to)?);
    if first > last || (step > last - first && !(first == last && step == 1)) {
        return Err(Error::Refused);
    }
    if (last - first) / step >= MOST as u64 {
        return Err(Error::TooMany);
    }
    let width = if from.starts_with('0') { from.len() } else { 0 };
    let step = usize::try_from(step).map_err(|_| Error::Refused)?;
    Ok((first..=last).step_by(step).map(|n| format!("{n:0width$}").into_bytes()).collect())
}

/// Whether brackets hold an IPv6 address and not a range.
fn is_address(text: &[u8]) -> bool {
    let end = text.iter().position(|b| *b == b']');
    let inside = end.and_then(|end| std::str::from_utf8(&text[1..end]).ok()).unwrap_or_default();
    let address = inside.split('%').next().unwrap_or_default();
    address.parse::<std::net::Ipv6Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(pattern: &str) -> String {
        match expand(pattern.as_bytes()) {
            Ok(all) => all.iter().map(|one| String::from_utf8(one.url.clone()).unwrap()).collect::<Vec<_>>().join(" "),
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn patterns_multiply_as_curl_multiplies_them() {
        assert_eq!(urls("h/{a,b}{1,2}"), "h/a1 h/a2 h/b1 h/b2");
        assert_eq!(urls("h/[08-11]"), "h/08 h/09 h/10 h/11");
        assert_eq!(urls("h/[1-5:2]"), "h/1 h/3 h/5");
        assert_eq!(urls("h/[a-e:2]"), "h/a h/c h/e");
        assert_eq!(urls("h/{a,}"), "h/a h/");
        assert_eq!(urls("h/\\{a\\}"), "h/{a}");
        assert_eq!(urls("http://[::1]:80/[1-2]"), "http://[::1]:80/1 http://[::1]:80/2");
        for refused in ["h/{a", "h/[a]", "h/{}", "h/a]b", "h/a}b", "h/[3-1]"] {
            assert_eq!(urls(refused), "Refused", "{refused}");
        }
        assert_eq!(urls("h/[1-99999]"), "TooMany");
    }
}
