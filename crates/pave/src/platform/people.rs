//! Who is known from the start, and the tokens that the platform itself holds.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use pave_auth::{Identities, Principal};
use pave_names::EntityRef;

/// A person of the demo.
struct Person {
    name: &'static str,
    display_name: &'static str,
    group: &'static str,
}

/// The administrator is there always; the developers come with the demo.
const ADMINISTRATOR: Person = Person {
    name: "admin",
    display_name: "Platform admin",
    group: "platform",
};
const DEVELOPERS: [Person; 2] = [
    Person {
        name: "alice",
        display_name: "Alice",
        group: "team-a",
    },
    Person {
        name: "bob",
        display_name: "Bob",
        group: "team-b",
    },
];

/// Reference of the administrator.
pub(crate) fn administrator() -> EntityRef {
    EntityRef::new("user", "default", ADMINISTRATOR.name)
}

/// Makes the people known; gives the administrator.
pub(crate) async fn make_known(identities: &Identities, demo: bool) -> anyhow::Result<Principal> {
    let developers = DEVELOPERS.iter().filter(|_| demo);
    for person in developers {
        upsert(identities, person).await?;
    }
    upsert(identities, &ADMINISTRATOR).await
}

async fn upsert(identities: &Identities, person: &Person) -> anyhow::Result<Principal> {
    let entity = EntityRef::new("user", "default", person.name);
    let email = format!("{}@example.com", person.name);
    Ok(identities
        .upsert_user(&entity, person.display_name, &email, &[person.group.to_owned()])
        .await?)
}

/// Group of the account by which the platform itself reads repositories.
pub(crate) const READERS: &str = "pave:readers";

/// The token by which the platform itself reads repositories.
pub(crate) async fn reader_token(identities: &Identities, path: &Path) -> anyhow::Result<String> {
    let entity = EntityRef::new("serviceaccount", "pave-system", "reader");
    identities
        .upsert_user(&entity, "Pave", "reader@pave.invalid", &[READERS.to_owned()])
        .await?;
    own_token(identities, &entity, "reading repositories", path).await
}

/// The administrator's token: made at the first start, kept in a file that only its owner reads.
pub(crate) async fn administrator_token(identities: &Identities, path: &Path) -> anyhow::Result<String> {
    own_token(identities, &administrator(), "command line of this machine", path).await
}

async fn own_token(
    identities: &Identities,
    entity: &EntityRef,
    purpose: &str,
    path: &Path,
) -> anyhow::Result<String> {
    if let Ok(token) = fs::read_to_string(path)
        && identities.authenticate(token.trim()).await?.is_some()
    {
        return Ok(token.trim().to_owned());
    }
    let token = identities.issue_token(entity, purpose, None).await?;
    write_secret(path, &token)?;
    Ok(token)
}

/// A random secret: made at the first start, kept in a file that only its owner reads.
pub(crate) fn kept_secret(path: &Path) -> anyhow::Result<String> {
    if let Ok(secret) = fs::read_to_string(path)
        && !secret.trim().is_empty()
    {
        return Ok(secret.trim().to_owned());
    }
    let secret = format!(
        "{}{}",
        uuid::Uuid::new_v4().simple(),
        uuid::Uuid::new_v4().simple()
    );
    write_secret(path, &secret)?;
    Ok(secret)
}

fn write_secret(path: &Path, secret: &str) -> anyhow::Result<()> {
    let temporary = path.with_extension("new");
    drop(fs::remove_file(&temporary));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(secret.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    Ok(())
}
