//! The page "Computed Fields".

use super::{get, stage, walk};

#[tokio::test]
async fn computed_columns_are_columns() {
    let examples = [
        // Horizontal filtering on computed fields
        get("people?select=given_name,family_name&full_name=fts.Orlova")
            .gives(r#"[{"given_name":"Olga","family_name":"Orlova"}]"#),
        // Vertical filtering on computed fields
        get("people?select=full_name,age&id=eq.1").gives(r#"[{"full_name":"Olga Orlova","age":34}]"#),
        get("people?select=*,full_name&id=eq.5")
            .gives(r#"[{"id":5,"given_name":"Sven","family_name":null,"age":null,"height":null,
                "is_student":null,"grade":null,"wage":null,"born_on":null,"category":null,"card":null,
                "full_name":"Sven"}]"#),
        // Ordering on computed fields
        get("people?select=given_name&order=full_name.desc&limit=2")
            .gives(r#"[{"given_name":"Sven"},{"given_name":"Rosa"}]"#),
        get("rpc/full_name")
            .fails(404, r#"{"code":"PGRST202",
                "message":"Could not find the function full_name in the schema cache",
                "details":"Searched for the function full_name without parameters, but no matches were found"}"#),
    ];
    walk(&stage().await, &examples).await;
}
