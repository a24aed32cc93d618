//! The page "Functions as RPC".

use axum::http::Method;

use super::{ask, get, head, post, put, stage, walk};

#[tokio::test]
async fn functions_are_called() {
    let examples = [
        // Calling with POST
        post("rpc/add_up", r#"{"a":1,"b":2}"#)
            .tells("content-type", "application/json; charset=utf-8")
            .gives("3"),
        post("rpc/timesThem", r#"{"firstFactor":3,"secondFactor":4}"#).gives("12"),
        // Calling with GET
        get("rpc/add_up?a=1&b=2").gives("3"),
        head("rpc/add_up?a=1&b=2"),
        // Functions with an array of JSON objects
        post("rpc/rename_coins", r#"{"changes":[{"id":"1","name":"one"},{"id":"2","name":"two"}]}"#)
            .is(204),
        // Functions with a single unnamed JSON parameter
        post("rpc/multiply", r#"{"x":4,"y":2}"#).gives("8"),
        // Functions with a single unnamed parameter
        ask(Method::POST, "rpc/byte_length").sends("four", "application/octet-stream").gives("4"),
        ask(Method::POST, "rpc/text_length").sends("five!", "text/plain").gives("5"),
        ask(Method::POST, "rpc/markup_length").sends("<a>six</a>", "text/xml").gives("10"),
        // Functions with array parameters
        post("rpc/plus_one", r#"{"numbers":[1,2,3,4]}"#).gives("[2,3,4,5]"),
        get("rpc/plus_one?numbers={1,2,3,4}").gives("[2,3,4,5]"),
        post("rpc/plus_one", r#"{"numbers":"{1,2,3,4}"}"#).gives("[2,3,4,5]"),
        // Variadic functions
        post("rpc/each_plus_one", r#"{"numbers":[1,2,3,4]}"#).gives("[2,3,4,5]"),
        get("rpc/each_plus_one?numbers=1&numbers=2&numbers=3").gives("[2,3,4]"),
        ask(Method::POST, "rpc/each_plus_one")
            .sends("numbers=1&numbers=2", "application/x-www-form-urlencoded")
            .gives("[2,3]"),
        // Table-valued functions
        get("rpc/works_since?first=1895&select=title,composer:composers(family_name)&order=id")
            .gives(r#"[{"title":"Leaving the Mill","composer":{"family_name":"Bonnet"}},
                {"title":"The Haunted Hall","composer":{"family_name":"Cramm"}}]"#),
        get("rpc/works_since?first=1894&rating=gt.7&order=title.desc&select=title")
            .gives(r#"[{"title":"The Haunted Hall"},{"title":"Leaving the Mill"}]"#),
        // Not here: `application/vnd.pgrst.plan`, by which the page shows that functions are inlined. Nobody is shown
        // plans.
        // Scalar functions
        get("rpc/add_up?a=1&b=2").gives("3"),
        get("rpc/works_since?first=1896&select=title,rating")
            .gives(r#"[{"title":"The Haunted Hall","rating":8.4}]"#),
        // Untyped functions
        get("rpc/any_places")
            .gives(r#"[{"id":1,"name":"32 Mill Lane"},{"id":2,"name":"30 Mill Lane"}]"#),
        get("rpc/any_places?select=id")
            .fails(400, r#"{"code":"PGRST100",
                "message":"the parameter 'select' cannot be used to call a function that does not return records"}"#),
        // Overloaded functions
        get("rpc/loan_days?buyer=232").gives("2320"),
        get("rpc/loan_days?buyer=2&since=2018-07-01").gives("201"),
        // Access mode
        get("rpc/add_coin?id=90&name=x")
            .fails(405, r#"{"code":"25006","message":"cannot execute INSERT in a read-only transaction"}"#),
        post("rpc/add_coin", r#"{"id":90,"name":"x"}"#)
            .hides("preference-applied")
            .gives(r#"{"id":90,"name":"x","picture":null}"#),
        // Not here: `Prefer: tx=rollback` for functions that write. They may keep books of their own, which a caller may
        // not undo, so the preference is not told as applied.
        // Errors of calls
        get("rpc/add_up?a=1")
            .fails(404, r#"{"code":"PGRST202",
                "message":"Could not find the function add_up(a) in the schema cache",
                "details":"Searched for the function add_up with parameter a, but no matches were found",
                "hint":"Perhaps you meant to call the function add_up(a, b)"}"#),
        get("rpc/nothing")
            .fails(404, r#"{"code":"PGRST202",
                "message":"Could not find the function nothing in the schema cache",
                "details":"Searched for the function nothing without parameters, but no matches were found"}"#),
        get("rpc/add_up?a=1&b=x")
            .fails(400, r#"{"code":"22P02","message":"invalid input syntax for type integer: \"x\"",
                "details":"The value is for the column 'b'."}"#),
        put("rpc/add_up", "{}")
            .fails(405, r#"{"code":"method_not_allowed","message":"This address does not take this method"}"#),
    ];
    walk(&stage().await, &examples).await;
}
