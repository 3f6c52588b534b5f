use super::{Gate, agent};
use crate::server::audit::Event;
use crate::server::store::Error;

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
