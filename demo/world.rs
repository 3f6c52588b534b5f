//! The hosts that the demo's agent talks to: a git host over smart HTTP and an HTTP API. Both want a token that the
//! agent does not have.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use axum::routing::{any, get};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

/// The longest request body the git host takes.
const MAX_PUSH: usize = 256 << 20;

pub struct World {
    /// Holds `acme/app.git`.
    pub repositories: PathBuf,
    pub git_token: String,
    pub api_token: String,
}

/// Serves both until the process ends. Prints `git PORT api PORT` once both listen.
pub async fn serve(world: World) -> Result<()> {
    let world = Arc::new(world);
    let git = TcpListener::bind("127.0.0.1:0").await.context("no free port for the git host")?;
    let api = TcpListener::bind("127.0.0.1:0").await.context("no free port for the API")?;
    println!("git {} api {}", git.local_addr()?.port(), api.local_addr()?.port());
    let git_routes = Router::new().fallback(any(git_host)).with_state(Arc::clone(&world));
    let api_routes = Router::new().route("/v1/customers", get(customers)).with_state(world);
    tokio::try_join!(async { axum::serve(git, git_routes).await }, async { axum::serve(api, api_routes).await })?;
    Ok(())
}

/// git-http-backend(1) behind a password.
async fn git_host(State(world): State<Arc<World>>, request: Request<Body>) -> Response<Body> {
    let expected = format!("Basic {}", STANDARD.encode(format!("portcullis:{}", world.git_token)));
    if request.headers().get(header::AUTHORIZATION).is_none_or(|given| given != expected.as_str()) {
        let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"demo git host\"")];
        return answer(StatusCode::UNAUTHORIZED, &challenge, "a token is needed\n");
    }
    match backend(&world, request).await {
        Ok(response) => response,
        Err(error) => answer(StatusCode::INTERNAL_SERVER_ERROR, &[], &format!("git-http-backend failed: {error:#}\n")),
    }
}

async fn backend(world: &World, request: Request<Body>) -> Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MAX_PUSH).await.context("the request is too long")?;
    let text = |name: HeaderName| parts.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let mut command = tokio::process::Command::new("git");
    command
        .arg("http-backend")
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("GIT_PROJECT_ROOT", &world.repositories)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        // The folder may belong to the user who installed the demo.
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("REMOTE_USER", "portcullis")
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", text(header::CONTENT_TYPE))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", text(header::CONTENT_ENCODING))
        .env("GIT_PROTOCOL", text(HeaderName::from_static("git-protocol")))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().context("git does not start")?;
    let mut stdin = child.stdin.take().context("no stdin")?;
    let feed = async move {
        // A backend that answers before it has read everything is not an error.
        let _ = stdin.write_all(&body).await;
    };
    let ((), output) = tokio::join!(feed, child.wait_with_output());
    from_cgi(output?.stdout)
}

/// RFC 3875, section 6: header lines, an empty line, the body.
fn from_cgi(output: Vec<u8>) -> Result<Response<Body>> {
    let end = output.windows(4).position(|w| w == b"\r\n\r\n").context("no header in the backend's answer")?;
    let mut status = StatusCode::OK;
    let mut headers = HeaderMap::new();
    for line in std::str::from_utf8(&output[..end])?.split("\r\n") {
        let (name, value) = line.split_once(": ").context("a header without colon")?;
        if name.eq_ignore_ascii_case("status") {
            status = value.split(' ').next().unwrap_or_default().parse()?;
        } else {
            headers.insert(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
        }
    }
    let mut response = Response::new(Body::from(Bytes::from(output).slice(end + 4..)));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// An API that says more than its caller should see.
async fn customers(State(world): State<Arc<World>>, headers: HeaderMap) -> Response<Body> {
    let expected = format!("Bearer {}", world.api_token);
    if headers.get(header::AUTHORIZATION).is_none_or(|given| given != expected.as_str()) {
        return answer(StatusCode::UNAUTHORIZED, &[], "{\"error\":\"a token is needed\"}\n");
    }
    // Made up, in the shape that the provider documents, and put together here so that no scanner takes it for real.
    let key = ["AKIA", "Z7QXN4KPWM2LJ5TD"].concat();
    let body = format!(
        r#"{{"customers":[
  {{"id":1,"name":"Ada","email":"ada@example.com"}},
  {{"id":2,"name":"Grace","email":"grace@example.org"}}],
 "debug":{{"aws_access_key_id":"{key}"}}}}
"#
    );
    answer(StatusCode::OK, &[(header::CONTENT_TYPE, "application/json")], &body)
}

fn answer(status: StatusCode, headers: &[(HeaderName, &'static str)], body: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_owned()));
    *response.status_mut() = status;
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
