use serde_json::{Value as Json, json};

use super::super::super::value::Type;

/// The type of an entry of `kube_config`.
pub(super) fn entry() -> Type {
    let names = [
        "client_certificate",
        "client_key",
        "cluster_ca_certificate",
        "host",
        "password",
        "username",
    ];
    Type::Object(names.into_iter().map(|name| (name, Type::Text)).collect())
}

/// Puts a kubeconfig into the document: as it is, and what it says about its only cluster and user; beside it the id
/// of the group that holds the nodes.
pub(super) fn fold(document: &mut Json, answer: &Json) {
    let id = document["id"].as_str().unwrap_or_default();
    let subscription = id.split('/').nth(2).unwrap_or_default().to_owned();
    if let Some(group) = document["properties"]["nodeResourceGroup"].as_str() {
        let id = format!("/subscriptions/{subscription}/resourceGroups/{group}");
        document["properties"]["nodeResourceGroupId"] = json!(id);
    }
    let Some(raw) = answer["kubeconfigs"][0]["value"].as_str().and_then(decoded) else {
        return;
    };
    let entry = json!({
        "client_certificate": scalar(&raw, "client-certificate-data"),
        "client_key": scalar(&raw, "client-key-data"),
        "cluster_ca_certificate": scalar(&raw, "certificate-authority-data"),
        "host": scalar(&raw, "server"),
        "password": scalar(&raw, "token").or_else(|| scalar(&raw, "password")).unwrap_or_default(),
        "username": scalar(&raw, "user").or_else(|| scalar(&raw, "username")).unwrap_or_default(),
    });
    document["kubeconfig"] = json!({ "raw": raw, "entries": [entry], "admin": { "raw": "", "entries": [] } });
}

/// The first scalar under that key, in YAML's block style or in JSON: a kubeconfig of ARM has one of each.
fn scalar(text: &str, key: &str) -> Option<String> {
    if let Ok(parsed) = serde_json::from_str::<Json>(text) {
        return find(&parsed, key);
    }
    text.lines().find_map(|line| {
        let line = line.trim_start().trim_start_matches("- ").trim_start();
        let value = line.strip_prefix(key)?.strip_prefix(':')?.trim();
        (!value.is_empty()).then(|| value.trim_matches(['"', '\'']).to_owned())
    })
}

fn find(json: &Json, key: &str) -> Option<String> {
    match json {
        Json::Object(fields) => {
            let here = fields.get(key).and_then(Json::as_str).map(str::to_owned);
            here.or_else(|| fields.values().find_map(|value| find(value, key)))
        }
        Json::Array(entries) => entries.iter().find_map(|entry| find(entry, key)),
        _ => None,
    }
}

/// Base64, with or without padding.
fn decoded(text: &str) -> Option<String> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=')
    {
        let value = ALPHABET.iter().position(|known| *known == byte)?;
        held = held << 6 | u32::try_from(value).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
    }
    String::from_utf8(bytes).ok()
}
