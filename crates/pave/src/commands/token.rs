//! `pave token`: works on the data directory itself, so whoever owns the directory can always get in.

use std::time::Duration;

use pave_auth::Identities;
use pave_keys::Keys;
use pave_names::EntityRef;
use serde_json::json;

use crate::cli::Token;
use crate::failure::Failure;
use crate::output;
use crate::platform::place::Place;
use crate::settings::Settings;

pub(crate) async fn run(place: &Place, command: Token) -> Result<(), Failure> {
    if Settings::read(place.root())?.is_none() {
        return Err(
            Failure::user(format!("`{}` holds no platform yet", place.root().display()))
                .hint("start one with `pave up`"),
        );
    }
    let keys = Keys::open(&place.keys()).map_err(anyhow::Error::from)?;
    let identities = Identities::open(&place.identities(), keys).map_err(anyhow::Error::from)?;
    match command {
        Token::Create { user, purpose, days } => {
            let entity = person(&identities, &user).await?;
            let lifetime = days.map(|days| Duration::from_secs(days * 24 * 60 * 60));
            let token = identities
                .issue_token(&entity, &purpose, lifetime)
                .await
                .map_err(anyhow::Error::from)?;
            output::line(token);
        }
        Token::List { user, output: format } => {
            let entity = person(&identities, &user).await?;
            let tokens = identities.tokens(&entity).await.map_err(anyhow::Error::from)?;
            let names: Vec<String> = tokens.iter().map(|token| token.id.to_string()).collect();
            if !output::machine(&json!(tokens), &names, format) {
                let rows: Vec<Vec<String>> = tokens
                    .iter()
                    .map(|token| {
                        vec![
                            token.id.to_string(),
                            moment(Some(token.created_at)),
                            moment(token.expires_at),
                            token.purpose.clone(),
                        ]
                    })
                    .collect();
                output::table(&["ID", "CREATED", "EXPIRES", "PURPOSE"], &rows);
            }
        }
        Token::Revoke { id } => {
            let id = uuid::Uuid::try_parse(&id).map_err(|_| {
                Failure::user(format!("`{id}` is not a token id"))
                    .hint("`pave token list --user NAME` shows the ids")
            })?;
            if !identities.revoke_token(id).await.map_err(anyhow::Error::from)? {
                return Err(Failure::user(format!("there is no token `{id}`")));
            }
            output::note("revoked; a running platform forgets it within a minute");
        }
    }
    Ok(())
}

async fn person(identities: &Identities, text: &str) -> Result<EntityRef, Failure> {
    let entity =
        EntityRef::parse(text, Some("user"), "default").map_err(|error| Failure::user(error.to_string()))?;
    let known = identities.principals().await.map_err(anyhow::Error::from)?;
    if known.iter().any(|principal| principal.entity == entity) {
        return Ok(entity);
    }
    let people = known
        .iter()
        .map(|principal| &principal.entity)
        .filter(|entity| entity.kind() == "user");
    let names: Vec<&str> = people.map(EntityRef::name).collect();
    Err(Failure::user(format!("nobody is known as `{entity}`"))
        .hint(format!("known are {}", names.join(", "))))
}

fn moment(seconds: Option<i64>) -> String {
    seconds
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map_or_else(|| "never".to_owned(), |moment| moment.to_string())
}
