//! Label selectors, as far as they pick among the objects of manifests: `-l app=web` beside `-f`.

use std::collections::BTreeMap;

/// Whether a selector may pick an object with these labels. What is none may: who refuses it says so elsewhere.
pub(super) fn may_match(selector: &str, labels: &BTreeMap<String, String>) -> bool {
    parsed(selector).is_none_or(|all| all.iter().all(|one| one.holds(labels)))
}

/// Whether apimachinery takes it for a selector.
pub(super) fn is_selector(text: &str) -> bool {
    parsed(text).is_some()
}

/// `key operator values`; `!key` and `key` have no values.
struct Requirement<'a> {
    key: &'a str,
    operator: &'a str,
    values: Vec<&'a str>,
}

impl Requirement<'_> {
    fn holds(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(self.key).map(String::as_str);
        let listed = || value.is_some_and(|value| self.values.contains(&value));
        let numbers = || Some((value?.parse::<i64>().ok()?, self.values.first()?.parse::<i64>().ok()?));
        match self.operator {
            "" => value.is_some(),
            "!" => value.is_none(),
            "!=" | "notin" => !listed(),
            ">" => numbers().is_some_and(|(value, bound)| value > bound),
            "<" => numbers().is_some_and(|(value, bound)| value < bound),
            _ => listed(),
        }
    }

    /// apimachinery's NewRequirement.
    fn is_one(&self) -> bool {
        let (prefix, name) = self.key.split_once('/').map_or((None, self.key), |(prefix, name)| (Some(prefix), name));
        let number = matches!(self.operator, "<" | ">");
        !name.is_empty()
            && is_value(name)
            && prefix.is_none_or(is_domain)
            && self.values.iter().all(|value| is_value(value) && (!number || value.parse::<i64>().is_ok()))
    }
}

/// The value of a label, which is also how its name looks (apimachinery's IsValidLabelValue).
pub(super) fn is_value(text: &str) -> bool {
    let end = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    text.len() <= 63
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && end(text.chars().next())
        && end(text.chars().next_back())
}

/// apimachinery's IsDNS1123Subdomain.
pub(super) fn is_domain(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_part =
        |part: &str| part.starts_with(inner) && part.ends_with(inner) && part.chars().all(|c| inner(c) || c == '-');
    text.len() <= 253 && text.split('.').all(is_part)
}

const SIGNS: [char; 7] = ['=', '!', '(', ')', ',', '>', '<'];

/// Words and signs; the longest sign that is one counts.
fn tokens(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            _ if rest.starts_with("==") || rest.starts_with("!=") => 2,
            first if SIGNS.contains(&first) => 1,
            _ => rest.find(|c: char| is_blank(c) || SIGNS.contains(&c)).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(length);
        out.push(token);
        rest = after.trim_start_matches(is_blank);
    }
    out
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_word(token: &str) -> bool {
    !token.starts_with(SIGNS)
}

/// apimachinery's labels.Parse; `None` where it fails.
fn parsed(text: &str) -> Option<Vec<Requirement<'_>>> {
    let tokens = tokens(text);
    let mut rest = tokens.as_slice();
    let mut out = Vec::new();
    while !rest.is_empty() {
        let requirement = requirement(&mut rest).filter(Requirement::is_one)?;
        out.push(requirement);
        match rest {
            [] => {}
            // Something stands behind a comma.
            [",", _, ..] => rest = &rest[1..],
            _ => return None,
        }
    }
    Some(out)
}

fn requirement<'a>(rest: &mut &[&'a str]) -> Option<Requirement<'a>> {
    let mut next = || {
        let (first, after) = rest.split_first()?;
        *rest = after;
        Some(*first)
    };
    let first = next()?;
    if first == "!" {
        return Some(Requirement { key: next().filter(|key| is_word(key))?, operator: "!", values: Vec::new() });
    }
    let key = Some(first).filter(|key| is_word(key))?;
    let operator = match rest.first() {
        None | Some(&",") => return Some(Requirement { key, operator: "", values: Vec::new() }),
        Some(operator) => *operator,
    };
    *rest = &rest[1..];
    let values = match operator {
        "in" | "notin" => listed(rest)?,
        "=" | "==" | "!=" | ">" | "<" => match rest.first() {
            None | Some(&",") => vec![""],
            Some(value) if is_word(value) => {
                *rest = &rest[1..];
                vec![*value]
            }
            Some(_) => return None,
        },
        _ => return None,
    };
    Some(Requirement { key, operator, values })
}

/// `(a,b)`: between commas, and at the ends, a word may be missing.
fn listed<'a>(rest: &mut &[&'a str]) -> Option<Vec<&'a str>> {
    let end = rest.iter().position(|token| *token == ")").filter(|_| rest.first() == Some(&"("))?;
    let inner = &rest[1..end];
    let mut out = Vec::new();
    for part in inner.split(|token| *token == ",") {
        match part {
            [] => out.push(""),
            [word] if is_word(word) => out.push(*word),
            _ => return None,
        }
    }
    *rest = &rest[end + 1..];
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::{is_selector, may_match};

    #[test]
    fn a_selector_picks_as_apimachinery_does() {
        let labels =
            [("app", "web"), ("tier", "front"), ("count", "5")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        for (selector, expected) in [
            ("app=web", true),
            ("app==web,tier=front", true),
            ("app!=web", false),
            ("other!=x", true),
            ("app", true),
            ("!app", false),
            ("app in (api, web),tier", true),
            ("app notin (api,web)", false),
            ("other", false),
            ("count > 3", true),
            ("count>5", false),
            ("count<5", false),
            ("app in (api,,),x", false),
        ] {
            assert_eq!(may_match(selector, &labels), expected, "{selector}");
        }
    }

    #[test]
    fn a_selector_is_one_where_apimachinery_takes_it() {
        for text in [
            "",
            " ",
            "a",
            "!a",
            "a=",
            "a = b",
            "in in (in)",
            "x/y.z=1",
            "a in (,)",
            "a in (b,)",
            "a>1",
            "a in ()",
            "a,b",
        ] {
            assert!(is_selector(text), "{text}");
        }
        for text in [
            "=a", "a b", "a,", ",a", "!!a", "a!b", "a in b", "a in (", "a>-1", "a=(b)", "a===b", "a=-", "a>x", "/a=b",
            "A/b/c",
        ] {
            assert!(!is_selector(text), "{text}");
        }
    }
}
