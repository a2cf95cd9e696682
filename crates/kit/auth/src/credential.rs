use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The token in an `Authorization` header: `Bearer <token>`, or `Basic` with any user name and the token as password.
#[must_use]
pub fn credential_from_header(authorization: Option<&str>) -> Option<String> {
    let (scheme, rest) = authorization?.trim().split_once(' ')?;
    let rest = rest.trim();
    let token = if scheme.eq_ignore_ascii_case("bearer") {
        rest.to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
        pair.split_once(':')?.1.to_owned()
    } else {
        return None;
    };
    (!token.is_empty()).then_some(token)
}
