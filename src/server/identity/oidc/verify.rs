//! An ID token, checked (OpenID Connect Core 1.0 section 3.1.3.7). Pure: keys, expectations and the time are passed in.
//!
//! The key decides which algorithms are possible, never the token: RSA keys take RSA signatures, a P-256 key takes
//! ES256, and a symmetric key or `none` takes nothing at all (RFC 8725 section 3.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq as _;

use crate::model::Micros;

/// Clocks of two machines may differ this much.
const LEEWAY: Micros = Micros::seconds(60);

/// How old a token may be when it is first seen: one comes straight from the token endpoint.
const OLDEST: Micros = Micros::seconds(600);

/// What a token must say.
pub struct Expected<'a> {
    pub issuer: &'a str,
    /// Our client id: the token was made for us.
    pub audience: &'a str,
    /// `None` for tokens that no sign-in of ours asked for (a workload's).
    pub nonce: Option<&'a str>,
    /// The access token that came along, where one did.
    pub access_token: Option<&'a str>,
}

pub type Claims = Map<String, Value>;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("not a signed token")]
    Shape,
    /// The key set may be newer than ours: fetch it and try once more.
    #[error("no key of the provider has the token's key id")]
    UnknownKey,
    #[error("the token's algorithm does not fit the provider's key")]
    Algorithm,
    #[error("the signature is not the provider's")]
    Signature,
    #[error("the claim `{0}` is not what it must be")]
    Claim(&'static str),
}

/// The claims of a token that is signed by one of `keys` and says what is expected.
pub fn id_token(token: &str, keys: &JwkSet, expected: &Expected<'_>, now: Micros) -> Result<Claims, Error> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| Error::Shape)?;
    let key = find(keys, header.kid.as_deref(), header.alg)?;
    if !fitting(key).contains(&header.alg) {
        return Err(Error::Algorithm);
    }
    let decoding = DecodingKey::from_jwk(key).map_err(|_| Error::Algorithm)?;
    let claims = jsonwebtoken::decode::<Claims>(token, &decoding, &signature_alone(header.alg))
        .map_err(|_| Error::Signature)?
        .claims;
    check(&claims, expected, now)?;
    check_access_token(&claims, expected.access_token, header.alg)?;
    Ok(claims)
}

/// The library checks the signature; every claim is checked below, against the caller's time.
fn signature_alone(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

fn find<'a>(keys: &'a JwkSet, kid: Option<&str>, algorithm: Algorithm) -> Result<&'a Jwk, Error> {
    let signing = |key: &&Jwk| !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption));
    match kid {
        Some(kid) => keys
            .keys
            .iter()
            .filter(signing)
            .find(|key| key.common.key_id.as_deref() == Some(kid))
            .ok_or(Error::UnknownKey),
        // Without a key id there must be no choice to make.
        None => {
            let mut fit = keys.keys.iter().filter(signing).filter(|key| fitting(key).contains(&algorithm));
            match (fit.next(), fit.next()) {
                (Some(key), None) => Ok(key),
                _ => Err(Error::UnknownKey),
            }
        }
    }
}

/// The algorithms a key may be used with; of those, only the one it names, where it names one.
fn fitting(key: &Jwk) -> Vec<Algorithm> {
    use Algorithm::*;
    let by_type: &[Algorithm] = match &key.algorithm {
        AlgorithmParameters::RSA(_) => &[RS256, RS384, RS512, PS256, PS384, PS512],
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => &[ES256],
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P384 => &[ES384],
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => &[EdDSA],
        _ => &[],
    };
    let named = key.common.key_algorithm;
    by_type.iter().copied().filter(|a| named.is_none_or(|named| named == KeyAlgorithm::from(*a))).collect()
}

fn check(claims: &Claims, expected: &Expected<'_>, now: Micros) -> Result<(), Error> {
    // Compared as bytes: no normal form, no trailing slash forgiven (OpenID Connect Discovery 1.0 section 4.3).
    if claims.get("iss").and_then(Value::as_str) != Some(expected.issuer) {
        return Err(Error::Claim("iss"));
    }
    check_audience(claims, expected.audience)?;
    let seconds = |claim: &str| claims.get(claim).and_then(Value::as_f64).map(|s| Micros((s * 1e6) as i64));
    if seconds("exp").is_none_or(|exp| exp.plus(LEEWAY) <= now) {
        return Err(Error::Claim("exp"));
    }
    if seconds("iat").is_none_or(|iat| iat > now.plus(LEEWAY) || now.since(iat) > OLDEST) {
        return Err(Error::Claim("iat"));
    }
    if claims.contains_key("nbf") && seconds("nbf").is_none_or(|nbf| nbf > now.plus(LEEWAY)) {
        return Err(Error::Claim("nbf"));
    }
    if let Some(nonce) = expected.nonce {
        let said = claims.get("nonce").and_then(Value::as_str).unwrap_or_default();
        if !bool::from(said.as_bytes().ct_eq(nonce.as_bytes())) {
            return Err(Error::Claim("nonce"));
        }
    }
    if claims.get("sub").and_then(Value::as_str).is_none_or(|sub| sub.is_empty() || sub.len() > 255) {
        return Err(Error::Claim("sub"));
    }
    Ok(())
}

/// Made for us, and for nobody else besides: another audience could replay it, so it must at least name us as `azp`.
fn check_audience(claims: &Claims, ours: &str) -> Result<(), Error> {
    let only_us = match claims.get("aud") {
        Some(Value::String(one)) => one == ours,
        Some(Value::Array(many)) => match many.as_slice() {
            [one] => one.as_str() == Some(ours),
            many => many.iter().any(|one| one.as_str() == Some(ours)) && claims.contains_key("azp"),
        },
        _ => false,
    };
    if !only_us {
        return Err(Error::Claim("aud"));
    }
    match claims.get("azp") {
        None => Ok(()),
        Some(Value::String(party)) if party == ours => Ok(()),
        Some(_) => Err(Error::Claim("azp")),
    }
}

/// `at_hash` binds the access token to the ID token: the left half of its hash (Core section 3.1.3.6).
fn check_access_token(claims: &Claims, access_token: Option<&str>, algorithm: Algorithm) -> Result<(), Error> {
    let (Some(access_token), Some(at_hash)) = (access_token, claims.get("at_hash")) else { return Ok(()) };
    let bytes = access_token.as_bytes();
    use Algorithm::*;
    let hash = match algorithm {
        RS256 | PS256 | ES256 => Sha256::digest(bytes).to_vec(),
        RS384 | PS384 | ES384 => Sha384::digest(bytes).to_vec(),
        RS512 | PS512 | EdDSA => Sha512::digest(bytes).to_vec(),
        _ => return Err(Error::Algorithm),
    };
    let half = URL_SAFE_NO_PAD.encode(&hash[..hash.len() / 2]);
    match at_hash.as_str() {
        Some(said) if bool::from(said.as_bytes().ct_eq(half.as_bytes())) => Ok(()),
        _ => Err(Error::Claim("at_hash")),
    }
}
