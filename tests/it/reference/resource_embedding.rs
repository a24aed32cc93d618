//! The page "Resource Embedding".

use super::{delete, get, patch, post, stage, walk};

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of examples")]
async fn foreign_keys_relate() {
    let examples = [
        // Many-to-one relationships
        get("works?select=title,composers(id,family_name)&order=id")
            .gives(r#"[{"title":"Leaving the Mill","composers":{"id":2,"family_name":"Bonnet"}},
                {"title":"An Early Sound","composers":{"id":1,"family_name":"Albers"}},
                {"title":"The Haunted Hall","composers":{"id":3,"family_name":"Cramm"}},
                {"title":"Nobody's Song","composers":null}]"#),
        get("works?select=title,composer:composers(id,family_name)&order=id&limit=1")
            .gives(r#"[{"title":"Leaving the Mill","composer":{"id":2,"family_name":"Bonnet"}}]"#),
        // One-to-many relationships
        get("composers?select=family_name,works(title)&order=id")
            .gives(r#"[{"family_name":"Albers","works":[{"title":"An Early Sound"}]},
                {"family_name":"Bonnet","works":[{"title":"Leaving the Mill"}]},
                {"family_name":"Cramm","works":[{"title":"The Haunted Hall"}]}]"#),
        // Many-to-many relationships
        get("players?select=given_name,family_name,works(title)&order=id&limit=2")
            .gives(r#"[{"given_name":"Willa","family_name":"Dorn","works":[{"title":"Leaving the Mill"}]},
                {"given_name":"Jehan","family_name":"Evers","works":[{"title":"The Haunted Hall"}]}]"#),
        get("works?select=title,contests(name,year)&id=lt.4&order=id&contests.order=id")
            .gives(r#"[{"title":"Leaving the Mill","contests":[{"name":"Reed Prize","year":1990}]},
                {"title":"An Early Sound","contests":[]},
                {"title":"The Haunted Hall","contests":[{"name":"Reed Prize","year":1991},
                {"name":"Golden Bow","year":1991}]}]"#),
        // One-to-one relationships
        get("works?select=title,scores(paper)&order=id")
            .gives(r#"[{"title":"Leaving the Mill","scores":{"paper":"laid"}},
                {"title":"An Early Sound","scores":null},
                {"title":"The Haunted Hall","scores":{"paper":"wove"}},
                {"title":"Nobody's Song","scores":null}]"#),
        get("works?select=title,manuscripts(kept_in)&order=id&limit=2")
            .gives(r#"[{"title":"Leaving the Mill","manuscripts":{"kept_in":"Lyon"}},
                {"title":"An Early Sound","manuscripts":null}]"#),
        get("scores?select=pages,works(title)&order=work_id")
            .gives(r#"[{"pages":12,"works":{"title":"Leaving the Mill"}},
                {"pages":40,"works":{"title":"The Haunted Hall"}}]"#),
        // Computed relationships
        get("first_nights?select=town,piece(title)&order=id")
            .gives(r#"[{"town":"Metz","piece":{"title":"Leaving the Mill"}},
                {"town":"Graz","piece":{"title":"The Haunted Hall"}}]"#),
        get("works?select=title,first_nights(town)&order=id&limit=2")
            .gives(r#"[{"title":"Leaving the Mill","first_nights":[{"town":"Metz"}]},
                {"title":"An Early Sound","first_nights":[]}]"#),
        // Overriding relationships
        get("works_by_year?select=title,composers(family_name)&order=id")
            .gives(r#"[{"title":"Leaving the Mill","composers":{"family_name":"Bonnet"}},
                {"title":"An Early Sound","composers":{"family_name":"Albers"}},
                {"title":"The Haunted Hall","composers":null}]"#),
        // Foreign key joins on multiple foreign key relationships
        get("parcels?select=*,places(*)")
            .fails(300, r#"{"code":"PGRST201",
                "message":"Could not embed because more than one relationship was found for 'parcels' and 'places'",
                "details":[{"cardinality":"many-to-one","embedding":"parcels with places",
                "relationship":"billing using parcels(billing_place_id) and places(id)"},
                {"cardinality":"many-to-one","embedding":"parcels with places",
                "relationship":"shipping using parcels(shipping_place_id) and places(id)"}],
                "hint":"Try changing 'places' to one of the following: 'places!billing', 'places!shipping'. Find the desired relationship in the 'details' key."}"#),
        get("parcels?select=name,billing_place:places!billing(name),\
            shipping_place:places!shipping(name)&order=id&limit=1")
            .gives(r#"[{"name":"Kettle","billing_place":{"name":"32 Mill Lane"},
                "shipping_place":{"name":"30 Mill Lane"}}]"#),
        get("places?select=name,billed:parcels!billing(name),parcels!shipping(name)&id=eq.1&\
            billed.order=id&parcels.order=id")
            .gives(r#"[{"name":"32 Mill Lane","billed":[{"name":"Kettle"},{"name":"Teapot"}],
                "parcels":[{"name":"Teapot"}]}]"#),
        get("parcels?select=name,billing_place_id(name),places!shipping_place_id(name)&id=eq.1")
            .gives(r#"[{"name":"Kettle","billing_place_id":{"name":"32 Mill Lane"},
                "places":{"name":"30 Mill Lane"}}]"#),
        // Recursive relationships: one-to-one
        get("abbots?select=name,predecessor(name),successor(name)&id=eq.2")
            .gives(r#"[{"name":"Anno","predecessor":{"name":"Wigo"},"successor":{"name":"Thilo"}}]"#),
        // Recursive one-to-many and many-to-one
        get("clerks?select=name,subordinates(name)&id=eq.1")
            .gives(r#"[{"name":"Tait","subordinates":[{"name":"Jonas"},{"name":"Moll"}]}]"#),
        get("clerks?select=name,head(name)&id=eq.3")
            .gives(r#"[{"name":"Moll","head":{"name":"Tait"}}]"#),
        // Recursive many-to-many
        get("listeners?select=username,followers(username),following(username)&id=eq.4")
            .gives(r#"[{"username":"top_artist","followers":[{"username":"pat"},{"username":"ali"}],
                "following":[{"username":"top_stream"}]}]"#),
    ];
    walk(&stage().await, &examples).await;
}

