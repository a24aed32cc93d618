//! The page "Tables and Views".

use axum::http::Method;

use super::{ask, delete, get, head, patch, post, put, stage, walk};

#[tokio::test]
async fn rows_are_filtered() {
    let examples = [
        // Read
        get("people?select=id,given_name").gives(
            r#"[{"id":1,"given_name":"Olga"},{"id":2,"given_name":"Piet"},
                {"id":3,"given_name":"Quin"},{"id":4,"given_name":"Rosa"},
                {"id":5,"given_name":"Sven"}]"#,
        ),
        head("people")
            .tells("content-range", "0-4/*")
            .tells("content-type", "application/json; charset=utf-8"),
        // Horizontal filtering
        get("people?select=given_name&age=lt.13").gives(r#"[{"given_name":"Piet"}]"#),
        get("people?select=given_name&age=gte.18&is_student=is.true").gives(r#"[{"given_name":"Rosa"}]"#),
        // Operators
        get("people?select=id&age=eq.12").gives(r#"[{"id":2}]"#),
        get("people?select=id&age=neq.12&order=id").gives(r#"[{"id":1},{"id":3},{"id":4}]"#),
        get("people?select=id&given_name=like.*o*").gives(r#"[{"id":4}]"#),
        get("people?select=id&given_name=ilike.*O*&order=id").gives(r#"[{"id":1},{"id":4}]"#),
        get("people?select=id&given_name=match.^[OP]&order=id").gives(r#"[{"id":1},{"id":2}]"#),
        get("people?select=id&given_name=imatch.^[op]&order=id").gives(r#"[{"id":1},{"id":2}]"#),
        get("people?select=id&id=in.(1,2,3)&order=id").gives(r#"[{"id":1},{"id":2},{"id":3}]"#),
        get(r#"marks?select=name&name=in.("Hold,Fast","plain")"#)
            .gives(r#"[{"name":"Hold,Fast"},{"name":"plain"}]"#),
        get("people?select=id&family_name=is.null").gives(r#"[{"id":5}]"#),
        get("people?select=id&is_student=is.unknown").gives(r#"[{"id":5}]"#),
        get("people?select=id&is_student=not.is.null&order=id")
            .gives(r#"[{"id":1},{"id":2},{"id":3},{"id":4}]"#),
        get("people?select=id&is_student=is.not_null&order=id")
            .gives(r#"[{"id":1},{"id":2},{"id":3},{"id":4}]"#),
        get("people?select=id&grade=isdistinct.70&order=id")
            .gives(r#"[{"id":2},{"id":3},{"id":4},{"id":5}]"#),
        get("lands?select=id&languages=cs.{en,haw}").gives(r#"[{"id":2}]"#),
        get("lands?select=id&languages=cd.{es,en}&order=id").gives(r#"[{"id":1},{"id":3}]"#),
        get("lands?select=id&languages=ov.{es,haw}&order=id").gives(r#"[{"id":1},{"id":2}]"#),
        // Elsewhere: `sl`, `sr`, `nxr`, `nxl`, `adj` and `ov` of ranges: rows of `records_read/filters.rs`.
        get("fresh_notices?select=id&order=id").gives(r#"[{"id":1},{"id":2}]"#),
        // Operator modifiers
        get("people?select=given_name&given_name=like(any).{O*,P*}&order=id")
            .gives(r#"[{"given_name":"Olga"},{"given_name":"Piet"}]"#),
        get("people?select=given_name&given_name=like(all).{O*,*lga}").gives(r#"[{"given_name":"Olga"}]"#),
        get("people?select=id&age=gt(all).{12,14}&order=id").gives(r#"[{"id":1},{"id":4}]"#),
        // Logical operators
        get("people?select=id&or=(age.lt.14,age.gt.21)&order=id").gives(r#"[{"id":1},{"id":2}]"#),
        get("people?select=id&age=not.eq.12&order=id").gives(r#"[{"id":1},{"id":3},{"id":4}]"#),
        get("people?select=id&not.and=(age.gte.12,age.lte.19)").gives(r#"[{"id":1}]"#),
        get(
            "people?select=id&grade=gte.90&is_student=is.true&or=(age.eq.14,not.and(age.gte.11,\
            age.lte.17))",
        )
        .gives(r#"[{"id":3}]"#),
        // Full-text search
        get("passages?select=id&vector=fts(french).amusant").gives(r#"[{"id":3}]"#),
        get("passages?select=id&vector=plfts.The Fat Cats").gives(r#"[{"id":2}]"#),
        get("passages?select=id&vector=not.phfts(english).The Fat Cats&order=id")
            .gives(r#"[{"id":1},{"id":3}]"#),
        get("passages?select=id&vector=not.wfts(french).amusant&order=id").gives(r#"[{"id":1},{"id":2}]"#),
        get("passages?select=id&vector=wfts(english).impossible or rats&order=id")
            .gives(r#"[{"id":1},{"id":2}]"#),
        // Automatic conversion to tsvector
        get("passages?select=id&words=fts.impossible").gives(r#"[{"id":1}]"#),
        get("passages?select=id&words=wfts(english).fat cats").gives(r#"[{"id":2}]"#),
        get("passages?select=id&document=phfts(english).fat cats").gives(r#"[{"id":1}]"#),
        get("passages?select=id&document->>said=fts.fat").gives(r#"[{"id":1}]"#),
    ];
    walk(&stage().await, &examples).await;
}

#[tokio::test]
async fn columns_are_chosen() {
    let examples = [
        // Vertical filtering
        get("people?select=given_name,age&id=lt.3&order=id")
            .gives(r#"[{"given_name":"Olga","age":34},{"given_name":"Piet","age":12}]"#),
        get("people?id=eq.5").gives(
            r#"[{"id":5,"given_name":"Sven","family_name":null,"age":null,"height":null,
                "is_student":null,"grade":null,"wage":null,"born_on":null,"category":null,
                "card":null}]"#,
        ),
        // Renaming columns
        get("people?select=fullName:full_name,birthDate:born_on&id=lt.3&order=id").gives(
            r#"[{"fullName":"Olga Orlova","birthDate":"1988-04-25"},
                {"fullName":"Piet Paulsen","birthDate":"2010-01-12"}]"#,
        ),
        // JSON columns
        get("people?select=id,card->>blood,card->phones&id=lt.3&order=id").gives(
            r#"[{"id":1,"blood":"A-","phones":[{"land":"61","number":"917"}]},
                {"id":2,"blood":"0+","phones":[{"land":"43","number":"512"},
                {"land":"43","number":"213"}]}]"#,
        ),
        get("people?select=id,card->phones->0->>number&id=lt.4&order=id")
            .gives(r#"[{"id":1,"number":"917"},{"id":2,"number":"512"},{"id":3,"number":null}]"#),
        get("people?select=id,card->blood&card->>blood=eq.A-&order=id")
            .gives(r#"[{"id":1,"blood":"A-"},{"id":3,"blood":"A-"}]"#),
        get("people?select=id,card->age&card->age=gt.12&order=id")
            .gives(r#"[{"id":1,"age":34},{"id":3,"age":14},{"id":4,"age":19}]"#),
        // Composite and array columns
        get(
            "lands?select=id,place->>north,place->>east,primary_language:languages->0&\
            place->north=gte.19",
        )
        .gives(r#"[{"id":2,"north":"19.741755","east":"-155.844437","primary_language":"en"}]"#),
        // Casting columns
        get("people?select=given_name,wage::text&wage=not.is.null&order=id")
            .gives(r#"[{"given_name":"Olga","wage":"90000.00"},{"given_name":"Rosa","wage":"120000.00"}]"#),
        // Domain representations
        // Not here: domains with casts to and from JSON: not interpreted; a domain is what its base type is.
    ];
    walk(&stage().await, &examples).await;
}

#[tokio::test]
async fn rows_are_sorted() {
    let examples = [
        // Ordering
        get("people?select=id&order=age.desc,height.asc")
            .gives(r#"[{"id":5},{"id":1},{"id":4},{"id":3},{"id":2}]"#),
        get("people?select=id&order=age").gives(r#"[{"id":2},{"id":3},{"id":4},{"id":1},{"id":5}]"#),
        get("people?select=id&order=age.nullsfirst")
            .gives(r#"[{"id":5},{"id":2},{"id":3},{"id":4},{"id":1}]"#),
        get("people?select=id&order=age.desc.nullslast")
            .gives(r#"[{"id":1},{"id":4},{"id":3},{"id":2},{"id":5}]"#),
        get("lands?select=id&order=place->>north.desc.nullslast").gives(r#"[{"id":1},{"id":2},{"id":3}]"#),
        get("people?select=id&order=full_name.desc&limit=2").gives(r#"[{"id":5},{"id":4}]"#),
        get("people?select=id&order=card->age.desc.nullslast&limit=2").gives(r#"[{"id":1},{"id":4}]"#),
    ];
    walk(&stage().await, &examples).await;
}

#[tokio::test]
async fn rows_are_added() {
    let examples = [
        // Insert
        post("datasets", r#"{"source":"a survey","figure":11}"#)
            .is(201)
            .tells("content-range", "*/*")
            .tells("location", "/rest/v1/datasets?id=eq.1"),
        post("hires", r#"{"id":7,"name":"Vera"}"#)
            .prefers("return=headers-only")
            .is(201)
            .tells("location", "/rest/v1/hires?id=eq.7")
            .tells("preference-applied", "return=headers-only"),
        post("hires?select=id,name,wage", r#"{"id":7,"name":"Vera"}"#)
            .prefers("return=representation")
            .is(201)
            .tells("content-type", "application/json; charset=utf-8")
            .tells("location", "/rest/v1/hires?id=eq.7")
            .tells("preference-applied", "return=representation")
            .gives(r#"[{"id":7,"name":"Vera","wage":1000}]"#),
        // x-www-form-urlencoded
        ask(Method::POST, "people?select=given_name,age,height")
            .sends(
                "given_name=Ute+Uhl&age=50&height=180",
                "application/x-www-form-urlencoded",
            )
            .prefers("return=representation")
            .is(201)
            .gives(r#"[{"given_name":"Ute Uhl","age":50,"height":180}]"#),
        post("people", r#""{ \"given_name\": \"x\" }""#).fails(
            400,
            r#"{"code":"PGRST102","message":"The body must be a JSON object or an array of objects",
                "details":"In object 1 of the body"}"#,
        ),
        // Bulk insert
        ask(Method::POST, "people?select=given_name,family_name,age,height")
            .sends(
                "given_name,family_name,age,height\nJ Doe,,62,70\nJonas,NULL,10,55\n",
                "text/csv",
            )
            .prefers("return=representation")
            .is(201)
            .gives(
                r#"[{"given_name":"J Doe","family_name":"","age":62,"height":70},
                {"given_name":"Jonas","family_name":null,"age":10,"height":55}]"#,
            ),
        post(
            "people?select=given_name,age,height",
            r#"[{"given_name":"J Doe","age":62,"height":70},
                {"given_name":"Janus","age":10,"height":55}]"#,
        )
        .prefers("return=representation")
        .is(201)
        .gives(
            r#"[{"given_name":"J Doe","age":62,"height":70},
                {"given_name":"Janus","age":10,"height":55}]"#,
        ),
        post(
            "people",
            r#"[{"given_name":"J Doe"},{"given_name":"Janus","age":10}]"#,
        )
        .fails(
            400,
            r#"{"code":"PGRST102","message":"All object keys must match",
                "details":"In object 2 of the body"}"#,
        ),
        // Bulk insert with default values
        post(
            "hires?columns=id,name,wage,remark&select=id,name,wage,remark",
            r#"[{"id":7,"name":"Vera","wage":5},{"id":8,"name":"Wim","remark":"old"}]"#,
        )
        .prefers("missing=default, return=representation")
        .is(201)
        .tells("preference-applied", "missing=default, return=representation")
        .gives(
            r#"[{"id":7,"name":"Vera","wage":5,"remark":"new"},
                {"id":8,"name":"Wim","wage":1000,"remark":"old"}]"#,
        ),
        post(
            "hires?columns=id,name,remark&select=id,name,remark",
            r#"[{"id":7,"name":"Vera"},{"id":8,"name":"Wim","remark":"old"}]"#,
        )
        .prefers("return=representation")
        .is(201)
        .gives(r#"[{"id":7,"name":"Vera","remark":null},{"id":8,"name":"Wim","remark":"old"}]"#),
        // Specifying columns
        post(
            "datasets?columns=source,published_on,figure&select=source,published_on,figure",
            r#"{"source":"a survey","published_on":"2015-09-11","figure":1100,"location":"x",
                "comment":"y","extra":1}"#,
        )
        .prefers("return=representation")
        .is(201)
        .gives(r#"[{"source":"a survey","published_on":"2015-09-11","figure":1100}]"#),
        post("datasets", r#"{"source":"a survey","extra":1}"#).fails(
            400,
            r#"{"code":"PGRST204","message":"Could not find the 'extra' column of 'datasets'"}"#,
        ),
    ];
    walk(&stage().await, &examples).await;
}

#[tokio::test]
async fn rows_are_changed() {
    let examples = [
        // Update
        patch("people?age=lt.13", r#"{"category":"child"}"#).is(204).tells("content-range", "0-0/*"),
        patch("people?age=lt.13&select=id,category", r#"{"category":"child"}"#)
            .prefers("return=representation")
            .tells("content-range", "0-0/*")
            .tells("preference-applied", "return=representation")
            .gives(r#"[{"id":2,"category":"child"}]"#),
        patch("people?id=eq.99", r#"{"category":"child"}"#).is(204).tells("content-range", "*/*"),
        patch("people?id=eq.99", r#"{"category":"child"}"#).prefers("return=representation").gives("[]"),
        patch("people?id=eq.1", "{}")
            .prefers("return=representation")
            .gives(r#"[{"id":1,"given_name":"Olga","family_name":"Orlova","age":34,"height":168,
                "is_student":false,"grade":70,"wage":90000.00,"born_on":"1988-04-25","category":null,
                "card":{"blood":"A-","age":34,"phones":[{"land":"61","number":"917"}]}}]"#),
        // Upsert
        post(
            "hires?select=id,name,wage",
            r#"[{"id":1,"name":"Tove","wage":30},{"id":2,"name":"Ugo","wage":42},
                {"id":3,"name":"Xaver","wage":50}]"#,
        )
            .prefers("resolution=merge-duplicates, return=representation")
            .is(201)
            .tells("preference-applied", "resolution=merge-duplicates, return=representation")
            .gives(r#"[{"id":1,"name":"Tove","wage":30},{"id":2,"name":"Ugo","wage":42},
                {"id":3,"name":"Xaver","wage":50}]"#),
        post(
            "hires?select=id,name,wage",
            r#"[{"id":1,"name":"Tove","wage":30},{"id":3,"name":"Xaver","wage":50}]"#,
        )
            .prefers("resolution=ignore-duplicates, return=representation")
            .is(201)
            .tells("preference-applied", "resolution=ignore-duplicates, return=representation")
            .gives(r#"[{"id":3,"name":"Xaver","wage":50}]"#),
        post("hires?select=id,wage", r#"[{"id":1,"name":"Tove","wage":30}]"#)
            .prefers("resolution=merge-duplicates, return=representation")
            .gives(r#"[{"id":1,"wage":30}]"#),
        // On conflict
        post(
            "hires?on_conflict=name&select=name,wage",
            r#"[{"name":"Tove","wage":40},{"name":"Ugo","wage":52},{"name":"Xaver","wage":60}]"#,
        )
            .prefers("resolution=merge-duplicates, return=representation")
            .is(201)
            .gives(r#"[{"name":"Tove","wage":40},{"name":"Ugo","wage":52},{"name":"Xaver","wage":60}]"#),
        post("hires?on_conflict=wage", r#"[{"name":"Tove","wage":40}]"#)
            .prefers("resolution=merge-duplicates")
            .fails(400, r#"{"code":"42P10",
                "message":"there is no unique or exclusion constraint matching the ON CONFLICT specification"}"#),
        // PUT
        put(
            "hires?id=eq.4&select=id,name,wage",
            r#"{"id":4,"name":"Sara B.","wage":60,"hired_on":null,"remark":null}"#,
        )
            .prefers("return=representation")
            .is(201)
            .gives(r#"[{"id":4,"name":"Sara B.","wage":60}]"#),
        put("hires?id=eq.1", r#"{"id":1,"name":"Sara B.","wage":60,"hired_on":null,"remark":null}"#)
            .is(204),
        put("hires?id=eq.1", r#"{"id":2,"name":"Sara B.","wage":60,"hired_on":null,"remark":null}"#)
            .fails(400, r#"{"code":"PGRST115",
                "message":"Payload values do not match URL in primary key column(s)"}"#),
        put("hires?name=eq.Tove", r#"{"id":2,"name":"Sara B.","wage":60,"hired_on":null,"remark":null}"#)
            .fails(405, r#"{"code":"PGRST105",
                "message":"Filters must include all and only primary key columns with 'eq' operators"}"#),
        // Delete
        delete("accounts?is_active=is.false").is(204).tells("content-range", "*/*"),
        delete("accounts?id=eq.1&select=id,email")
            .prefers("return=representation")
            .tells("preference-applied", "return=representation")
            .gives(r#"[{"id":1,"email":"a@x.example"}]"#),
        delete("accounts?id=eq.1&select=id,email")
            .prefers("return=representation")
            .accepts("application/vnd.pgrst.object+json")
            .gives(r#"{"id":1,"email":"a@x.example"}"#),
        // Without a filter, which the page warns of: refused here.
        delete("accounts")
            .fails(400, r#"{"code":"21000","message":"DELETE requires a WHERE clause",
                "hint":"Name the records by a filter, such as id=eq.… or id=not.is.null for all"}"#),
        patch("accounts", r#"{"is_active":true}"#)
            .fails(400, r#"{"code":"21000","message":"UPDATE requires a WHERE clause",
                "hint":"Name the records by a filter, such as id=eq.… or id=not.is.null for all"}"#),
        // Limited update and delete (until version 12)
        patch("accounts?limit=2&order=id&last_seen=lt.2017-01-01&select=id", r#"{"is_active":false}"#)
            .prefers("return=representation")
            .gives(r#"[{"id":1},{"id":2}]"#),
        delete("accounts?limit=1&order=id&is_active=is.false&select=id")
            .prefers("return=representation")
            .gives(r#"[{"id":2}]"#),
        delete("accounts?limit=1&offset=1&order=id.desc&select=id")
            .prefers("return=representation")
            .gives(r#"[{"id":3}]"#),
        delete("accounts?limit=1")
            .fails(400, r#"{"code":"PGRST109","message":"A 'limit' was applied without an explicit 'order'",
                "hint":"Apply an 'order' using unique column(s)"}"#),
    ];
    walk(&stage().await, &examples).await;
}
