//! What we need of OAuth 2.0 as a public client: the device grant (RFC 8628), refreshing (RFC 6749 section 6) and
//! revoking (RFC 7009).

use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use tokio::time::{Instant, sleep_until};
use zeroize::Zeroizing;

use super::link::{Link, Trouble};
use crate::model::visible;
use crate::wire::contract::path;

const CLIENT: &str = "portcullis";
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// RFC 8628 section 3.2.
#[derive(Deserialize)]
pub struct Device {
    device_code: Zeroizing<String>,
    pub user_code: String,
    pub verification_uri: String,
    #[serde(default)]
    pub verification_uri_complete: Option<String>,
    /// Seconds.
    pub expires_in: u64,
    #[serde(default = "five")]
    interval: u64,
}

fn five() -> u64 {
    5
}

/// RFC 6749 section 5.1.
#[derive(Deserialize)]
pub struct Tokens {
    pub access_token: Zeroizing<String>,
    #[serde(default)]
    pub refresh_token: Option<Zeroizing<String>>,
    /// Seconds.
    #[serde(default)]
    pub expires_in: Option<u64>,
}

/// RFC 6749 section 5.2.
#[derive(Deserialize)]
struct Denied {
    error: String,
    #[serde(default)]
    error_description: Option<String>,
}

impl Denied {
    fn words(&self) -> String {
        let text = self.error_description.as_deref().unwrap_or(&self.error);
        visible::line(text.as_bytes(), 300)
    }
}

/// What became of a request to the token endpoint.
enum Outcome {
    Given(Tokens),
    Denied(Denied),
}

/// Opens a device grant.
pub async fn device(link: &Link) -> Result<Device, Trouble> {
    // Shown to the person who confirms, so that they see where it comes from.
    let name = std::fs::read("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = visible::line(name.trim_ascii(), 100);
    let form = [("client_id", CLIENT), ("device_name", &name)];
    let request = link.request(Method::POST, path::DEVICE_AUTHORIZATION).form(&form);
    let body = link.body(request).await?;
    link.parse(&body)
}

/// Polls at the pace the server asks for until a human has answered or the code is void. A server that is away for a
/// moment is asked again (RFC 8628 section 3.5).
pub async fn wait_for(link: &Link, device: &Device) -> Result<Tokens, Trouble> {
    let over = Instant::now() + Duration::from_secs(device.expires_in.min(3600));
    let mut pause = Duration::from_secs(device.interval.clamp(1, 60));
    loop {
        sleep_until((Instant::now() + pause).min(over)).await;
        if Instant::now() >= over {
            return Err(Trouble::NotSignedIn("nobody confirmed the code in time".to_owned()));
        }
        let form = [("grant_type", DEVICE_GRANT), ("device_code", &device.device_code), ("client_id", CLIENT)];
        match token(link, &form).await {
            Ok(Outcome::Given(tokens)) => return Ok(tokens),
            Ok(Outcome::Denied(denied)) => match denied.error.as_str() {
                "authorization_pending" => {}
                "slow_down" => pause += Duration::from_secs(5),
                "access_denied" => return Err(Trouble::NotSignedIn("the login was refused".to_owned())),
                "expired_token" => {
                    return Err(Trouble::NotSignedIn("nobody confirmed the code in time".to_owned()));
                }
                _ => return Err(Trouble::NotSignedIn(denied.words())),
            },
            Err(Trouble::Unreachable { .. }) => pause = (pause * 2).min(Duration::from_secs(30)),
            Err(trouble) => return Err(trouble),
        }
    }
}

/// New tokens for a refresh token; [`Trouble::NotSignedIn`] where it is no longer good.
pub async fn refresh(link: &Link, refresh_token: &str) -> Result<Tokens, Trouble> {
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token), ("client_id", CLIENT)];
    match token(link, &form).await? {
        Outcome::Given(tokens) => Ok(tokens),
        Outcome::Denied(_) => Err(Trouble::NotSignedIn("the login has expired or was revoked".to_owned())),
    }
}

pub async fn revoke(link: &Link, refresh_token: &str) -> Result<(), Trouble> {
    let form = [("token", refresh_token), ("token_type_hint", "refresh_token"), ("client_id", CLIENT)];
    link.body(link.request(Method::POST, path::REVOKE).form(&form)).await.map(|_| ())
}

async fn token(link: &Link, form: &[(&str, &str)]) -> Result<Outcome, Trouble> {
    let (status, body) = link.send(link.request(Method::POST, path::TOKEN).form(form)).await?;
    if status.is_success() {
        return Ok(Outcome::Given(link.parse(&body)?));
    }
    match serde_json::from_slice(&body) {
        Ok(denied) if status.is_client_error() => Ok(Outcome::Denied(denied)),
        Ok(_) | Err(_) => Err(link.problem(status, &body)),
    }
}