#[tokio::test]
async fn views_functions_and_writes_embed() {
    let examples = [
        // Foreign key joins on partitioned tables
        get("takings?select=day,amount,works(title)&amount=gte.1000000")
            .gives(r#"[{"day":"2021-01-05","amount":1500000.00,"works":{"title":"Leaving the Mill"}}]"#),
        get("works?select=title,takings(day)&id=eq.3")
            .gives(r#"[{"title":"The Haunted Hall","takings":[{"day":"2021-02-06"}]}]"#),
        get("takings_2021_01").fails(
            404,
            r#"{"code":"PGRST205",
                "message":"Could not find the table 'takings_2021_01' in the schema"}"#,
        ),
        // Foreign key joins on views
        get(
            "entries_seen?select=work_title,works!entered_work_id(language),parts(instrument),\
            players(family_name)&place=eq.1&parts.order=player_id&players.order=id",
        )
        .gives(
            r#"[{"work_title":"The Haunted Hall","works":{"language":"fr"},
                "parts":[{"instrument":"viola"},{"instrument":"drum"},{"instrument":"harp"}],
                "players":[{"family_name":"Evers"},{"family_name":"Falk"},{"family_name":"Adam"}]}]"#,
        ),
        get("works_by_year?select=title,manuscripts(kept_in)&order=id&limit=1")
            .gives(r#"[{"title":"Leaving the Mill","manuscripts":{"kept_in":"Lyon"}}]"#),
        // Foreign key joins on chains of views
        get("rated_long_works?select=title,composers(family_name)&order=id&limit=1")
            .gives(r#"[{"title":"Leaving the Mill","composers":{"family_name":"Bonnet"}}]"#),
        // Foreign key joins on table-valued functions
        get("rpc/all_works?select=title,composers(id,family_name)&title=like.*Mill*")
            .gives(r#"[{"title":"Leaving the Mill","composers":{"id":2,"family_name":"Bonnet"}}]"#),
        // Foreign key joins on writes
        post(
            "works?select=title,year,composer:composers(given_name,family_name)",
            r#"{"id":100,"composer_id":2,"title":"127 Bars","year":2010,"rating":7.6,
                "language":"en"}"#,
        )
        .prefers("return=representation")
        .is(201)
        .gives(
            r#"[{"title":"127 Bars","year":2010,"composer":{"given_name":"Louis",
                "family_name":"Bonnet"}}]"#,
        ),
        patch(
            "works?select=title,composers(family_name)&id=eq.1",
            r#"{"rating":1}"#,
        )
        .prefers("return=representation")
        .gives(r#"[{"title":"Leaving the Mill","composers":{"family_name":"Bonnet"}}]"#),
        delete("works?select=title,composers(family_name),parts(instrument)&id=eq.4")
            .prefers("return=representation")
            .gives(r#"[{"title":"Nobody's Song","composers":null,"parts":[]}]"#),
        post(
            "works?select=title,composers(family_name)",
            r#"{"id":100,"composer_id":2,"title":"127 Bars"}"#,
        )
        .prefers("return=representation")
        .accepts("application/vnd.pgrst.object+json")
        .is(201)
        .gives(r#"{"title":"127 Bars","composers":{"family_name":"Bonnet"}}"#),
        // Nested embedding
        get("players?select=parts(instrument,works(title,year))&order=id&limit=1")
            .gives(r#"[{"parts":[{"instrument":"oboe","works":{"title":"Leaving the Mill","year":1895}}]}]"#),
    ];
    walk(&stage().await, &examples).await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of examples")]
async fn embedded_records_are_filtered_and_filter() {
    let examples = [
        // Embedded filters
        get("works?select=title,players(family_name)&players.order=family_name,given_name&id=eq.3").gives(
            r#"[{"title":"The Haunted Hall","players":[{"family_name":"Adam"},
                {"family_name":"Evers"},{"family_name":"Falk"}]}]"#,
        ),
        get("works?select=title,parts(instrument)&parts.instrument=in.(oboe,drum)&order=id").gives(
            r#"[{"title":"Leaving the Mill","parts":[{"instrument":"oboe"}]},
                {"title":"An Early Sound","parts":[]},
                {"title":"The Haunted Hall","parts":[{"instrument":"drum"}]},
                {"title":"Nobody's Song","parts":[]}]"#,
        ),
        get(
            "works?select=title,parts(instrument)&parts.or=(instrument.eq.harp,instrument.eq.drum)&\
            id=eq.3&parts.order=instrument",
        )
        .gives(r#"[{"title":"The Haunted Hall","parts":[{"instrument":"drum"},{"instrument":"harp"}]}]"#),
        get(
            "works?select=title,players(given_name)&players.order=id&players.limit=1&players.offset=1&\
            id=eq.3",
        )
        .gives(r#"[{"title":"The Haunted Hall","players":[{"given_name":"Tom"}]}]"#),
        get(
            "works?select=title,in_90:contests(name),in_91:contests(name)&in_90.year=eq.1990&\
            in_91.year=eq.1991&id=lt.4&order=id&in_91.order=name",
        )
        .gives(
            r#"[{"title":"Leaving the Mill","in_90":[{"name":"Reed Prize"}],"in_91":[]},
                {"title":"An Early Sound","in_90":[],"in_91":[]},
                {"title":"The Haunted Hall","in_90":[],"in_91":[{"name":"Golden Bow"},
                {"name":"Reed Prize"}]}]"#,
        ),
        get(
            "works?select=title,parts(instrument,players(given_name))&parts.players.order=family_name&\
            parts.players.given_name=like.*Tom*&parts.order=instrument&id=eq.3",
        )
        .gives(
            r#"[{"title":"The Haunted Hall","parts":[{"instrument":"drum",
                "players":{"given_name":"Tom"}},
                {"instrument":"harp","players":{"given_name":"Tomas"}},
                {"instrument":"viola","players":null}]}]"#,
        ),
        // Top-level filtering
        get("works?select=title,players(given_name)&players.given_name=eq.Jehan&order=id").gives(
            r#"[{"title":"Leaving the Mill","players":[]},{"title":"An Early Sound","players":[]},
                {"title":"The Haunted Hall","players":[{"given_name":"Jehan"}]},
                {"title":"Nobody's Song","players":[]}]"#,
        ),
        get("works?select=title,players!inner(given_name)&players.given_name=eq.Jehan")
            .gives(r#"[{"title":"The Haunted Hall","players":[{"given_name":"Jehan"}]}]"#),
        get("works?select=title,players!left(given_name)&players.given_name=eq.Jehan&id=eq.1")
            .gives(r#"[{"title":"Leaving the Mill","players":[]}]"#),
        // Null filtering on embedded resources
        get("works?select=title,players(given_name)&players=not.is.null&players.order=id&order=id").gives(
            r#"[{"title":"Leaving the Mill","players":[{"given_name":"Willa"}]},
                {"title":"The Haunted Hall","players":[{"given_name":"Jehan"},{"given_name":"Tom"},
                {"given_name":"Tomas"}]}]"#,
        ),
        get("works?select=title,entries()&entries=is.null&order=id")
            .gives(r#"[{"title":"An Early Sound"},{"title":"Nobody's Song"}]"#),
        get(
            "works?select=title,players(id),composers(id)&or=(players.is.null,composers.is.null)&\
            order=id",
        )
        .gives(
            r#"[{"title":"An Early Sound","players":[],"composers":{"id":1}},
                {"title":"Nobody's Song","players":[],"composers":null}]"#,
        ),
        // OR filtering across embedded resources
        get(
            "works?select=title,players(),composers()&composers.given_name=eq.Clara&\
            players.given_name=eq.Tom&or=(composers.not.is.null,players.not.is.null)&order=id",
        )
        .gives(r#"[{"title":"An Early Sound"},{"title":"The Haunted Hall"}]"#),
        // Empty embed
        get("works?select=title,players()&players.given_name=eq.Jehan&players=not.is.null")
            .gives(r#"[{"title":"The Haunted Hall"}]"#),
        // Top-level ordering
        get("works?select=title,composers(family_name)&order=composers(family_name).desc,id").gives(
            r#"[{"title":"Nobody's Song","composers":null},
                {"title":"The Haunted Hall","composers":{"family_name":"Cramm"}},
                {"title":"Leaving the Mill","composers":{"family_name":"Bonnet"}},
                {"title":"An Early Sound","composers":{"family_name":"Albers"}}]"#,
        ),
        get("works?select=title,composers(family_name)&order=composers(family_name).nullsfirst&limit=1")
            .gives(r#"[{"title":"Nobody's Song","composers":null}]"#),
        get("composers?select=family_name,works(title)&order=works(title)").fails(
            400,
            r#"{"code":"PGRST118","message":"A related order on 'works' is not possible",
                "details":"'composers' and 'works' do not form a many-to-one or one-to-one relationship"}"#,
        ),
    ];
    walk(&stage().await, &examples).await;
}

