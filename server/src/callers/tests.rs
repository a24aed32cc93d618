//! Who may call which function.

use catalog::ids::{ApiKeyId, MembershipId, SessionId, UserId};
use catalog::memberships::MemberRole;
use catalog::scope::Scopes;
use tenant_schema::records::model::{Returned, Volatility};
use uuid::Uuid;

use super::*;

fn user(role: MemberRole) -> Caller {
    let now = DateTime::UNIX_EPOCH;
    Caller::User(Arc::new(SessionCaller {
        session: SessionId::from(Uuid::nil()),
        session_ends_at: now,
        user: UserId::from(Uuid::nil()),
        membership: MembershipId::from(Uuid::nil()),
        role,
        email: "ann@example.com".parse().expect("an address"),
        email_verified_at: None,
        display_name: None,
        created_at: now,
        updated_at: now,
        last_login_at: None,
    }))
}

fn key(scope: &str) -> Caller {
    Caller::Key(Arc::new(ApiKey {
        id: ApiKeyId::from(Uuid::nil()),
        organization: OrganizationId::from(Uuid::nil()),
        name: "test".to_owned(),
        prefix: String::new(),
        scopes: Scopes::parse(&[scope]).expect("a scope"),
        created_by: "operator:test".to_owned(),
        expires_at: None,
        last_used_at: None,
        revoked_at: None,
        created_at: DateTime::UNIX_EPOCH,
    }))
}

fn function(volatility: Volatility, write: ObjectWrite) -> Function {
    Function {
        name: "f".to_owned(),
        comment: None,
        write,
        parameters: Vec::new(),
        returns: Returned::Nothing,
        returns_set: false,
        volatility,
    }
}

#[test]
fn every_cell_of_the_table_of_functions() {
    use ObjectWrite::{Admins, Members, Nobody};
    use Volatility::{Stable, Volatile};
    let callers = [
        user(MemberRole::Member),
        user(MemberRole::Admin),
        key("f:read"),
        key("f:insert"),
        key("*:*"),
        key("g:*"),
    ];
    let (yes, no) = (true, false);
    for (volatility, write, to_read, to_write) in [
        // What only reads is open to whoever reads: there is nothing to keep from anybody.
        (
            Stable,
            Members,
            [yes, yes, yes, no, yes, no],
            [yes, yes, yes, no, yes, no],
        ),
        (
            Stable,
            Admins,
            [yes, yes, yes, no, yes, no],
            [yes, yes, yes, no, yes, no],
        ),
        (
            Stable,
            Nobody,
            [yes, yes, yes, no, yes, no],
            [yes, yes, yes, no, yes, no],
        ),
        (
            Volatile,
            Members,
            [yes, yes, yes, no, yes, no],
            [yes, yes, no, yes, yes, no],
        ),
        (
            Volatile,
            Admins,
            [no, yes, yes, no, yes, no],
            [no, yes, no, yes, yes, no],
        ),
        (Volatile, Nobody, [no; 6], [no; 6]),
    ] {
        let function = function(volatility, write);
        for (action, expected) in [(Action::Read, to_read), (Action::Insert, to_write)] {
            let got = callers
                .each_ref()
                .map(|caller| caller.may_call(&function, action));
            assert_eq!(got, expected, "{volatility:?}, {write:?}, to {action}");
        }
    }
}
