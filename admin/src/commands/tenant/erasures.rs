//! `tenantry tenant erasures`: the proofs.

use anyhow::Context as _;
use catalog::erasures::{self, Erasure};
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::operator::Operator;
use crate::output;

#[derive(Serialize)]
struct ListedErasure {
    id: String,
    slug: String,
    organization_id: String,
    erased_at: DateTime<Utc>,
    erased_by: String,
    /// Byte for byte as it was hashed.
    record: String,
    sha256: String,
    intact: bool,
}

/// All of them, the latest first; each is hashed again.
pub(super) async fn run(operator: &Operator) -> anyhow::Result<ExitStatus> {
    let listed = async {
        let mut tx = operator.db.begin().await?;
        let erasures = erasures::list(&mut tx).await?;
        tx.rollback().await?;
        anyhow::Ok(erasures.into_iter().map(document).collect::<Vec<_>>())
    };
    let documents = listed.await.context("could not list the proofs of erasure")?;
    operator.output.document(&documents, |documents| {
        if documents.is_empty() {
            return "no tenant has been removed".to_owned();
        }
        let header = ["SLUG", "ERASED", "BY", "INTACT", "SHA256"];
        output::table(header, documents.iter().map(row))
    })?;
    Ok(if documents.iter().all(|document| document.intact) {
        ExitStatus::Done
    } else {
        ExitStatus::Refused
    })
}

fn document(erasure: Erasure) -> ListedErasure {
    ListedErasure {
        intact: erasure.holds(),
        id: erasure.id.to_string(),
        slug: erasure.slug.to_string(),
        organization_id: erasure.organization.to_string(),
        erased_at: erasure.at,
        erased_by: erasure.by,
        record: erasure.record,
        sha256: erasure.sha256,
    }
}

fn row(document: &ListedErasure) -> [String; 5] {
    [
        document.slug.clone(),
        output::instant(document.erased_at),
        document.erased_by.clone(),
        if document.intact { "yes" } else { "NO" }.to_owned(),
        document.sha256.clone(),
    ]
}
