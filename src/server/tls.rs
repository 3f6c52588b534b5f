//! TLS on the listening socket: rustls under axum, HTTP/2 and HTTP/1.1.
//!
//! A handshake runs in its own task, so a slow one keeps nobody waiting; their number and their time are bounded. With
//! `--dev` the certificate is our own, made once and kept in the data folder with its authority.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::config::{Config, TlsFiles};
use super::{Error, private_file};

/// Time for a handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Handshakes at once; further connections wait in the kernel's queue.
const HANDSHAKES: usize = 512;

/// Connections whose handshake is done, as axum takes them.
pub struct Handshaken {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl Handshaken {
    pub fn new(listener: TcpListener, config: Arc<ServerConfig>) -> io::Result<Handshaken> {
        let address = listener.local_addr()?;
        let (done, ready) = mpsc::channel(HANDSHAKES);
        tokio::spawn(accept(listener, TlsAcceptor::from(config), done));
        Ok(Handshaken { ready, address })
    }
}

impl Listener for Handshaken {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            // The accepting task is gone: there is nothing more to come.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

impl Connected<IncomingStream<'_, Handshaken>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Handshaken>) -> Peer {
        Peer(*stream.remote_addr())
    }
}

/// Ends when axum no longer takes connections.
async fn accept(listener: TcpListener, acceptor: TlsAcceptor, done: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>) {
    let places = Arc::new(Semaphore::new(HANDSHAKES));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = done.closed() => return,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, most often: a pause gives others time to close theirs.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (acceptor, done) = (acceptor.clone(), done.clone());
        tokio::spawn(async move {
            let _place = place;
            let _ = stream.set_nodelay(true);
            match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => {
                    let _ = done.send((stream, address)).await;
                }
                Ok(Err(error)) => tracing::debug!(%address, %error, "a handshake failed"),
                Err(_) => tracing::debug!(%address, "a handshake took too long"),
            }
        });
    }
}

/// The server's side of TLS, from the configured files or our own certificate.
pub fn config(config: &Config) -> Result<Arc<ServerConfig>, Error> {
    let own;
    let files = match &config.tls {
        Some(files) => files,
        None => {
            own = own_certificate(&config.data, &config.public_url)?;
            &own
        }
    };
    let wrong = |path: &Path, why: rustls::pki_types::pem::Error| Error::Tls(format!("{}: {why}", path.display()));
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .map_err(|why| wrong(&files.certificate, why))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|why| wrong(&files.key, why))?;
    let mut tls = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| Error::Tls(error.to_string()))?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(tls))
}

/// An authority and a certificate of our own; `ca.pem` is for the clients to trust.
fn own_certificate(data: &Path, public_url: &str) -> Result<TlsFiles, Error> {
    let files = TlsFiles { certificate: data.join("server.pem"), key: data.join("server.key") };
    let names = names(public_url);
    let made_for = data.join("server.names");
    let known = std::fs::read_to_string(&made_for).is_ok_and(|text| text == names.join("\n"));
    if known && files.certificate.exists() && files.key.exists() && data.join("ca.pem").exists() {
        return Ok(files);
    }
    let failed = |error: rcgen::Error| Error::Tls(error.to_string());
    let issuer = authority(data)?;
    let mut leaf = CertificateParams::new(names.clone()).map_err(failed)?;
    leaf.distinguished_name.push(DnType::CommonName, "portcullis-server");
    leaf.use_authority_key_identifier_extension = true;
    leaf.key_usages.push(KeyUsagePurpose::DigitalSignature);
    leaf.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = leaf.signed_by(&key, &issuer).map_err(failed)?;
    private_file(&files.key, key.serialize_pem().as_bytes())?;
    private_file(&files.certificate, certificate.pem().as_bytes())?;
    private_file(&made_for, names.join("\n").as_bytes())?;
    Ok(files)
}

/// The authority of the data folder, made where there is none: a client that trusts it goes on doing so.
fn authority(data: &Path) -> Result<Issuer<'static, KeyPair>, Error> {
    let failed = |error: rcgen::Error| Error::Tls(error.to_string());
    let (certificate, key) = (data.join("ca.pem"), data.join("ca.key"));
    if let (Ok(pem), Ok(key)) = (std::fs::read_to_string(&certificate), std::fs::read_to_string(&key)) {
        let key = KeyPair::from_pem(&key).map_err(failed)?;
        let params = ca_params()?;
        let issuer = Issuer::new(params, key);
        drop(pem);
        return Ok(issuer);
    }
    let params = ca_params()?;
    let pair = KeyPair::generate().map_err(failed)?;
    let made = params.self_signed(&pair).map_err(failed)?;
    private_file(&key, pair.serialize_pem().as_bytes())?;
    private_file(&certificate, made.pem().as_bytes())?;
    readable(&certificate)?;
    Ok(Issuer::new(params, pair))
}

fn ca_params() -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::new(Vec::<String>::new()).map_err(|error| Error::Tls(error.to_string()))?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.distinguished_name.push(DnType::CommonName, "portcullis development authority");
    params.key_usages.push(KeyUsagePurpose::KeyCertSign);
    Ok(params)
}

/// A certificate is no secret.
fn readable(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(path, mode).map_err(|why| Error::File { path: path.to_owned(), why })
}

/// What the certificate is for: this machine, and the host of the public address.
fn names(public_url: &str) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let rest = public_url.strip_prefix("https://").unwrap_or(public_url);
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    if !host.is_empty() && !names.iter().any(|name| name == host) {
        names.push(host.to_owned());
    }
    names
}
