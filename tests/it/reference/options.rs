//! The page "OPTIONS method".

use super::{delete, options, patch, post, stage, walk};

#[tokio::test]
async fn addresses_tell_their_methods() {
    let examples = [
        // Tables and views
        options("people").tells("allow", "OPTIONS,GET,HEAD,POST,PATCH,PUT,DELETE"),
        options("coin_names").tells("allow", "OPTIONS,GET,HEAD,POST,PATCH,PUT,DELETE"),
        options("coin_letters").tells("allow", "OPTIONS,GET,HEAD,POST,PATCH,PUT,DELETE"),
        options("coin_count").tells("allow", "OPTIONS,GET,HEAD,POST,PATCH,PUT,DELETE"),
        options("nothing").tells("allow", "OPTIONS,GET,HEAD,POST,PATCH,PUT,DELETE"),
        // Functions
        options("rpc/add_up").tells("allow", "OPTIONS,GET,HEAD,POST"),
        options("rpc/add_coin").tells("allow", "OPTIONS,GET,HEAD,POST"),
        // What a view takes
        post("coin_names?select=id", r#"{"id":9,"name":"x"}"#)
            .prefers("return=representation")
            .is(201)
            .gives(r#"[{"id":9}]"#),
        post("coin_letters", r#"{"id":9}"#).is(201),
        post("coin_letters", r#"{"id":9,"letter":"x"}"#).fails(
            400,
            r#"{"code":"0A000",
                "message":"cannot insert into column \"letter\" of view \"coin_letters\"",
                "details":"View columns that are not columns of their base relation are not updatable."}"#,
        ),
        patch("coin_count?coins=eq.3", r#"{"coins":1}"#).fails(
            405,
            r#"{"code":"PGRST117",
                "message":"'coin_count' cannot be written: it does not allow to update records"}"#,
        ),
        delete("coin_count?coins=eq.3").fails(
            405,
            r#"{"code":"PGRST117",
                "message":"'coin_count' cannot be written: it does not allow to delete records"}"#,
        ),
    ];
    walk(&stage().await, &examples).await;
}
