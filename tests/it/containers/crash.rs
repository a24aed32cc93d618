//! An import that is cut off anywhere leaves nothing, and can be run again.

use tenant_schema::container::reference::References;
use tests::{Cluster, TestDb};

use super::{exported_by, imported_by, new};
use crate::fleet::Small;
use crate::lifecycle::crash::through;
use crate::lifecycle::leftovers::{leftovers, tenant_roles};

#[tokio::test]
async fn an_import_cut_after_any_message_leaves_nothing() {
    // Roles belong to the cluster: one of its own, to count them. A version is gone through on the way.
    let small = Small::on(TestDb::on(Cluster::own().await).await, &["ant"]).await;
    small.notes(100).await;
    let t = &small.t;
    let references = References::of(&small.template());
    let bytes = exported_by(t, &references, "ant").await.bytes;
    let who = t.user("ann@example.com").await;
    let copy = new("copy", &who, false);
    let (before, roles) = (leftovers(t).await, tenant_roles(t).await);
    let proxy = t.proxy().await;
    let mut n = 0;
    loop {
        n += 1;
        let db = through(t, &proxy).await;
        proxy.cut_after(n);
        let outcome = imported_by(t, &db, &references, &bytes, &copy).await;
        drop(db);
        assert!(outcome.is_err(), "it was done after {n} messages");
        proxy.all_ended().await;
        if leftovers(t).await != before {
            // Only the answer to COMMIT was lost.
            break;
        }
        assert_eq!(tenant_roles(t).await, roles, "cut after message {n}");
    }
    assert!(n > 40, "only {n} messages");
    assert_eq!(leftovers(t).await.schemas, before.schemas + 1);
    assert!(small.versions().await.contains(&("copy".to_owned(), 2, 2)));
    imported_by(t, t.catalog(), &references, &bytes, &new("again", &who, false))
        .await
        .expect("a tenant");
    crate::tell(&format!("an import is {n} messages; cut after each"));
}
