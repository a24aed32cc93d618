//! Accounts an operator vouches for.
//!
//! Anybody may sign up with any address, so the password of an account whose address was never verified may be a
//! stranger's choice. Giving such an account a membership would let that stranger in. It therefore gets a new
//! password first, and loses its sessions.

use std::io::{self, Read as _};

use anyhow::Context as _;
use catalog::actor::Actor;
use catalog::audit::{self, AuditEvent};
use catalog::clock::Source;
use catalog::credentials;
use catalog::email::EmailAddress;
use catalog::password::{self, Argon2Params, PasswordHasher, PlainPassword};
use catalog::sessions::{self, Device, RevokeReason};
use catalog::tx::CatalogTx;
use catalog::users::{self, NewUser, User, UserStatus};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use tenant_schema::lifecycle::Owner;

use crate::failure::Problem;

/// A person an account is wanted for.
#[derive(Debug)]
pub(crate) struct Person {
    /// The account's address.
    pub(crate) email: EmailAddress,
    /// The name, if the account is new.
    pub(crate) name: Option<String>,
    /// The password to set; one is invented where none is given and one is needed.
    pub(crate) password: Option<PlainPassword>,
}

/// What was done about the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Done {
    /// It is new.
    Created,
    /// It was there, and keeps its password.
    Kept,
    /// It was there with an address nobody had verified: its password was replaced and its sessions were ended.
    TakenOver,
}

/// An account whose address an operator vouches for.
pub(crate) struct Vouched {
    /// The account.
    pub(crate) user: User,
    /// What was done about it.
    pub(crate) done: Done,
    /// The password that was invented, to be shown once.
    pub(crate) invented: Option<SecretString>,
}

/// What a document tells of the account of a tenant's owner.
#[derive(Serialize)]
pub(crate) struct OwnerAccount {
    email: String,
    account: Done,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

impl Vouched {
    /// The account, told as that of a tenant's owner.
    pub(crate) fn told(&self) -> OwnerAccount {
        let invented = self.invented.as_ref();
        OwnerAccount {
            email: self.user.email.to_string(),
            account: self.done,
            password: invented.map(|password| password.expose_secret().to_owned()),
        }
    }

    /// The person as the owner of a tenant to be.
    pub(crate) fn as_owner(&self) -> Owner {
        Owner {
            user: self.user.id,
            display_name: self.display_name().to_owned(),
            email: self.user.email.to_string(),
        }
    }

    /// The name to show.
    pub(crate) fn display_name(&self) -> &str {
        self.user
            .display_name
            .as_deref()
            .unwrap_or(self.user.email.as_str())
    }

    /// What to tell a person about the account.
    pub(crate) fn sentence(&self) -> String {
        let email = &self.user.email;
        let what = match self.done {
            Done::Created => format!("created the account {email}"),
            Done::Kept => format!("{email} has an account already and keeps its password"),
            Done::TakenOver => format!(
                "{email} had signed up without ever verifying the address: the password was replaced and all \
                 sessions were ended"
            ),
        };
        match &self.invented {
            Some(password) => format!("{what}\npassword, shown only now: {}", password.expose_secret()),
            None => what,
        }
    }
}

/// Makes sure that the person has an account with a verified address and a password no stranger chose.
pub(crate) async fn vouch(
    tx: &mut CatalogTx,
    person: Person,
    actor: &Actor,
    source: &Source,
) -> anyhow::Result<Vouched> {
    let Person {
        email,
        name,
        password,
    } = person;
    let (user, done) = if let Some(user) = users::lock_by_email(tx, &email).await? {
        check_known(user, password.is_some())?
    } else {
        let new = NewUser {
            display_name: name.clone(),
            ..NewUser::with_email(email)
        };
        (users::insert(tx, &new, source).await?, Done::Created)
    };
    let mut vouched = Vouched {
        user,
        done,
        invented: None,
    };
    if done == Done::Kept {
        return Ok(vouched);
    }
    let password = if let Some(password) = password {
        password
    } else {
        let invented = password::invent(source);
        vouched.invented = Some(invented.clone());
        PlainPassword::chosen(invented.expose_secret().to_owned(), &vouched.user.email)?
    };
    let (id, now) = (vouched.user.id, source.now());
    let hash = PasswordHasher::new(Argon2Params::RECOMMENDED, source.clone())?
        .hash(&password)
        .await?;
    vouched.user = if done == Done::TakenOver {
        users::take_over(tx, id, name.as_deref(), now).await?
    } else {
        users::verify_email(tx, id, now).await?
    };
    credentials::set_password(tx, id, &hash, now).await?;
    let event = if done == Done::Created {
        AuditEvent::UserCreated { id }
    } else {
        sessions::revoke_of_user(tx, id, None, None, RevokeReason::Administrator, now).await?;
        AuditEvent::PasswordChanged { user: id }
    };
    audit::record(tx, actor, None, &event, &Device::NONE, source).await?;
    Ok(vouched)
}

fn check_known(user: User, password_given: bool) -> Result<(User, Done), Problem> {
    if user.status == UserStatus::Disabled {
        let why = format!("the account {} is disabled", user.email);
        return Err(Problem::refused(why, "name another person"));
    }
    if user.email_verified_at.is_none() {
        return Ok((user, Done::TakenOver));
    }
    if password_given {
        let why = format!(
            "the account {} exists, and its password is its owner's to change",
            user.email
        );
        return Err(Problem::refused(why, "run it again without a password"));
    }
    Ok((user, Done::Kept))
}

/// The secret on standard input: everything up to the end of its first line.
pub(crate) fn secret_from_stdin() -> anyhow::Result<String> {
    let mut text = String::new();
    // More than any password that is accepted, less than a mistyped file.
    io::stdin()
        .take(4096)
        .read_to_string(&mut text)
        .context("could not read the password from standard input")?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err(Problem::refused("standard input holds no password", "give it on one line").into()),
    }
}

/// The same, if it is asked for, as the password somebody chooses for this account.
pub(crate) fn password_from_stdin(
    asked_for: bool,
    email: &EmailAddress,
) -> anyhow::Result<Option<PlainPassword>> {
    if !asked_for {
        return Ok(None);
    }
    let text = secret_from_stdin()?;
    PlainPassword::chosen(text, email)
        .map(Some)
        .map_err(|refused| Problem::refused(refused.to_string(), "choose another password").into())
}
