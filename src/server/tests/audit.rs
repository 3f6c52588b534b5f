use sqlx::Row as _;

use super::{Gate, allow, deny, judged};
use crate::model::Digest;
use crate::server::audit::{self, link};
use crate::wire::contract::AuditEntry;

/// What `portcullis audit verify` does: the first entry that does not follow from the one before it.
fn broken(entries: &[AuditEntry]) -> Option<i64> {
    let mut before = (0, Digest([0; 32]));
    for entry in entries {
        if entry.seq != before.0 + 1 || entry.previous != before.1 || entry.hash != link(before.1, &entry.text) {
            return Some(entry.seq);
        }
        before = (entry.seq, entry.hash);
    }
    None
}

#[tokio::test]
async fn decisions_that_come_together_are_one_unbroken_chain() {
    let gate = Gate::open().await;
    let asking = (0..40).map(|n| gate.asks(judged(&format!("push {n}"), if n % 3 == 0 { deny() } else { allow() })));
    futures_util::future::join_all(asking).await;
    let entries = audit::page(gate.app.store.pool(), 0, 100).await.unwrap();
    assert_eq!(entries.len(), 40);
    assert_eq!(broken(&entries), None);
    let head = gate.app.signer.head(gate.app.store.pool(), gate.app.now()).await.unwrap();
    assert_eq!((head.seq, head.hash), (40, entries[39].hash));
}

#[tokio::test]
async fn a_changed_row_shows_and_so_does_a_missing_one() {
    let gate = Gate::open().await;
    for n in 0..5 {
        let _ = gate.asks(judged(&format!("push {n}"), allow())).await;
    }
    let pool = gate.app.store.pool();
    sqlx::query("UPDATE audit SET text = replace(text, 'push 2', 'pull 2') WHERE seq = 3").execute(pool).await.unwrap();
    assert_eq!(broken(&audit::page(pool, 0, 100).await.unwrap()), Some(3));
    sqlx::query("DELETE FROM audit WHERE seq = 2").execute(pool).await.unwrap();
    assert_eq!(broken(&audit::page(pool, 0, 100).await.unwrap()), Some(3));
}

#[tokio::test]
async fn the_head_is_signed_by_a_key_that_stays_and_that_nobody_else_can_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let gate = Gate::open().await;
    let _ = gate.asks(judged("push", allow())).await;
    let head = gate.app.signer.head(gate.app.store.pool(), gate.app.now()).await.unwrap();
    let bytes = |text: &str| -> Vec<u8> {
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
    };
    let key = aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ED25519, bytes(&head.key));
    let signed = format!("portcullis audit head v1\n{}\n{}\n{}\n", head.seq, head.hash, head.at.0);
    key.verify(signed.as_bytes(), &bytes(&head.signature)).unwrap();
    assert!(key.verify(signed.replace("head", "tail").as_bytes(), &bytes(&head.signature)).is_err());
    let mode = std::fs::metadata(gate.data.path().join("audit.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let gate = gate.reopen().await;
    let later = gate.app.signer.head(gate.app.store.pool(), gate.app.now()).await.unwrap();
    assert_eq!(later.key, head.key);
}

#[tokio::test]
async fn the_store_waits_for_the_disk_before_it_answers() {
    let gate = Gate::open().await;
    for (pragma, wanted) in [("PRAGMA synchronous", "2"), ("PRAGMA journal_mode", "wal")] {
        let row = sqlx::query(pragma).fetch_one(gate.app.store.pool()).await.unwrap();
        let value = row.try_get::<String, _>(0).or_else(|_| row.try_get::<i64, _>(0).map(|n| n.to_string()));
        assert_eq!(value.unwrap(), wanted, "{pragma}");
    }
}
