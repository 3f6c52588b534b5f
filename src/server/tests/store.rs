use std::task::Poll;
use std::time::{Duration, Instant};

use super::{Gate, agent};
use crate::server::audit::Event;
use crate::server::store::{Error, Plain, Statement, Tx, Work};

#[tokio::test]
async fn a_job_that_fails_undoes_its_own_writing_and_nobody_elses() {
    let gate = Gate::open().await;
    let write = |good: bool| {
        gate.app.store.write(move |tx| {
            Box::pin(async move {
                tx.audit(Event::new("test").who(&agent())).await?;
                if good { Ok(()) } else { Err(Error::Value("no".to_owned())) }
            })
        })
    };
    let all = futures_util::future::join_all((0..30).map(|n| write(n % 3 > 0))).await;
    assert_eq!(all.iter().filter(|one| one.is_ok()).count(), 20);
    assert_eq!(gate.log().await.len(), 20);
}

#[tokio::test]
async fn a_statement_that_fails_leaves_its_neighbours_whole() {
    let gate = Gate::open().await;
    let broken = gate.app.store.write(|tx| {
        Box::pin(async move {
            tx.audit(Event::new("test")).await?;
            sqlx::query("INSERT INTO audit (seq) VALUES (1)").execute(tx.connection()).await?;
            Ok::<_, Error>(())
        })
    });
    let good = gate.app.store.write(|tx| Box::pin(async move { tx.audit(Event::new("good")).await }));
    let (broken, good) = futures_util::future::join(broken, good).await;
    assert!(broken.is_err());
    assert_eq!(good.unwrap(), 1);
    assert_eq!(gate.log().await, ["good"]);
}

/// The database itself changes only by what the writer settles: what is committed is in the log beside it.
#[tokio::test]
async fn what_may_reach_the_disk_later_reaches_it_unasked() {
    let gate = Gate::open().await;
    let database = gate.data.path().join("portcullis.db");
    let bytes = || std::fs::read(&database).unwrap();
    let before = bytes();
    gate.app.store.write_soon(|tx| Box::pin(async move { tx.audit(Event::new("soon")).await })).await.unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while bytes() == before {
        assert!(Instant::now() < until, "nothing was settled");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(gate.log().await, ["soon"]);
}

/// A row that is there once, and the log's word of it.
fn plain(kind: &'static str) -> Plain {
    Plain {
        row: Statement {
            sql: "INSERT INTO attempts (who, period, count) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            values: vec!["somebody".into(), 7.into(), 1.into()],
        },
        events: vec![Event::new(kind), Event::new("and more")],
    }
}

#[tokio::test]
async fn a_row_is_added_once_with_its_entries_whichever_way_it_takes() {
    let gate = Gate::open().await;
    assert!(gate.app.store.add_soon(plain("first")).await.unwrap());
    assert!(!gate.app.store.add_soon(plain("again")).await.unwrap());
    assert!(!gate.app.store.add(plain("again")).await.unwrap());
    let again = plain("again");
    let written = gate.app.store.write(|tx| Box::pin(again.run(tx))).await;
    assert!(!written.unwrap());
    gate.app.store.write(|tx| Box::pin(async move { tx.audit(Event::new("later")).await })).await.unwrap();
    assert_eq!(gate.log().await, ["first", "and more", "later"]);
    let entries = crate::server::audit::page(gate.app.store.pool(), 0, 10).await.unwrap();
    for pair in entries.windows(2) {
        assert_eq!((pair[1].previous, pair[1].seq), (pair[0].hash, pair[0].seq + 1), "the chain holds");
    }
}

#[tokio::test]
async fn what_is_added_is_on_the_disk_when_it_is_answered() {
    let gate = Gate::open().await;
    let database = gate.data.path().join("portcullis.db");
    let before = std::fs::read(&database).unwrap();
    assert!(gate.app.store.add(plain("added")).await.unwrap());
    assert_ne!(std::fs::read(&database).unwrap(), before);
    gate.app.store.on_disk().await.unwrap();
}

#[tokio::test]
async fn what_another_program_keeps_from_being_written_is_written_when_that_has_ended() {
    let gate = Gate::open().await;
    let other = rusqlite::Connection::open(gate.data.path().join("portcullis.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut adds = std::pin::pin!(gate.app.store.add_soon(plain("late")));
    // Tried at once, and not again by itself: from here on it is the writer's.
    let at_once = std::future::poll_fn(|context| Poll::Ready(adds.as_mut().poll(context).is_ready())).await;
    assert!(!at_once);
    other.execute_batch("COMMIT").unwrap();
    assert!(adds.await.unwrap());
    assert_eq!(gate.log().await, ["late", "and more"]);
}

fn fails(tx: &mut Tx) -> Work<'_, (), Error> {
    Box::pin(async move {
        tx.audit(Event::new("test")).await?;
        Err(Error::Value("no".to_owned()))
    })
}

#[tokio::test]
async fn a_lone_job_that_fails_leaves_nothing_and_the_next_is_served() {
    let gate = Gate::open().await;
    for soon in [true, false] {
        let failed = if soon { gate.app.store.write_soon(fails).await } else { gate.app.store.write(fails).await };
        assert_eq!(failed.unwrap_err().to_string(), "store: a stored value does not read back: no");
        assert!(gate.log().await.is_empty());
    }
    gate.app.store.write(|tx| Box::pin(async move { tx.audit(Event::new("good")).await })).await.unwrap();
    assert_eq!(gate.log().await, ["good"]);
}
