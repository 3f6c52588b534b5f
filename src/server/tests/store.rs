use super::{Gate, agent};
use crate::server::audit::Event;
use crate::server::store::{Error, Tx, Work};

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
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while bytes() == before {
        assert!(std::time::Instant::now() < until, "nothing was settled");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(gate.log().await, ["soon"]);
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
