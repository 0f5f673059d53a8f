//! The claims of a token, and which checks are made before the database is read (RFC 7519, RFC
//! 7515).
//!
//! Other services that share the secret issue tokens, too. Every rule of the standards for a
//! receiver is applied here. The claims about the holder's rights are ignored.

use std::{collections::HashSet, time::Duration};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};

use super::Issued;
use crate::domain::{
    Error, Result, Timestamp, TokenId, UserId,
    access::{Actor, AuthenticatedToken, CredentialVersion},
    user::{AccountKind, Role, User},
};

/// The longest token that is parsed, bytes.
const MAX_TOKEN_BYTES: usize = 4_096;
/// How far another issuer's clock may be ahead of this one.
pub(super) const CLOCK_SKEW: Duration = Duration::from_mins(1);
/// The token types of an access token (RFC 7519, RFC 9068). Other types name something else.
const TOKEN_TYPES: [&str; 2] = ["jwt", "at+jwt"];

/// The claims of tokens issued here (RFC 7519 names).
#[derive(Serialize)]
struct OwnClaims<'a> {
    sub: String,
    username: &'a str,
    role: &'static str,
    iat: i64,
    exp: i64,
    jti: String,
    /// The account's credential version that the holder proved to know.
    cv: u64,
    /// Whether the holder is a guest, whose tokens live for another time.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    guest: bool,
}

/// A `NumericDate`: seconds, with or without a fraction.
#[derive(Debug, Clone, Copy)]
struct NumericDate(Timestamp);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let milliseconds = f64::deserialize(deserializer)? * 1_000.0;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the cast saturates, which is what is wanted"
        )]
        Ok(Self(Timestamp(milliseconds.floor() as i64)))
    }
}

/// One recipient, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: NumericDate,
    iat: Option<NumericDate>,
    nbf: Option<NumericDate>,
    jti: Option<String>,
    iss: Option<String>,
    aud: Option<Audience>,
    cv: Option<u64>,
    #[serde(default)]
    guest: bool,
    /// The time of issue in milliseconds: tokens of earlier versions of this service.
    ims: Option<i64>,
}

/// The audience of tokens, and the issuers that are trusted.
#[derive(Debug, Clone)]
pub(in crate::service) struct TrustedIssuers {
    pub lifetime: Duration,
    /// The lifetime of a guest's tokens.
    pub guest_lifetime: Duration,
    /// What `aud` must contain, if it is present.
    pub audience: String,
    /// The trusted values of `iss`, if it is present. When empty, all tokens signed with the secret
    /// are valid.
    pub issuers: Vec<String>,
}

impl TrustedIssuers {
    fn lifetime_of(&self, guest: bool) -> Duration {
        if guest {
            self.guest_lifetime
        } else {
            self.lifetime
        }
    }
}

/// Signs and reads tokens.
pub(super) struct Signer {
    signing: EncodingKey,
    checking: DecodingKey,
    validation: Validation,
    trust: TrustedIssuers,
}

