//! Whether a text looks as a generator makes it, and not as people write names.

pub fn random(found: &[u8]) -> bool {
    if found.len() < 8 {
        return false;
    }
    let digits = found.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = found.iter().filter(|b| b.is_ascii_alphabetic()).count();
    // `etcd-cluster-1`
    if digits == 1
        && found.len() < 24
        && !found.iter().any(u8::is_ascii_uppercase)
        && found.iter().any(|b| matches!(b, b'-' | b'_'))
        && found.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    {
        return false;
    }
    let cases = found.iter().any(u8::is_ascii_uppercase) && found.iter().any(u8::is_ascii_lowercase);
    (digits > 0 && letters > 0) || (found.len() >= 20 && cases) || unspoken(found)
}

/// What a generator of keys makes.
pub fn key(found: &[u8]) -> bool {
    let count = |is: fn(&u8) -> bool| found.iter().filter(|b| is(b)).count();
    let (upper, lower, digits) =
        (count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase), count(u8::is_ascii_digit));
    let plain = found.iter().all(u8::is_ascii_alphanumeric);
    let word = found.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+' | b'/' | b'=' | b'~'));
    let parts = found.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':' | b'='));
    // Also two numbers with a colon between, and no fingerprint.
    let colons = found.iter().filter(|b| **b == b':').count();
    let hex = found.len() >= 32
        && digits > 4
        && (colons == 0 || colons == 1 && found.len() > 48)
        && found.iter().all(|b| b.is_ascii_hexdigit() || *b == b':');
    let both = upper > 1 && lower > 1;
    (hex
        || word && (found.len() >= 16 && digits > 1 && both || found.len() >= 24 && digits > 3 && lower > 5)
        // `2K7QX…`, and not `ORDER2025…`.
        || plain && found.len() >= 24 && digits > 3 && upper > 5 && lower == 0
        || found.len() >= 20 && jumbled(found) && both && (plain || parts && digits > 3))
        && !uuid(found)
        && !sid(found)
        && !summed(found)
}

/// A name that ends with a digest: `npm-Linux-4c49…` of a cache.
fn summed(found: &[u8]) -> bool {
    let Some(at) = found.iter().rposition(|b| *b == b'-') else { return false };
    let (name, sum) = (&found[..at], &found[at + 1..]);
    matches!(sum.len(), 32 | 40 | 64)
        && sum.iter().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
        && name.contains(&b'-')
        && name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// What Twilio calls a thing by, which opens nothing: two capitals and 32 digits. Its keys begin with SK.
fn sid(found: &[u8]) -> bool {
    found.len() == 34
        && found[..2].iter().all(u8::is_ascii_uppercase)
        && !found.starts_with(b"SK")
        && found[2..].iter().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
}

/// Whether capitals, small letters and digits follow one another as if drawn: in names of several words they come in
/// runs.
pub fn jumbled(found: &[u8]) -> bool {
    found.len() >= 12 && changes(found) * 5 >= (found.len() - 1) * 2
}

/// The same of what is certain to be of letters and digits alone, where three in ten are enough.
pub fn varied(found: &[u8]) -> bool {
    found.len() >= 32 && changes(found) * 10 >= (found.len() - 1) * 3
}

/// How often one of the three follows another.
fn changes(found: &[u8]) -> usize {
    let class = |b: u8| [b.is_ascii_lowercase(), b.is_ascii_uppercase(), b.is_ascii_digit()];
    let sign = |b: &u8| !b.is_ascii_alphanumeric();
    found.windows(2).filter(|pair| class(pair[0]) != class(pair[1]) && !pair.iter().any(sign)).count()
}

/// Hardly a digit, as one in five passwords of fourteen letters and digits has: capitals and small letters change more
/// often than in names of several words, and somewhere nobody could say them.
pub fn unspoken(found: &[u8]) -> bool {
    let sign = |b: &u8| !b.is_ascii_alphanumeric();
    let spoken = |b: &u8| matches!(b.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u' | b'y');
    let dense = found.split(|b| sign(b) || b.is_ascii_digit() || spoken(b)).any(|letters| letters.len() > 3);
    (12..=64).contains(&found.len())
        && found.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'!' | b'#' | b'%' | b'*' | b'^' | b'@'))
        && found.iter().filter(|b| sign(b)).count() < 3
        && dense
        && found.iter().any(u8::is_ascii_uppercase)
        && found.iter().any(u8::is_ascii_lowercase)
        && changes(found) * 10 >= (found.len() - 1) * 3
}

/// Of the form of RFC 9562.
pub fn uuid(found: &[u8]) -> bool {
    found.len() == 36 && [8, 13, 18, 23].iter().all(|n| found[*n] == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_several_words_are_not_jumbled() {
        for name in [
            "TestPasswordHash",
            "getURLFromDBv2",
            "secretKeySelector",
            "APIGatewayV2HTTPRequest",
            "com.acme.auth.TokenStore2",
            "X509CertificateParser",
            "my-service-prod-01",
            "2025-11-03T10:00:00Z",
        ] {
            assert!(!jumbled(name.as_bytes()), "{name}");
        }
        for drawn in ["LTAIpnQ3IuXHyJykexWIVeMd", "daqJjJePsonBe9Gy", "rl63XykWZeiNNCiia3anXn9k3ksu9mI4ROnl"] {
            assert!(jumbled(drawn.as_bytes()), "{drawn}");
        }
    }

    #[test]
    fn letters_alone_are_drawn_where_nobody_could_say_them() {
        for drawn in ["RETClmcCwfqIXq", "mtEm#pDOFxsULjjP", "GEpDWtJARZsyprsf"] {
            assert!(unspoken(drawn.as_bytes()), "{drawn}");
        }
        for name in
            ["XMLHttpRequest", "HTMLParserXYZ", "kCFStringEncodingASCII", "pthreadMutexTrylock", "TestPasswordHash"]
        {
            assert!(!unspoken(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn keys_are_of_one_case_or_in_parts_as_well() {
        for drawn in ["Q7M2ZK9PX4TB81WJN5RC3VHD", "xV4nB2qL.k8RwT5yHc1ZpM7sGf3DjQ9aK"] {
            assert!(key(drawn.as_bytes()), "{drawn}");
        }
        for name in ["ORDER-2025-11-03-BATCH-0001", "com.acme.shop.model.OrderV2.Items2024"] {
            assert!(!key(name.as_bytes()), "{name}");
        }
    }
}
