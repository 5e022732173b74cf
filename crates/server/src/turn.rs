//! Credentials for TURN servers that share a secret with this one, and the servers to name to browsers.
//!
//! The scheme is the one coturn implements as `use-auth-secret` ("A REST API For Access To TURN Services",
//! draft-uberti-behave-turn-rest-00 §2.2): the user name says when the credential ends, the credential is the base64
//! of the name's HMAC-SHA-1 under the shared secret. The TURN server checks it without asking anybody, and
//! learns nothing about who it is for.

use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sotto_wire::server::{FrameError, IceUrl, IceUrls, List, TurnAnswer, TurnServer, TurnText, limits};

use crate::config::{Config, ConfigError};
use crate::store::Timestamp;

/// Below this, whoever was given one credential could find the secret by trying.
const SECRET_MIN: usize = 16;

/// The longest life of a credential, in seconds (7 days): it cannot be taken back.
const LIFETIME_MAX_S: u32 = 7 * 24 * 3600;

/// The shortest, in seconds: a client needs time to connect.
const LIFETIME_MIN_S: u32 = 60;

/// What to tell who asks for STUN and TURN servers.
#[derive(Clone, Debug)]
pub struct Turn {
    stun: IceUrls,
    turn: IceUrls,
    /// The MAC under the secret; there is one if there are TURN servers.
    mac: Option<Hmac<Sha1>>,
    lifetime_s: u32,
}

impl Turn {
    /// Takes the servers and the secret that were configured.
    ///
    /// # Errors
    /// [`ConfigError::Nonsense`] names the setting that cannot be meant, and what would be right.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let stun = urls("stun_urls", &config.stun_urls, false)?;
        let turn = urls("turn_urls", &config.turn_urls, true)?;
        let mac = match &config.turn_secret {
            None if turn.as_slice().is_empty() => None,
            None => {
                return nonsense(
                    "turn_urls",
                    "needs turn_secret, the static-auth-secret of the TURN server: set SOTTO_TURN_SECRET_FILE to a file that holds it",
                );
            }
            Some(_) if turn.as_slice().is_empty() => {
                return nonsense("turn_secret", "is set, but no TURN server is: set turn_urls too");
            }
            Some(secret) if secret.expose().len() < SECRET_MIN => {
                return nonsense("turn_secret", "is too short: at least 16 bytes, better 32 at random");
            }
            Some(secret) => match <Hmac<Sha1> as KeyInit>::new_from_slice(secret.expose().as_bytes()) {
                Ok(mac) => Some(mac),
                Err(_) => return nonsense("turn_secret", "cannot be used as a key"),
            },
        };
        if !(LIFETIME_MIN_S..=LIFETIME_MAX_S).contains(&config.turn_lifetime_s) {
            return nonsense("turn_lifetime_s", "must be between 60 (a minute) and 604800 (7 days)");
        }
        Ok(Self { stun, turn, mac, lifetime_s: config.turn_lifetime_s })
    }

    /// The servers, with a credential that ends `turn_lifetime_s` from `now`. `nonce` keeps two credentials of one
    /// second apart.
    ///
    /// # Errors
    /// [`FrameError`] if it does not fit an answer, which a checked configuration does.
    pub fn answer(&self, now: Timestamp, nonce: [u8; 8]) -> Result<TurnAnswer, FrameError> {
        let mut servers = Vec::new();
        if !self.stun.as_slice().is_empty() {
            servers.push(TurnServer { urls: self.stun.clone(), username: None, credential: None });
        }
        if let Some(mac) = &self.mac {
            let ends = now.plus(u64::from(self.lifetime_s)).0;
            let username = format!("{ends}:{:016x}", u64::from_be_bytes(nonce));
            let tag: [u8; 20] = mac.clone().chain_update(&username).finalize().into_bytes().into();
            servers.push(TurnServer {
                urls: self.turn.clone(),
                username: Some(TurnText::new(username)?),
                credential: Some(TurnText::new(Base64::encode_string(&tag))?),
            });
        }
        Ok(TurnAnswer { servers: List::new(servers)?, lifetime_s: self.lifetime_s })
    }
}

fn nonsense<T>(name: &'static str, problem: &str) -> Result<T, ConfigError> {
    Err(ConfigError::Nonsense { name, problem: problem.to_owned() })
}

