//! URL globbing (curl(1), "GLOBBING"; tool_urlglob.c): sets `{a,b}`, ranges `[1-9]`, `[001-100:2]`, `[a-z:3]`, and `\`
//! before a character that would mean something.

use super::url::{How, Parts};

/// More requests than this of one URL are not listed one by one.
pub const MOST: u64 = 2_000;

/// curl takes fewer patterns than this, fixed pieces counted.
const PATTERNS: usize = 100;

/// curl refuses the pattern.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused;

/// A URL with its patterns.
#[derive(Debug, PartialEq, Eq)]
pub struct Glob {
    pieces: Vec<Piece>,
    /// How many URLs it stands for.
    pub amount: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Fixed(Vec<u8>),
    Set(Vec<Vec<u8>>),
    /// From, step, how many, and the width to which zeros fill up.
    Numbers(u64, u64, u64, usize),
    Letters(Vec<u8>),
}

/// One expansion: the URL, and what stood in each pattern, for `#1` in names of output files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expanded {
    pub url: Vec<u8>,
    pub parts: Vec<Vec<u8>>,
    /// How many pieces the pattern has; names know only parts below it. Zero without globbing.
    pub pieces: usize,
}

impl Expanded {
    /// A URL that is taken as it is.
    pub fn plain(url: &[u8]) -> Self {
        Expanded { url: url.to_vec(), parts: Vec::new(), pieces: 0 }
    }
}

impl Glob {
    pub fn of(pattern: &[u8]) -> Result<Glob, Refused> {
        let mut glob = Glob { pieces: Vec::new(), amount: 1 };
        let mut fixed = Vec::new();
        let mut rest = pattern;
        while let Some((first, after)) = rest.split_first() {
            let literal = match first {
                b'[' => skipped(rest),
                b'\\' if matches!(after.first(), Some(b'{' | b'}' | b'[' | b']')) => {
                    rest = after;
                    1
                }
                b'{' => 0,
                b'}' | b']' => return Err(Refused),
                _ => 1,
            };
            if literal > 0 {
                fixed.extend_from_slice(&rest[..literal]);
                rest = &rest[literal..];
                continue;
            }
            if !fixed.is_empty() {
                glob.push(Piece::Fixed(std::mem::take(&mut fixed)))?;
            }
            let (piece, after) = if *first == b'{' { set(after)? } else { range(after)? };
            glob.push(piece)?;
            rest = after;
        }
        if !fixed.is_empty() {
            glob.push(Piece::Fixed(fixed))?;
        }
        Ok(glob)
    }

    fn push(&mut self, piece: Piece) -> Result<(), Refused> {
        let choices = match &piece {
            Piece::Fixed(_) => 1,
            Piece::Set(choices) => choices.len() as u64,
            Piece::Numbers(_, _, many, _) => *many,
            Piece::Letters(letters) => letters.len() as u64,
        };
        self.amount = self.amount.checked_mul(choices).ok_or(Refused)?;
        self.pieces.push(piece);
        if self.pieces.len() >= PATTERNS { Err(Refused) } else { Ok(()) }
    }

    /// Each URL in curl's order, the last pattern counting fastest. Only where there are at most [`MOST`].
    pub fn expand(&self) -> Vec<Expanded> {
        let mut all = vec![Expanded { url: Vec::new(), parts: Vec::new(), pieces: self.pieces.len() }];
        for piece in &self.pieces {
            let choices: Vec<Vec<u8>> = match piece {
                Piece::Fixed(text) => {
                    all.iter_mut().for_each(|one| one.url.extend_from_slice(text));
                    continue;
                }
                Piece::Set(choices) => choices.clone(),
                Piece::Numbers(from, step, many, width) => {
                    (0..*many).map(|i| format!("{:0width$}", from + i * step).into_bytes()).collect()
                }
                Piece::Letters(letters) => letters.iter().map(|b| vec![*b]).collect(),
            };
            let with = |one: &Expanded, choice: &Vec<u8>| {
                let mut next = one.clone();
                next.url.extend_from_slice(choice);
                next.parts.push(choice.clone());
                next
            };
            all = all.iter().flat_map(|one| choices.iter().map(move |choice| with(one, choice))).collect();
        }
        all
    }

