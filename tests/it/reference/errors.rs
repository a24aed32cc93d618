//! The page "Errors".

use super::{delete, get, patch, post, stage, walk};

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of examples")]
async fn errors_have_codes() {
    let examples = [
        // Group 1: the request
        get("coins?id=eq")
            .fails(400, r#"{"code":"PGRST100","message":"failed to parse id (eq)",
                "details":"expected an operator such as 'eq.' at character 1, found 'e'"}"#),
        get("coins?select=id,")
            .fails(400, r#"{"code":"PGRST100","message":"failed to parse select (id,)",
                "details":"expected a column name at character 4, found the end"}"#),
        get("coins?select=(id")
            .fails(400, r#"{"code":"PGRST100","message":"failed to parse select ((id)",
                "details":"expected a column name at character 1, found '('"}"#),
        get("coins?order=id.sideways")
            .fails(400, r#"{"code":"PGRST100","message":"failed to parse order (id.sideways)",
                "details":"expected '.asc', '.desc', '.nullsfirst', '.nullslast' or ',' at character 3, found '.'"}"#),
        get("coins?limit=x")
            .fails(400, r#"{"code":"PGRST100","message":"failed to parse limit (x)",
                "details":"expected a whole number of rows"}"#),
        get("coins?id=zz.1")
            .fails(400, r#"{"code":"PGRST100","message":"failed to parse id (zz.1)",
                "details":"expected an operator such as 'eq.' at character 1, found 'z'"}"#),
        get("coins?and=(id.eq.1")
            .fails(400, r#"{"code":"PGRST100","message":"failed to parse and ((id.eq.1)",
                "details":"expected ',' at character 9, found the end"}"#),
        get("coins?nothing=1")
            .fails(400, r#"{"code":"42703","message":"column coins.nothing does not exist"}"#),
        post("rpc/add_up", r#"["x"]"#)
            .fails(404, r#"{"code":"PGRST202","message":"Could not find the function add_up in the schema cache",
                "details":"Searched for the function add_up with a single unnamed json/jsonb parameter, but no matches were found",
                "hint":"Perhaps you meant to call the function add_up(a, b)"}"#),
        post("coins", r#"{"id""#)
            .fails(400, r#"{"code":"PGRST102","message":"Empty or invalid json",
                "details":"EOF while parsing an object at line 1 column 5"}"#),
        post("coins?columns=nothing", r#"{"id":9}"#)
            .fails(400, r#"{"code":"PGRST204","message":"Could not find the 'nothing' column of 'coins'"}"#),
        get("works?select=title,players(given_name)&order=players(given_name)")
            .fails(400, r#"{"code":"PGRST118","message":"A related order on 'players' is not possible",
                "details":"'works' and 'players' do not form a many-to-one or one-to-one relationship"}"#),
        get("works?select=title&composers.family_name=eq.x")
            .fails(400, r#"{"code":"PGRST108",
                "message":"'composers' is not an embedded resource in this request",
                "hint":"Verify that 'composers' is included in the 'select' query parameter."}"#),
        get("works?select=title&composers=not.is.null")
            .fails(400, r#"{"code":"42703","message":"column works.composers does not exist",
                "hint":"Perhaps you meant 'composer_id'"}"#),
        get("works?select=title&order=composers(id)")
            .fails(400, r#"{"code":"PGRST108",
                "message":"'composers' is not an embedded resource in this request",
                "hint":"Verify that 'composers' is included in the 'select' query parameter."}"#),
        get("works?select=title,players(id)&players=eq.1")
            .fails(400, r#"{"code":"PGRST120","message":"Bad operator on the 'players' embedded resource",
                "details":"Only is null or not is null filters are allowed on embedded resources"}"#),
        // Group 2: the schema
        get("works?select=title,nothing(id)")
            .fails(400, r#"{"code":"PGRST200",
                "message":"Could not find a relationship between 'works' and 'nothing' in the schema cache",
                "details":"Searched for a foreign key relationship between 'works' and 'nothing', but no matches were found."}"#),
        get("works?select=title,composer(id)")
            .fails(400, r#"{"code":"PGRST200",
                "message":"Could not find a relationship between 'works' and 'composer' in the schema cache",
                "details":"Searched for a foreign key relationship between 'works' and 'composer', but no matches were found.",
                "hint":"Perhaps you meant 'composers' instead of 'composer'."}"#),
        get("parcels?select=places(name)")
            .fails(300, r#"{"code":"PGRST201",
                "message":"Could not embed because more than one relationship was found for 'parcels' and 'places'",
                "details":[{"cardinality":"many-to-one","embedding":"parcels with places",
                "relationship":"billing using parcels(billing_place_id) and places(id)"},
                {"cardinality":"many-to-one","embedding":"parcels with places",
                "relationship":"shipping using parcels(shipping_place_id) and places(id)"}],
                "hint":"Try changing 'places' to one of the following: 'places!billing', 'places!shipping'. Find the desired relationship in the 'details' key."}"#),
        get("rpc/add_upp?a=1&b=2")
            .fails(404, r#"{"code":"PGRST202",
                "message":"Could not find the function add_upp(a, b) in the schema cache",
                "details":"Searched for the function add_upp with parameters a, b, but no matches were found",
                "hint":"Perhaps you meant to call the function add_up"}"#),
        get("coin")
            .fails(404, r#"{"code":"PGRST205","message":"Could not find the table 'coin' in the schema",
                "hint":"Perhaps you meant 'coins'"}"#),
        post("coins", r#"{"nam":"x"}"#)
            .fails(400, r#"{"code":"PGRST204","message":"Could not find the 'nam' column of 'coins'",
                "hint":"Perhaps you meant 'name'"}"#),
        get("coins?nam=eq.x")
            .fails(400, r#"{"code":"42703","message":"column coins.nam does not exist",
                "hint":"Perhaps you meant 'name'"}"#),
        get("coins?select=nam")
            .fails(400, r#"{"code":"42703","message":"column coins.nam does not exist",
                "hint":"Perhaps you meant 'name'"}"#),
        get("coins?order=nam")
            .fails(400, r#"{"code":"42703","message":"column coins.nam does not exist",
                "hint":"Perhaps you meant 'name'"}"#),
        // SQLSTATEs
        post("coins", r#"{"id":1}"#)
            .fails(409, r#"{"code":"23505",
                "message":"duplicate key value violates unique constraint \"coins_pkey\"",
                "details":"Key (id)=(1) already exists."}"#),
        post("coins", r#"{"name":"x"}"#)
            .fails(422, r#"{"code":"23502",
                "message":"null value in column \"id\" of relation \"coins\" violates not-null constraint",
                "details":"The value is for the column 'id'."}"#),
        post("works", r#"{"id":9,"title":"x","composer_id":99}"#)
            .fails(409, r#"{"code":"23503",
                "message":"insert or update on table \"works\" violates foreign key constraint \"works_composer_id_fkey\"",
                "details":"Key (composer_id)=(99) is not present in table \"composers\"."}"#),
        delete("works?id=eq.1")
            .fails(409, r#"{"code":"23503",
                "message":"update or delete on table \"works\" violates foreign key constraint \"scores_work_id_fkey\" on table \"scores\"",
                "details":"Key (id)=(1) is still referenced from table \"scores\"."}"#),
        get("coins?id=eq.x")
            .fails(400, r#"{"code":"22P02","message":"invalid input syntax for type integer: \"x\"",
                "details":"The value is for the column 'id'."}"#),
        get("people?age=eq.99999999999")
            .fails(400, r#"{"code":"22003","message":"value \"99999999999\" is out of range for type integer",
                "details":"The value is for the column 'age'."}"#),
        get("people?born_on=eq.2026-02-30")
            .fails(400, r#"{"code":"22008","message":"date/time field value out of range: \"2026-02-30\"",
                "details":"The value is for the column 'born_on'."}"#),
        post("coins", r#"{"id":"x"}"#)
            .fails(400, r#"{"code":"22P02","message":"invalid input syntax for type integer: \"x\"",
                "details":"The value is for the column 'id'."}"#),
        patch("accounts?id=eq.1", r#"{"state":"x"}"#)
            .fails(400, r#"{"code":"428C9",
                "message":"cannot write the column 'state' of 'accounts', the database computes it"}"#),
        // RAISE
        post("rpc/must_pay", "{}")
            .fails(402, r#"{"code":"PT402","message":"Payment required","details":"The quota is used up",
                "hint":"Buy more"}"#),
        post("rpc/must_read", "{}")
            .fails(402, r#"{"code":"123","message":"Payment required","details":"Quota exceeded",
                "hint":"Upgrade"}"#)
            .tells("x-quota", "none"),
        post("rpc/raises_plainly", "{}")
            .fails(400, r#"{"code":"P0001","message":"I refuse","details":"Quite","hint":"Ask another"}"#),
    ];
    walk(&stage().await, &examples).await;
}