#[tokio::test]
async fn embedded_columns_are_spread() {
    let examples = [
        // Spread many-to-one and one-to-one
        get("works?select=title,...composers(composer_name:family_name)&title=like.*Mill*")
            .gives(r#"[{"title":"Leaving the Mill","composer_name":"Bonnet"}]"#),
        get(
            "works?select=title,players:parts(instrument,...players(given_name,family_name))&id=eq.3&\
            players.order=instrument",
        )
        .gives(
            r#"[{"title":"The Haunted Hall","players":[{"instrument":"drum","given_name":"Tom",
                "family_name":"Falk"},{"instrument":"harp","given_name":"Tomas","family_name":"Adam"},
                {"instrument":"viola","given_name":"Jehan","family_name":"Evers"}]}]"#,
        ),
        // Spread one-to-many and many-to-many
        get("composers?select=given_name,...works(titles:title,years:year)&order=id").gives(
            r#"[{"given_name":"Clara","titles":["An Early Sound"],"years":[1894]},
                {"given_name":"Louis","titles":["Leaving the Mill"],"years":[1895]},
                {"given_name":"Georg","titles":["The Haunted Hall"],"years":[1897]}]"#,
        ),
        get("works?select=title,...players(players:family_name)&order=id&players.order=family_name").gives(
            r#"[{"title":"Leaving the Mill","players":["Dorn"]},
                {"title":"An Early Sound","players":[]},
                {"title":"The Haunted Hall","players":["Adam","Evers","Falk"]},
                {"title":"Nobody's Song","players":[]}]"#,
        ),
        get(
            "works?select=title,...parts(instrument,...players(family_name))&id=eq.3&\
            parts.order=instrument",
        )
        .gives(
            r#"[{"title":"The Haunted Hall","instrument":["drum","harp","viola"],
                "family_name":["Falk","Adam","Evers"]}]"#,
        ),
        // Filters on the records of a write
        patch(
            "works?select=title,composers!inner(family_name)&composers.family_name=eq.Albers&\
                id=lt.4",
            r#"{"rating":1}"#,
        )
        .prefers("return=representation")
        .gives(r#"[{"title":"An Early Sound","composers":{"family_name":"Albers"}}]"#),
        // A relationship nobody knows: `errors.rs`.
    ];
    walk(&stage().await, &examples).await;
}
