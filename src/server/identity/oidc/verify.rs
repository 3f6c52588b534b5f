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

/// How old a sign-in's token may be when it is first seen: it comes straight from the token endpoint.
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
    let old = |iat| expected.nonce.is_some() && now.since(iat) > OLDEST;
    if seconds("iat").is_none_or(|iat| iat > now.plus(LEEWAY) || old(iat)) {
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

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::json;

    use super::*;

    const NOW: Micros = Micros::seconds(1_800_000_000);

    struct Key {
        signing: EncodingKey,
        public: Value,
    }

    fn key(kid: &str) -> Key {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap();
        let point = pair.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        let public = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "use": "sig" });
        Key { signing: EncodingKey::from_ec_der(pkcs8.as_ref()), public }
    }

    fn set(keys: &[&Key]) -> JwkSet {
        let keys: Vec<&Value> = keys.iter().map(|key| &key.public).collect();
        serde_json::from_value(json!({ "keys": keys })).unwrap()
    }

    fn good() -> Value {
        json!({ "iss": "https://id.example", "aud": "gate", "sub": "alice", "nonce": "n-1",
                "iat": 1_800_000_000, "exp": 1_800_000_060,
                "at_hash": URL_SAFE_NO_PAD.encode(&Sha256::digest(b"at")[..16]) })
    }

    fn signed(key: &Key, kid: &str, claims: &Value) -> String {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &key.signing).unwrap()
    }

    fn expected() -> Expected<'static> {
        Expected { issuer: "https://id.example", audience: "gate", nonce: Some("n-1"), access_token: Some("at") }
    }

    #[test]
    fn each_claim_that_is_wrong_or_missing_is_named() {
        let key = key("k");
        let check = |claims: &Value| id_token(&signed(&key, "k", claims), &set(&[&key]), &expected(), NOW);
        assert_eq!(check(&good()).unwrap()["sub"], "alice");
        for (claim, wrong) in [
            ("iss", json!("https://id.example/")),
            ("aud", json!("another")),
            ("aud", json!(["gate", "another"])),
            ("aud", json!([])),
            ("nonce", json!("n-2")),
            ("sub", json!("")),
            ("exp", json!(1_799_999_940)),
            ("iat", json!(1_800_000_061)),
            ("iat", json!(1_799_999_000)),
            ("at_hash", json!("AAAA")),
        ] {
            let mut claims = good();
            claims[claim] = wrong;
            assert_eq!(check(&claims), Err(Error::Claim(claim)), "{claims}");
            claims.as_object_mut().unwrap().remove(claim);
            if claim != "at_hash" {
                assert_eq!(check(&claims), Err(Error::Claim(claim)), "missing");
            }
        }
        let mut claims = good();
        claims["azp"] = json!("another");
        assert_eq!(check(&claims), Err(Error::Claim("azp")));
        claims["azp"] = json!("gate");
        claims["aud"] = json!(["gate", "another"]);
        assert!(check(&claims).is_ok());
        claims["nbf"] = json!(1_800_000_100);
        assert_eq!(check(&claims), Err(Error::Claim("nbf")));
    }

    #[test]
    fn a_key_that_the_provider_does_not_have_signs_nothing() {
        let (ours, theirs) = (key("k"), key("k"));
        let forged = signed(&theirs, "k", &good());
        assert_eq!(id_token(&forged, &set(&[&ours]), &expected(), NOW), Err(Error::Signature));
        let unknown = signed(&ours, "newer", &good());
        assert_eq!(id_token(&unknown, &set(&[&ours]), &expected(), NOW), Err(Error::UnknownKey));
        assert_eq!(id_token("a.b.c", &set(&[&ours]), &expected(), NOW), Err(Error::Shape));
    }

    #[test]
    fn neither_none_nor_a_shared_secret_is_an_algorithm() {
        let key = key("k");
        let body = URL_SAFE_NO_PAD.encode(good().to_string());
        for header in [r#"{"alg":"none","kid":"k"}"#, r#"{"alg":"None"}"#] {
            let token = format!("{}.{body}.", URL_SAFE_NO_PAD.encode(header));
            assert_eq!(id_token(&token, &set(&[&key]), &expected(), NOW), Err(Error::Shape), "{header}");
        }
        // The classic: the public key, which everybody has, used as the secret of an HMAC.
        let secret = EncodingKey::from_secret(key.public["x"].as_str().unwrap().as_bytes());
        let header = Header { kid: Some("k".to_owned()), ..Header::new(Algorithm::HS256) };
        let confused = jsonwebtoken::encode(&header, &good(), &secret).unwrap();
        assert_eq!(id_token(&confused, &set(&[&key]), &expected(), NOW), Err(Error::Algorithm));
        let octets: JwkSet =
            serde_json::from_value(json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0", "kid": "k" }] })).unwrap();
        assert_eq!(id_token(&confused, &octets, &expected(), NOW), Err(Error::Algorithm));
    }

    #[test]
    fn a_key_for_encryption_or_for_another_algorithm_checks_no_signature() {
        let mut key = key("k");
        let token = signed(&key, "k", &good());
        key.public["alg"] = json!("RS256");
        assert_eq!(id_token(&token, &set(&[&key]), &expected(), NOW), Err(Error::Algorithm));
        key.public["alg"] = json!("ES256");
        assert!(id_token(&token, &set(&[&key]), &expected(), NOW).is_ok());
        key.public["use"] = json!("enc");
        assert_eq!(id_token(&token, &set(&[&key]), &expected(), NOW), Err(Error::UnknownKey));
    }
}
