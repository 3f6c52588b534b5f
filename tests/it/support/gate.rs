//! The server in this process, on a free port, with a clock that the test moves.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use portcullis::model::{Micros, Subject, SubjectKind};
use portcullis::server::config::{Config, Oidc};
use portcullis::server::{App, http};
use tempfile::TempDir;

pub struct Gate {
    pub app: Arc<App>,
    /// `http://127.0.0.1:PORT`
    pub url: String,
    clock: Arc<AtomicI64>,
    _data: TempDir,
}

impl Gate {
    /// As with `--dev`: the users `agent` (a machine) and `alice`.
    pub async fn dev() -> Gate {
        Gate::with(|_| {}).await
    }

    pub async fn with_provider(oidc: impl FnOnce(&str) -> Oidc) -> Gate {
        Gate::with(|config| {
            config.dev = false;
            config.oidc = Some(oidc(&config.public_url));
        })
        .await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Gate {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listen = listener.local_addr().unwrap();
        let data = tempfile::tempdir().unwrap();
        let start = portcullis::server::wall_clock()();
        let clock = Arc::new(AtomicI64::new(start.0));
        let read = clock.clone();
        let mut config = config(listen, &data);
        change(&mut config);
        let app = App::open(config, Arc::new(move || Micros(read.load(Ordering::SeqCst)))).await.unwrap();
        let service = http::router(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Gate { app, url: format!("http://{listen}"), clock, _data: data }
    }

    /// Moves the server's clock on.
    pub fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

fn config(listen: SocketAddr, data: &TempDir) -> Config {
    let user = |id: &str, kind, groups: &[&str]| Subject {
        id: id.to_owned(),
        name: id.to_owned(),
        kind,
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
    };
    Config {
        dev: true,
        listen,
        public_url: format!("http://{listen}"),
        data: data.path().to_owned(),
        store: format!("sqlite:{}?mode=rwc", data.path().join("store.db").display()),
        policy: None,
        tls: None,
        auditors: vec!["auditors".to_owned()],
        log: "info".to_owned(),
        log_json: false,
        oidc: None,
        users: vec![
            user("agent", SubjectKind::Machine, &["agents"]),
            user("alice", SubjectKind::Person, &["release-managers"]),
        ],
        credentials: Vec::new(),
        workloads: Vec::new(),
    }
}