impl Signer {
    pub fn new(secret: &[u8], trust: TrustedIssuers) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        // The claims are checked below, against the service's own clock.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.required_spec_claims = HashSet::new();
        Self {
            signing: EncodingKey::from_secret(secret),
            checking: DecodingKey::from_secret(secret),
            validation,
            trust,
        }
    }

    /// Returns a new token for the version of the credentials that its holder proved to know.
    pub fn issue(&self, user: &User, version: u64, now: Timestamp) -> Result<Issued> {
        let guest = user.account == AccountKind::Guest;
        let expires_at = Timestamp(now.plus(self.trust.lifetime_of(guest)).seconds() * 1000);
        let id = TokenId::generate();
        let claims = OwnClaims {
            sub: user.id.to_string(),
            username: &user.username,
            role: user.role.as_str(),
            iat: now.seconds(),
            exp: expires_at.seconds(),
            jti: id.0.to_string(),
            cv: version,
            guest,
        };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing);
        let token = token.map_err(|error| {
            tracing::error!(%error, "a token could not be signed");
            Error::Internal
        })?;
        Ok(Issued {
            id,
            token,
            expires_at,
            storage_key: self.storage_key(user.id)?,
        })
    }

    /// Returns the key that encrypts a user's storage on a device.
    pub fn storage_key(&self, user: UserId) -> Result<String> {
        self.sign(&format!("wardline storage on a device\n{user}"))
    }

    /// Returns the content of a token, if its signature, times and parties are valid. The caller
    /// fills in the role, which is the account's.
    pub fn decode_token(&self, token: &str, now: Timestamp) -> Result<AuthenticatedToken> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Error::AuthFailed);
        }
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.checking, &self.validation);
        let decoded = decoded.map_err(|_| Error::AuthFailed)?;
        let (header, claims) = (decoded.header, decoded.claims);
        // RFC 7515, 4.1.11: a receiver must refuse a critical header that it does not understand.
        // This service understands no extension.
        if header.crit.is_some()
            || header.extras.inner().contains_key("b64")
            || !is_access_token(&header)
        {
            return Err(Error::AuthFailed);
        }
        let expires_at = self.check_times(&claims, now)?;
        self.check_parties(&claims)?;
        let issued = match (claims.cv, claims.ims, claims.iat) {
            (Some(version), ..) => CredentialVersion::Version(version),
            (None, Some(milliseconds), _) => CredentialVersion::At(Timestamp(milliseconds)),
            (None, None, Some(NumericDate(iat))) => CredentialVersion::At(iat),
            // It is unknown whether this token was issued before the last change of the account.
            (None, None, None) => return Err(Error::AuthFailed),
        };
        let user: UserId = claims.sub.parse().map_err(|_| Error::AuthFailed)?;
        let actor = Actor {
            user,
            role: Role::User,
            account: if claims.guest {
                AccountKind::Guest
            } else {
                AccountKind::STAFF
            },
            token: token_name(token, claims.jti),
        };
        Ok(AuthenticatedToken {
            actor,
            issued,
            expires_at,
        })
    }

    /// Returns the time until which the token is valid.
    fn check_times(&self, claims: &Claims, now: Timestamp) -> Result<Timestamp> {
        let NumericDate(expires_at) = claims.exp;
        if expires_at <= now {
            return Err(Error::TokenExpired);
        }
        let lifetime = self.trust.lifetime_of(claims.guest);
        let latest = now.plus(CLOCK_SKEW);
        let [from, issued_at] =
            [claims.nbf, claims.iat].map(|date| date.map(|NumericDate(date)| date));
        let exactly_at = claims.ims.map(Timestamp);
        if [from, issued_at, exactly_at]
            .into_iter()
            .flatten()
            .any(|date| date > latest)
        {
            return Err(Error::AuthFailed);
        }
        let Some(issued_at) = issued_at.or(exactly_at) else {
            // Any age is accepted, but the remaining time must not exceed that of a new token.
            return if expires_at <= now.plus(lifetime) {
                Ok(expires_at)
            } else {
                Err(Error::AuthFailed)
            };
        };
        let longest = issued_at.plus(lifetime);
        if expires_at <= longest {
            return Ok(expires_at);
        }
        match claims.cv {
            // A token of this service, issued before the lifetime was shortened.
            Some(_) if longest > now => Ok(longest),
            Some(_) => Err(Error::TokenExpired),
            None => Err(Error::AuthFailed),
        }
    }

    fn check_parties(&self, claims: &Claims) -> Result<()> {
        let ours = &self.trust.audience;
        let is_for_us = match &claims.aud {
            None => true,
            Some(Audience::One(name)) => name == ours,
            Some(Audience::Several(names)) => names.contains(ours),
        };
        let issuers = &self.trust.issuers;
        let is_trusted = match &claims.iss {
            _ if issuers.is_empty() => true,
            Some(issuer) => issuers.contains(issuer),
            None => claims.cv.is_some(),
        };
        if is_for_us && is_trusted {
            Ok(())
        } else {
            Err(Error::AuthFailed)
        }
    }

    /// Signs a text that is not a token: an HMAC with the same secret. The signed part of a token
    /// has letters, digits, `-`, `_` and dots only. So a text with a line break is never one.
    pub fn sign(&self, text: &str) -> Result<String> {
        jsonwebtoken::crypto::sign(text.as_bytes(), &self.signing, Algorithm::HS256).map_err(
            |error| {
                tracing::error!(%error, "words could not be signed");
                Error::Internal
            },
        )
    }

    /// Returns whether this text was signed here.
    pub fn is_signed(&self, text: &str, signature: &str) -> bool {
        let checked = jsonwebtoken::crypto::verify(
            signature,
            text.as_bytes(),
            &self.checking,
            Algorithm::HS256,
        );
        checked.unwrap_or(false)
    }
}