    /// All of them in one, for eyes: `*` where a pattern stands.
    pub fn summary(&self) -> Vec<u8> {
        let text = |piece: &Piece| match piece {
            Piece::Fixed(text) => text.clone(),
            _ => b"*".to_vec(),
        };
        self.pieces.iter().flat_map(text).collect()
    }
}

/// How long an IPv6 address, or `[]`, is that a `[` begins; 0 where it begins a range.
fn skipped(text: &[u8]) -> usize {
    let end = text.iter().take(128).position(|b| *b == b']').map_or(0, |at| at + 1);
    let address = (1..128).contains(&end) && Parts::of(&text[..end], How::default()).is_some();
    if address || end == 2 { end } else { 0 }
}

/// `a,b}` and what follows.
fn set(text: &[u8]) -> Result<(Piece, &[u8]), Refused> {
    let mut choices = Vec::new();
    let mut choice = Vec::new();
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'}' if choices.is_empty() && choice.is_empty() => return Err(Refused),
            b'}' => {
                choices.push(choice);
                return Ok((Piece::Set(choices), after));
            }
            b'{' | b'[' | b']' => return Err(Refused),
            b',' => choices.push(std::mem::take(&mut choice)),
            b'\\' if !after.is_empty() => {
                choice.push(after[0]);
                rest = &after[1..];
            }
            other => choice.push(*other),
        }
    }
    Err(Refused)
}

/// `1-9]`, `01-10:3]`, `a-z:2]` and what follows.
fn range(text: &[u8]) -> Result<(Piece, &[u8]), Refused> {
    let end = text.iter().position(|b| *b == b']').ok_or(Refused)?;
    let inside = std::str::from_utf8(&text[..end]).map_err(|_| Refused)?;
    let rest = &text[end + 1..];
    let (bounds, step) = inside.split_once(':').map_or((inside, None), |(bounds, step)| (bounds, Some(step)));
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<u64>().ok()).flatten().ok_or(Refused)
    };
    let step = step.map_or(Ok(1), |step| number(step.trim_start()))?;
    let (from, to) = bounds.split_once('-').ok_or(Refused)?;
    let fits = |from: u64, to: u64| step > 0 && (from == to && step == 1 || from < to && step <= to - from);
    if let ([from @ (b'a'..=b'z' | b'A'..=b'Z')], [to]) = (from.as_bytes(), to.as_bytes()) {
        if !fits((*from).into(), (*to).into()) || to - from > b'z' - b'a' {
            return Err(Refused);
        }
        let letters = (*from..=*to).step_by(usize::try_from(step).map_err(|_| Refused)?).collect();
        return Ok((Piece::Letters(letters), rest));
    }
    let (first, last) = (number(from)?, number(to.trim_start_matches([' ', '\t']))?);
    if !fits(first, last) {
        return Err(Refused);
    }
    let many = ((last - first) / step).checked_add(1).ok_or(Refused)?;
    let width = if from.starts_with('0') { from.len() } else { 0 };
    Ok((Piece::Numbers(first, step, many, width), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(pattern: &str) -> String {
        match Glob::of(pattern.as_bytes()) {
            Ok(glob) if glob.amount > MOST => format!("{} of {}", glob.amount, glob.summary().escape_ascii()),
            Ok(glob) => {
                let all = glob.expand();
                all.iter().map(|one| String::from_utf8(one.url.clone()).unwrap()).collect::<Vec<_>>().join(" ")
            }
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
        assert_eq!(urls("h/\\{a\\}[]"), "h/{a}[]");
        assert_eq!(urls("http://[::1]:80/[1-2]"), "http://[::1]:80/1 http://[::1]:80/2");
        for refused in ["h/{a", "h/[a]", "h/{}", "h/a]b", "h/a}b", "h/[3-1]", "h/[A-z]", "h/[1-3:0]", "h/[1-3:9]"] {
            assert_eq!(urls(refused), "Refused", "{refused}");
        }
        assert_eq!(urls(&"{a}".repeat(99)), "a".repeat(99));
        assert_eq!(urls(&"{a}".repeat(100)), "Refused");
    }

    #[test]
    fn a_pattern_of_a_great_many_is_counted_and_not_written_out() {
        assert_eq!(urls("h/[1-1000000000]x"), "1000000000 of h/*x");
        assert_eq!(urls(&"[0-18446744073709551614]".repeat(2)), "Refused");
    }
}
