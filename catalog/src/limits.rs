//! What a tenant may take: the limits of its plan, with the exceptions made for it, and how much room it takes.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use tokio_postgres::Row;

use crate::error::CatalogError;
use crate::ids::OrganizationId;
use crate::row::Columns;
use crate::stored_text::stored_text;
use crate::tx::CatalogTx;

stored_text! {
    /// What is limited. The words are the columns of the catalog.
    Limit {
        /// Requests at once on one server.
        InFlight = "in_flight",
        /// How long one statement may run, in milliseconds.
        StatementTimeout = "statement_timeout_ms",
        /// Records in one page of an answer, and in one insert.
        Rows = "rows_per_request",
        /// The room from which on answers tell how much is taken, in bytes.
        StorageSoft = "storage_soft_bytes",
        /// The room from which on nothing may be added, in bytes.
        StorageHard = "storage_hard_bytes",
    }
}

/// A number for each [`Limit`], or none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits([Option<i64>; 5]);

impl Limits {
    /// The number of this one.
    pub fn get(&self, limit: Limit) -> Option<i64> {
        self.0[limit as usize]
    }

    /// Another number for this one.
    pub fn set(&mut self, limit: Limit, number: Option<i64>) {
        self.0[limit as usize] = number;
    }

    /// Reads the columns that are called like the limits.
    pub(crate) fn of(columns: Columns<'_>) -> Result<Self, CatalogError> {
        let mut limits = Self::default();
        for limit in Limit::ALL {
            limits.set(*limit, columns.get(limit.as_str())?);
        }
        Ok(limits)
    }
}

impl Serialize for Limits {
    /// An object with a member for each limit; `null` where there is none.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(Limit::ALL.iter().map(|limit| (limit, self.get(*limit))))
    }
}

/// What one tenant may take, and what it does take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TenantLimits {
    /// The plan that the limits are of; `None` where there is none.
    pub plan: Option<Box<str>>,
    /// What counts: the exception where there is one, else what the plan says.
    pub limits: Limits,
    /// Its room on disk in bytes, and when that was measured.
    pub measured: Option<(i64, DateTime<Utc>)>,
}

/// How a tenant stands to the limits of its storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// Within them, or not measured.
    Within,
    /// Beyond the soft one: its answers say so.
    Beyond(Room),
    /// Beyond the hard one: nothing may be added.
    Full(Room),
}

/// How much room is taken, and how much there may be, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// As it was last measured.
    pub used: i64,
    /// The soft limit.
    pub soft: Option<i64>,
    /// The hard limit.
    pub hard: Option<i64>,
}

impl TenantLimits {
    /// Requests at once on one server.
    pub fn in_flight(&self) -> Option<usize> {
        self.number(Limit::InFlight)
    }

    /// How long one statement may run.
    pub fn statement_timeout(&self) -> Option<Duration> {
        self.number(Limit::StatementTimeout).map(Duration::from_millis)
    }

    /// Records in one page of an answer, and in one insert.
    pub fn rows(&self) -> Option<u64> {
        self.number(Limit::Rows)
    }

    /// How it stands to the limits of its storage, as far as it has been measured.
    pub fn storage(&self) -> Storage {
        let Some((used, _)) = self.measured else {
            return Storage::Within;
        };
        let (soft, hard) = (
            self.limits.get(Limit::StorageSoft),
            self.limits.get(Limit::StorageHard),
        );
        let room = Room { used, soft, hard };
        let beyond = |limit: Option<i64>| limit.is_some_and(|limit| used >= limit);
        match (beyond(hard), beyond(soft)) {
            (true, _) => Storage::Full(room),
            (false, true) => Storage::Beyond(room),
            (false, false) => Storage::Within,
        }
    }

    /// The tables allow no negative number; one that cannot be is no limit.
    fn number<T: TryFrom<i64>>(&self, limit: Limit) -> Option<T> {
        self.limits.get(limit).and_then(|number| T::try_from(number).ok())
    }

    /// Reads what `catalog.tenant_limits` gives.
    pub(crate) fn read(row: &Row) -> Result<Self, CatalogError> {
        let columns = Columns::new(row, "tenant_plans");
        let bytes: Option<i64> = columns.get("storage_bytes")?;
        Ok(Self {
            plan: columns.get::<Option<&str>>("plan")?.map(Box::from),
            limits: Limits::of(columns)?,
            measured: bytes.zip(columns.get("storage_measured_at")?),
        })
    }
}

/// What a tenant may take, and what it does take.
pub async fn of_tenant(
    tx: &mut CatalogTx,
    organization: OrganizationId,
) -> Result<TenantLimits, CatalogError> {
    let row = tx.row(OF_TENANT, &[&organization]).await?;
    row.map_or_else(|| Ok(TenantLimits::default()), |row| TenantLimits::read(&row))
}

const OF_TENANT: &str = "\
    select plan, in_flight, statement_timeout_ms, rows_per_request, storage_soft_bytes, storage_hard_bytes, \
      storage_bytes, storage_measured_at \
    from catalog.tenant_limits($1)";

pub(crate) const STATEMENTS: &[&str] = &[OF_TENANT];

#[cfg(test)]
mod tests {
    use super::*;

    fn at(used: i64, soft: Option<i64>, hard: Option<i64>) -> Storage {
        let mut limits = Limits::default();
        limits.set(Limit::StorageSoft, soft);
        limits.set(Limit::StorageHard, hard);
        let measured = Some((used, DateTime::UNIX_EPOCH));
        TenantLimits {
            plan: None,
            limits,
            measured,
        }
        .storage()
    }

    #[test]
    fn a_limit_is_reached_at_its_last_byte() {
        assert_eq!(at(99, Some(100), Some(200)), Storage::Within);
        assert!(matches!(at(100, Some(100), Some(200)), Storage::Beyond(_)));
        assert!(matches!(at(200, Some(100), Some(200)), Storage::Full(_)));
        assert!(matches!(at(200, None, Some(200)), Storage::Full(_)));
        assert_eq!(at(i64::MAX, None, None), Storage::Within);
        assert_eq!(TenantLimits::default().storage(), Storage::Within);
    }
}
