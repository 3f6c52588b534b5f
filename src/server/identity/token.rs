//! Random strings that stand for something: what is handed out, and what the store keeps of it.
//!
//! Tokens are 256 random bits with a prefix that says what leaked when one turns up in a log. The store has only their
//! SHA-256, so reading the store signs nobody in; and a lookup by digest leaks no timing that helps to guess a token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::model::Digest;

/// Letters that cannot be mistaken for one another and spell no words (RFC 8628 section 6.1).
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// 20^8 codes are 34 bits: far out of reach of guessing within a code's minutes and the limit on wrong codes.
const USER_CODE: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Access,
    Refresh,
    Device,
    Session,
    /// State, nonce and the like of one sign-in.
    Once,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Kind::Access => "pca_",
            Kind::Refresh => "pcr_",
            Kind::Device => "pcd_",
            Kind::Session => "pcs_",
            Kind::Once => "",
        }
    }
}

/// A new token: prefix and 43 characters of base64url.
pub fn fresh(kind: Kind) -> Result<Zeroizing<String>, getrandom::Error> {
    let mut bits = Zeroizing::new([0_u8; 32]);
    getrandom::fill(bits.as_mut())?;
    let mut text = Zeroizing::new(String::with_capacity(48));
    text.push_str(kind.prefix());
    URL_SAFE_NO_PAD.encode_string(bits.as_ref(), &mut text);
    Ok(text)
}

/// What the store keeps of a token: SHA-256, hexadecimal.
pub fn digest(token: &str) -> String {
    Digest::of(token.as_bytes()).to_string()
}

/// A new user code as the store keeps it: eight letters, no dash.
pub fn fresh_user_code() -> Result<String, getrandom::Error> {
    let mut code = String::with_capacity(USER_CODE);
    while code.len() < USER_CODE {
        let mut byte = [0];
        getrandom::fill(&mut byte)?;
        // 240 is the largest multiple of 20 in a byte: past it, some letters would be likelier.
        if byte[0] < 240 {
            code.push(char::from(ALPHABET[usize::from(byte[0]) % ALPHABET.len()]));
        }
    }
    Ok(code)
}

/// A user code as it is shown: `WDJB-MJHT`.
pub fn spaced_user_code(code: &str) -> String {
    let (first, second) = code.split_at(code.len().min(USER_CODE / 2));
    format!("{first}-{second}")
}

/// What a person typed, as a user code; `None` where it can be none. Case, dashes and spaces do not matter.
pub fn read_user_code(typed: &str) -> Option<String> {
    let code: String =
        typed.chars().filter(|c| !matches!(c, '-' | ' ')).take(USER_CODE + 1).map(|c| c.to_ascii_uppercase()).collect();
    (code.len() == USER_CODE && code.bytes().all(|b| ALPHABET.contains(&b))).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_code_reads_back_however_a_person_types_it() {
        let code = fresh_user_code().unwrap();
        let shown = spaced_user_code(&code);
        assert_eq!(shown.len(), 9);
        assert_eq!(read_user_code(&shown.to_lowercase()), Some(code.clone()));
        assert_eq!(read_user_code(&format!(" {} {} ", &code[..4], &code[4..])), Some(code));
        for bad in ["", "WDJB-MJH", "WDJB-MJHTT", "WDJB-MJHA", "WDJB-MJH0", "WDJB_MJHT", "ＷDJB-MJHT"] {
            assert_eq!(read_user_code(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_token_says_its_kind_and_carries_256_bits() {
        let (one, two) = (fresh(Kind::Access).unwrap(), fresh(Kind::Access).unwrap());
        assert!(one.starts_with("pca_") && one.len() == 4 + 43, "{}", one.len());
        assert_ne!(*one, *two);
        assert_eq!(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
