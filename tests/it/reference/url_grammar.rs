//! The page "URL Grammar".

use super::{get, stage, walk};

#[tokio::test]
async fn names_and_values_are_quoted() {
    let examples = [
        // Unicode support
        get("Ноты").gives(r#"[{"id":1,"имя":"фуга"}]"#),
        get("Ноты?имя=eq.фуга&select=имя").gives(r#"[{"имя":"фуга"}]"#),
        // Tables and columns with spaces
        get("Song Books?Unit Price=lt.200&select=id").gives(r#"[{"id":1}]"#),
        get(r#"Song Books?select=Unit Price,"shelf.no"&order=Unit Price.desc"#)
            .gives(r#"[{"Unit Price":250.00,"shelf.no":"MX 2"},{"Unit Price":120.00,"shelf.no":"MS 1"}]"#),
        // Reserved characters
        get(r#"marks?name=in.("Hold,Fast","plain")&order=name"#)
            .gives(r#"[{"name":"Hold,Fast"},{"name":"plain"}]"#),
        get(r#"Song Books?"shelf.no"=like.*MS*&select=id"#).gives(r#"[{"id":1}]"#),
        get(r#"marks?name=in.("Quote:\"","Backslash:\\")&order=name"#)
            .gives(r#"[{"name":"Backslash:\\"},{"name":"Quote:\""}]"#),
        get(r#"marks?name=eq.Quote:""#).gives(r#"[{"name":"Quote:\""}]"#),
        get(r#"marks?or=(name.eq."Hold,Fast",name.eq.plain)&order=name"#)
            .gives(r#"[{"name":"Hold,Fast"},{"name":"plain"}]"#),
        // Selecting string literals
        get("accounts?select=id,state&is_active=is.true&order=id")
            .gives(r#"[{"id":1,"state":"active"},{"id":3,"state":"active"}]"#),
        // A generated column stands for the text that the grammar has no words for.
    ];
    walk(&stage().await, &examples).await;
}
