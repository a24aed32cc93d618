//! The page "`OpenAPI`".

use super::{get, head, stage, walk};

#[tokio::test]
async fn the_root_describes_itself() {
    let kind = ("content-type", "application/openapi+json; charset=utf-8");
    let examples = [
        get("").tells(kind.0, kind.1),
        get("").accepts("application/openapi+json").tells(kind.0, kind.1),
        get("").accepts("application/json").tells(kind.0, kind.1),
        head("").tells(kind.0, kind.1),
        // Not here: `db-root-spec`, `openapi-mode`, `openapi-security-active`, `openapi-server-proxy-uri`: the document
        // is of version 3.1 and always says what its reader may use; `records/openapi/tests.rs` and `http/openapi.rs`.
    ];
    let person = stage().await;
    walk(&person, &examples).await;
    let document = person.get("/openapi.json").await.json();
    assert_eq!(
        document["components"]["schemas"]["people"]["description"],
        "Whoever is asked about."
    );
}
