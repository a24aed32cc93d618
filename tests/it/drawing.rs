//! The drawing of the CRM's tables in the documentation is the one that the template makes.

use std::path::Path;

use tenant_schema::erd;
use tests::TestDb;

#[tokio::test]
async fn the_page_shows_the_tables_that_there_are() {
    let t = TestDb::new().await;
    let model = erd::of_template(t.catalog(), t.template())
        .await
        .expect("a drawing");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/crm.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let (_, drawing) = page.split_once("```mermaid\n").expect("a drawing begins");
    let (drawing, _) = drawing.split_once("```").expect("a drawing ends");
    let now = model.to_mermaid();
    assert!(
        drawing.trim_end() == now.trim_end(),
        "docs/crm.md is not what the template is: put the output of `tenantry erd` in its place:\n{now}"
    );
}
