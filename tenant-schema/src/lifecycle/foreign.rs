//! What stands in a tenant's schema, is somebody else's, and would run with its owner's rights.
//!
//! A migration is a session of the owner with the tenant's schema on its path. PostgreSQL takes the function or operator whose
//! arguments fit best, wherever on the path it is, so that `pg_column_size(jsonb)` in the schema is called in the place of
//! PostgreSQL's own `pg_column_size("any")`. Whoever may CREATE there could become the owner that way. Types count where they bear
//! the name of one in `extensions`, which comes later on the path, and triggers on the owner's tables wherever their function is.
//!
//! What its owner has made, or a superuser, is as good as the template's. It is found by what depends on the schema, not by
//! going through all functions of the fleet.

use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Queued;
use catalog::schema_name::SchemaName;
use catalog::tx::CatalogTx;

use super::{LifecycleError, Refusal};

/// What the refusal begins with, which is an error of PostgreSQL's: so it ends what was sent behind it in the same flight.
const MARK: &str = "foreign to the schema: ";

macro_rules! foreign {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            "\
  select h.nspname::text as schema, (pg_catalog.pg_identify_object(i.class, i.object, 0)).type as type,
         (pg_catalog.pg_identify_object(i.class, i.object, 0)).identity as identity,
         pg_catalog.pg_get_userbyid(i.owner)::text as owner
    from pg_catalog.pg_namespace h
    cross join lateral (
      select d.classid as class, d.objid as object, coalesce(p.proowner, o.oprowner, t.typowner) as owner
        from pg_catalog.pg_depend d
        left join pg_catalog.pg_proc p on d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and p.oid = d.objid
        left join pg_catalog.pg_operator o on d.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass and o.oid = d.objid
        left join pg_catalog.pg_type t on d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and t.oid = d.objid
             and t.typowner <> h.nspowner
             and exists (select from pg_catalog.pg_type e
                          where e.typname = t.typname and e.typnamespace = pg_catalog.to_regnamespace('extensions'))
       where d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and d.refobjid = h.oid
         and d.classid in ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass,
                           'pg_catalog.pg_type'::pg_catalog.regclass)
      union all
      select 'pg_catalog.pg_trigger'::pg_catalog.regclass, g.oid, p.proowner
        from pg_catalog.pg_depend d
        join pg_catalog.pg_class c on c.oid = d.objid and c.relowner = h.nspowner
        join pg_catalog.pg_trigger g on g.tgrelid = c.oid and not g.tgisinternal
        join pg_catalog.pg_proc p on p.oid = g.tgfoid
       where d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and d.refobjid = h.oid
         and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass) i
   where i.owner <> h.nspowner
     and not coalesce((select r.rolsuper from pg_catalog.pg_roles r where r.oid = i.owner), false)
     and h.nspname = ",
            $after
        )
    };
}

/// The same of these schemas.
pub(crate) const FOUND: &str = foreign!("", "any($1::text[]) order by 1, 2, 3");

/// Fails if there is any in this schema.
pub(crate) const REFUSED: &str = foreign!(
    "select case when f.names is not null then ('foreign to the schema: ' || f.names)::bigint end as nothing from (
  select string_agg(x.type || ' ' || x.identity || ' of ' || x.owner, ', ' order by x.identity) as names from (",
    "$1::text) x) f"
);

/// The question, to be sent before the path is set on the schema and anything of the template's behind it.
pub(crate) fn refused_later(schema: &SchemaName) -> Queued {
    Queued {
        sql: REFUSED,
        params: vec![Box::new(schema.as_str().to_owned())],
    }
}

/// Asks, before the owner writes into a tenant's schema that was there before this transaction: through here goes whoever does so
/// beside a migration.
///
/// # Errors
/// [`Refusal::Foreign`].
pub async fn refuse(tx: &mut CatalogTx, schema: &SchemaName) -> Result<(), LifecycleError> {
    let answer = tx.transaction().rows(REFUSED, &[&schema.as_str()]).await;
    refused(answer)
}

/// What was answered.
///
/// # Errors
/// [`Refusal::Foreign`].
pub(crate) fn refused<T>(answer: Result<T, PgError>) -> Result<(), LifecycleError> {
    match answer {
        Ok(_) => Ok(()),
        Err(error) => Err(named(&error).map_or_else(|| error.into(), |names| Refusal::Foreign(names).into())),
    }
}

/// The names, where it was this that failed.
fn named(error: &PgError) -> Option<String> {
    let said = error.db().filter(|said| said.sqlstate.as_ref() == "22P02")?;
    let (_, names) = said.message.split_once(MARK)?;
    Some(names.trim_end_matches('"').to_owned())
}
