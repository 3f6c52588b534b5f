//! Ids and addresses nobody can guess.

use super::store::Error;
use crate::model::Micros;

/// Crockford's base32 in lower case: no letters that are taken for digits.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The 128 bits of a ULID: milliseconds, then chance.
pub fn ulid(now: Micros) -> Result<u128, Error> {
    let millis = u128::from(now.0.unsigned_abs() / 1_000) & ((1 << 48) - 1);
    let chance = u128::from_be_bytes(fill()?) & ((1 << 80) - 1);
    Ok(millis << 80 | chance)
}

/// The last part of an approval's address: ten characters, 50 bits.
pub fn short() -> Result<String, Error> {
    let bytes: [u8; 10] = fill()?;
    Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect())
}

fn fill<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::Value(format!("no randomness: {error}")))?;
    Ok(bytes)
}
