//! What the engine keeps of a table is kept by way of its views too.

use tenant_schema::records::model::Generated;

use super::model;

#[tokio::test]
async fn no_view_is_a_way_round_the_bin() {
    let model = model().await;
    for view in ["all_papers", "paper_titles"] {
        let writable = model.objects[view].writable;
        assert!(!writable.delete, "{view} would remove for good");
    }
    // Columns of a copy, by whatever name.
    let papers = &model.objects["all_papers"];
    for (column, generated) in [
        ("gone_at", Generated::Kept),
        ("gone_with", Generated::Kept),
        ("title", Generated::Never),
    ] {
        let field = papers.field(column).expect(column);
        assert_eq!(field.generated, generated, "{column}");
    }
    // One over a table that keeps nothing, and one with a trigger of its own.
    assert!(model.objects["open_orders"].writable.delete);
    assert!(!model.objects["orders"].soft_delete);
}

#[tokio::test]
async fn only_what_is_counted_is_a_state() {
    let model = model().await;
    assert!(model.objects["documents"].versioned, "a trigger counts");
    assert!(!model.objects["cabinets"].versioned, "nothing counts");
    assert!(model.objects["cabinets"].field("version").is_some());
}

#[tokio::test]
async fn what_a_view_hides_is_not_searched() {
    let model = model().await;
    let has_search = |name: &str| {
        let search = &model.objects[name].search;
        !search.vectors.is_empty() || !search.trigrams.is_empty()
    };
    assert!(has_search("employees"));
    assert!(!has_search("veiled_employees"));
}