fn urls(name: &'static str, texts: &[String], turn: bool) -> Result<IceUrls, ConfigError> {
    let mut urls = Vec::new();
    for text in texts {
        let example = if turn { "turn:sotto.example:3478?transport=udp" } else { "stun:sotto.example:3478" };
        match IceUrl::new(text.clone()) {
            Ok(url) if url.is_turn() == turn => urls.push(url),
            _ => {
                return nonsense(
                    name,
                    &format!("{text:?} is not a URL of this kind: write it like {example}"),
                );
            }
        }
    }
    IceUrls::new(urls).or_else(|_| nonsense(name, &format!("at most {} URLs", limits::ICE_URLS_MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn config(stun: &[&str], turn: &[&str], secret: Option<&str>) -> Config {
        let owned = |urls: &[&str]| urls.iter().map(|url| (*url).to_owned()).collect();
        Config {
            stun_urls: owned(stun),
            turn_urls: owned(turn),
            turn_secret: secret.map(|secret| Secret::new(secret.to_owned())),
            ..Config::default()
        }
    }

    #[test]
    fn a_credential_is_the_hmac_of_its_name() {
        // printf '1800000000:0011223344556677' | openssl dgst -sha1 -hmac 'north-wind-and-the-sun' -binary | base64
        let config = config(&["stun:a.example"], &["turn:a.example"], Some("north-wind-and-the-sun"));
        let turn = Turn::new(&Config { turn_lifetime_s: 600, ..config }).unwrap();
        let nonce = [0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77];
        let answer = turn.answer(Timestamp(1_799_999_400), nonce).unwrap();
        assert_eq!(answer.lifetime_s, 600);
        let [stun, turn] = answer.servers.as_slice() else { panic!("{answer:?}") };
        assert_eq!((&stun.username, &stun.credential), (&None, &None));
        assert_eq!(stun.urls.as_slice()[0].as_str(), "stun:a.example");
        assert_eq!(turn.urls.as_slice()[0].as_str(), "turn:a.example");
        assert_eq!(turn.username.as_ref().unwrap().as_str(), "1800000000:0011223344556677");
        assert_eq!(turn.credential.as_ref().unwrap().as_str(), "cqymFVdhnpAlmL+TDyOZte6x790=");
    }

    #[test]
    fn without_servers_the_answer_is_empty() {
        let answer = Turn::new(&Config::default()).unwrap().answer(Timestamp(1), [0; 8]).unwrap();
        assert!(answer.servers.as_slice().is_empty());
        let stun_only = Turn::new(&config(&["stun:a.example"], &[], None)).unwrap();
        assert_eq!(stun_only.answer(Timestamp(1), [0; 8]).unwrap().servers.as_slice().len(), 1);
    }

    #[test]
    fn the_fullest_configuration_fits_an_answer() {
        let long = format!("turn:{}", "h".repeat(limits::ICE_TEXT_MAX - 5));
        let config = config(&[], &[long.as_str(); limits::ICE_URLS_MAX], Some("north-wind-and-the-sun"));
        assert!(Turn::new(&config).unwrap().answer(Timestamp(u64::MAX), [0xff; 8]).is_ok());
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_name() {
        let secret = Some("north-wind-and-the-sun");
        let many = ["turn:a.example"; limits::ICE_URLS_MAX + 1];
        for (config, name) in [
            (config(&[], &["turn:a.example"], None), "turn_urls: needs turn_secret"),
            (config(&[], &[], secret), "turn_secret: is set"),
            (config(&[], &["turn:a.example"], Some("too short")), "turn_secret: is too short"),
            (config(&["turn:a.example"], &[], None), "stun_urls: \"turn:a.example\""),
            (config(&[], &["stun:a.example"], secret), "turn_urls: \"stun:a.example\""),
            (config(&["a.example"], &[], None), "stun_urls: \"a.example\""),
            (config(&[], &many, secret), "turn_urls: at most 8"),
            (Config { turn_lifetime_s: 59, ..Config::default() }, "turn_lifetime_s"),
            (Config { turn_lifetime_s: 604_801, ..Config::default() }, "turn_lifetime_s"),
        ] {
            let refused = Turn::new(&config).unwrap_err().to_string();
            assert!(refused.contains(name), "{refused}");
            assert!(!refused.contains("north") && !refused.contains("too short\""), "{refused}");
        }
    }
}
