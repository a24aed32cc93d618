//! The page "Schemas".

use super::{get, post, stage, walk};

#[tokio::test]
async fn a_tenant_is_one_schema() {
    let examples = [
        // Multiple schemas
        // Not here: several exposed schemas. A tenant is one schema, which the host names. Clients know it as `public`.
        get("coins?select=id&id=eq.1")
            .with("accept-profile", "public")
            .gives(r#"[{"id":1}]"#),
        post("coins?select=id", r#"{"id":9}"#)
            .prefers("return=representation")
            .with("content-profile", "other")
            .fails(
                406,
                r#"{"code":"PGRST106","message":"The schema is not one that is exposed",
                "hint":"Only the following schemas are exposed: public"}"#,
            ),
        get("coins?select=id").with("accept-profile", "other").fails(
            406,
            r#"{"code":"PGRST106","message":"The schema is not one that is exposed",
                "hint":"Only the following schemas are exposed: public"}"#,
        ),
        post("coins?select=id", r#"{"id":9}"#)
            .prefers("return=representation")
            .with("content-profile", "public")
            .is(201)
            .gives(r#"[{"id":9}]"#),
    ];
    walk(&stage().await, &examples).await;
}