fn is_access_token(header: &Header) -> bool {
    header.typ.as_deref().is_none_or(|typ| {
        let typ = typ.to_ascii_lowercase();
        TOKEN_TYPES.contains(&typ.strip_prefix("application/").unwrap_or(&typ))
    })
}

/// Returns the name under which a token is ended and logged. A token without a `jti` is named by a
/// digest, since a part of the token would be a part of the secret.
fn token_name(token: &str, jti: Option<String>) -> TokenId {
    let name = jti
        .filter(|name| (1..=128).contains(&name.len()))
        .unwrap_or_else(|| {
            use std::fmt::Write as _;
            let mut name = String::from("sha256:");
            for byte in Sha256::digest(token.as_bytes()) {
                let _ = write!(name, "{byte:02x}");
            }
            name
        });
    TokenId(name.into())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_800_000_000;
    const HOURS: i64 = 3_600;
    const TEN_YEARS: i64 = 10 * 366 * 24 * HOURS;

    fn decode_token(claims: &Value) -> Result<AuthenticatedToken> {
        let secret = b"0123456789abcdef0123456789abcdef";
        let trust = TrustedIssuers {
            lifetime: Duration::from_hours(12),
            guest_lifetime: Duration::from_hours(24),
            audience: "wardline".to_owned(),
            issuers: Vec::new(),
        };
        let mut all = json!({ "sub": "0123456789abcdef01234567" });
        for (name, value) in claims.as_object().unwrap() {
            all[name] = value.clone();
        }
        let token = jsonwebtoken::encode(
            &Header::new(Algorithm::HS256),
            &all,
            &EncodingKey::from_secret(secret),
        );
        Signer::new(secret, trust).decode_token(&token.unwrap(), Timestamp(NOW * 1_000))
    }

    #[test]
    fn whatever_says_when_a_token_was_issued_bounds_its_life() {
        let ms = |seconds: i64| seconds * 1_000;
        for good in [
            json!({ "exp": NOW + 12 * HOURS, "iat": NOW }),
            json!({ "exp": NOW + 12 * HOURS, "ims": ms(NOW) }),
            json!({ "exp": NOW + 11 * HOURS, "ims": ms(NOW), "iat": NOW - HOURS }),
            json!({ "exp": NOW + HOURS, "ims": ms(NOW + 50) }),
            json!({ "exp": NOW + 12 * HOURS, "cv": 0 }),
            json!({ "exp": NOW + 24 * HOURS, "iat": NOW, "cv": 0, "guest": true }),
        ] {
            assert!(decode_token(&good).is_ok(), "{good}");
        }
        for bad in [
            json!({ "exp": NOW + TEN_YEARS, "ims": ms(NOW) }),
            json!({ "exp": NOW + TEN_YEARS, "cv": 0 }),
            json!({ "exp": NOW + 25 * HOURS, "iat": NOW, "guest": true }),
            json!({ "exp": NOW + 13 * HOURS, "cv": 0 }),
            json!({ "exp": NOW + HOURS, "ims": ms(NOW + 120) }),
            json!({ "exp": NOW + HOURS, "ims": ms(NOW + TEN_YEARS) }),
            json!({ "exp": NOW + HOURS, "ims": ms(NOW + TEN_YEARS), "iat": NOW - HOURS }),
            json!({ "exp": NOW + HOURS, "ims": i64::MAX, "cv": 0, "iat": NOW - HOURS }),
            json!({ "exp": NOW + HOURS, "ims": i64::MIN }),
            json!({ "exp": NOW + 13 * HOURS, "iat": NOW }),
            json!({ "exp": NOW + HOURS }),
        ] {
            assert!(
                matches!(decode_token(&bad), Err(Error::AuthFailed)),
                "{bad}"
            );
        }
        let shortened =
            decode_token(&json!({ "exp": NOW + TEN_YEARS, "iat": NOW, "cv": 0 })).unwrap();
        assert_eq!(
            shortened.expires_at,
            Timestamp(ms(NOW + 12 * HOURS)),
            "ours, when they lived longer"
        );
    }
}
