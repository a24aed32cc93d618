//! The contact that benchmarks read: every tenant has it, among others.

use super::fleet::Tenant;

/// Its key.
pub const CONTACT: &str = "0190a0b0-0000-7000-8000-000000000000";

/// Makes so many contacts of a tenant, this one among them.
pub fn contacts(tenant: &Tenant, count: usize) -> String {
    format!(
        "insert into {}.contacts (id, first_name, last_name, email)
         select case n when 1 then '{CONTACT}' else gen_random_uuid() end, 'Ada', 'Lovelace', 'ada' || n || '@example.com'
           from generate_series(1, {count}) n;
         analyze {}.contacts",
        tenant.schema, tenant.schema
    )
}

/// The request that reads it.
pub fn request(tenant: &Tenant) -> Vec<u8> {
    tenant.request(&format!("GET /rest/v1/contacts/{CONTACT}"), "", "")
}
