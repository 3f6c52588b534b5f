//! The words of `\watch`, which psql checks since version 16 (command.c, `exec_command_watch`).

use super::slash::Arg;
use super::version::Version;

/// Whether psql sends nothing because of them.
pub fn refused(words: &[Arg], version: Version) -> bool {
    let (mut interval, mut count, mut rows) = (false, false, false);
    version.binds()
        && words.iter().filter(|word| !word.unknown).any(|word| {
            let text = crate::model::visible::line(&word.text, usize::MAX);
            let (name, value) = text.split_once('=').map_or(("i", text.as_str()), |(name, value)| (name, value));
            match name {
                "i" | "interval" => std::mem::replace(&mut interval, true) || !is_interval(value),
                "c" | "count" => std::mem::replace(&mut count, true) || !is_count(value),
                "m" | "min_rows" if version.reaches(17) => std::mem::replace(&mut rows, true) || !is_count(value),
                _ => true,
            }
        })
}

/// What strtod(3) may take; more than it does, but for letters.
fn is_interval(text: &str) -> bool {
    let number = text.trim_start();
    number.parse::<f64>().is_ok_and(|seconds| seconds >= 0.0) || number.to_ascii_lowercase().starts_with("0x")
}

fn is_count(text: &str) -> bool {
    text.trim_start().trim_start_matches('+').parse::<i32>().is_ok_and(|count| count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_watch_does_not_take_are_refused_since_16() {
        let refused = |words: &str, version| {
            let word = |word: &str| Arg { text: word.into(), ..Arg::default() };
            let words: Vec<Arg> = words.split(' ').filter(|word| !word.is_empty()).map(word).collect();
            refused(&words, Version::of(Some(version)).unwrap())
        };
        for words in ["", "1", "0.5", "i=1 c=2", "interval=0 count=1", "1 c=3"] {
            assert!(!refused(words, "16.1"), "{words}");
        }
        for words in ["x", "1 2", "i=1 2", "c=0", "c=x", "n=1", "-1"] {
            assert!(refused(words, "16.1") && !refused(words, "15.18"), "{words}");
        }
        assert!(refused("m=1", "16.1") && !refused("m=1", "17.0"));
    }
}
