//! Every setting: its name, default, meaning, and where its value came from.
//!
//! Defaults < TOML file (`--config`) < environment (`SOTTO_NAME`, or `SOTTO_NAME_FILE` naming a file that holds
//! the value) < flags (`--name`).

mod check;
mod secret;

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command};
use figment::providers::{Format as _, Serialized, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize};

pub use secret::Secret;

/// One setting's name and what it is for.
pub struct Setting {
    /// Its name in the TOML file; `SOTTO_NAME` in the environment, `--name` as a flag (with `-` for `_`).
    pub name: &'static str,
    /// What it does, with its unit.
    pub meaning: &'static str,
}

macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $(#[serde($serde:meta)])* $name:ident: $type:ty = $default:expr;)+) => {
        /// What the server was told, checked.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Config {
            $($(#[doc = $doc])+ $(#[serde($serde)])* pub $name: $type,)+
        }

        impl Default for Config {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        /// Every setting, in the order of explanation.
        pub const SETTINGS: &[Setting] =
            &[$(Setting { name: stringify!($name), meaning: concat!($($doc),+) }),+];
    };
}

settings! {
    /// Address and port to serve people on; port 0 takes any free one.
    listen: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
    /// Address and port of /healthz, /readyz and /metrics; when empty, the port after `listen` on 127.0.0.1.
    #[serde(deserialize_with = "maybe")]
    health_listen: Option<SocketAddr> = None;
    /// Directory of the database; made when missing.
    data: PathBuf = PathBuf::from("data");
    /// Origins under which people reach this server (`https://sotto.example`), separated by commas; when empty,
    /// only localhost.
    #[serde(deserialize_with = "list")]
    origins: Vec<String> = Vec::new();
    /// Networks of reverse proxies whose X-Forwarded-For is believed, separated by commas.
    #[serde(deserialize_with = "list")]
    trusted_proxies: Vec<IpNet> = Vec::new();
    /// Directory of a built page to serve instead of the one inside this program.
    #[serde(deserialize_with = "maybe")]
    page: Option<PathBuf> = None;
    /// Longest time an envelope waits, in seconds.
    envelope_lifetime_s: u32 = sotto_wire::server::limits::ENVELOPE_LIFETIME_MAX_S;
    /// Most envelopes waiting in one mailbox.
    mailbox_envelopes: u32 = sotto_wire::server::limits::MAILBOX_ENVELOPES_MAX;
    /// Most bytes waiting in one mailbox.
    mailbox_bytes: u64 = sotto_wire::server::limits::MAILBOX_BYTES_MAX;
    /// Days after which a mailbox nobody opened is forgotten.
    mailbox_idle_days: u64 = 365;
    /// Largest size of the database, in MiB; beyond it, nothing new is accepted.
    database_mib: u64 = 10 * 1024;
    /// Most connections at once.
    connections: usize = 20_000;
    /// Connections one address (IPv6: a /64 network; four times that a /48) may have open at once; behind a proxy,
    /// sockets.
    address_connections: u32 = 1_000;
    /// Requests one address may make, per second.
    address_requests_per_s: u32 = 50;
    /// Requests one address may make at once, before the rate counts.
    address_requests_burst: u32 = 200;
    /// Invites, prekeys, TURN credentials and new sockets one address may ask for, per minute.
    address_meetings_per_min: u32 = 60;
    /// Invites, prekeys, TURN credentials and new sockets one address may ask for at once.
    address_meetings_burst: u32 = 120;
    /// MiB one address (IPv6: a /64 network; four times that a /48) may have stored at once, by envelopes, invites,
    /// new mailboxes, tokens and prekeys; used up, it comes back evenly over a day.
    address_store_mib: u64 = 64;
    /// Part of what the database and its disk have free that one address may have stored at once, in percent.
    address_store_percent: u32 = 2;
    /// Malformed requests and frames, failed signatures and floods of frames from one address before it is banned, in
    /// ten minutes; a request over `address_requests_per_s` counts a twentieth.
    ban_after: u32 = 50;
    /// Time of an address's first ban, in seconds; each further one within a day is twice as long.
    ban_s: u32 = 60;
    /// Longest time of a ban, in seconds, at most a day.
    ban_max_s: u32 = 900;
    /// Envelopes one mailbox takes, per second.
    mailbox_envelopes_per_s: u32 = 50;
    /// Envelopes one mailbox takes at once.
    mailbox_envelopes_burst: u32 = 400;
    /// Frames one connection may send, per second.
    socket_frames_per_s: u32 = 100;
    /// Frames one connection may send at once.
    socket_frames_burst: u32 = 400;
    /// Time a client has to send the head of a request, in seconds.
    header_timeout_s: u64 = 10;
    /// Time a client has to send the body of a request, and to answer the challenge of a socket, in seconds.
    body_timeout_s: u64 = 15;
    /// Time a client may leave what it was sent unread, in seconds.
    send_timeout_s: u64 = 20;
    /// Time after which a silent socket is asked whether it is still there, in seconds; after twice that it is
    /// closed.
    ping_interval_s: u64 = 30;
    /// STUN servers that tell browsers their own address, separated by commas: stun:sotto.example:3478.
    #[serde(deserialize_with = "list")]
    stun_urls: Vec<String> = Vec::new();
    /// TURN servers that relay where no direct connection can be made, separated by commas:
    /// turn:sotto.example:3478?transport=udp. They must know `turn_secret`.
    #[serde(deserialize_with = "list")]
    turn_urls: Vec<String> = Vec::new();
    /// The secret shared with the TURN servers (coturn: use-auth-secret and static-auth-secret), at least 16
    /// bytes. Set it by SOTTO_TURN_SECRET_FILE, SOTTO_TURN_SECRET or in the TOML file; it is never shown.
    #[serde(deserialize_with = "secret::maybe")]
    turn_secret: Option<Secret> = None;
    /// Time a credential for the TURN servers is good for, in seconds.
    turn_lifetime_s: u32 = 6 * 3600;
    /// What to log: error, warn, info, debug or trace, also by module (see the `EnvFilter` syntax).
    log: String = "info".into();
}

/// Settings that are secrets: no flags, because every user of a machine can read its command lines, and never shown.
const SECRETS: &[&str] = &["turn_secret"];

impl Setting {
    fn is_secret(&self) -> bool {
        SECRETS.contains(&self.name)
    }
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value is missing, of the wrong kind or unknown.
    #[error("configuration: {0}")]
    Figment(#[from] Box<figment::Error>),
    /// A file named by `SOTTO_…_FILE` cannot be read.
    #[error("configuration: {variable} names {path}, which cannot be read: {error}")]
    SecretFile {
        /// The variable.
        variable: String,
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A value is understood but makes no sense.
    #[error("configuration: {name}: {problem}")]
    Nonsense {
        /// The setting.
        name: &'static str,
        /// What is wrong with it and what would be right.
        problem: String,
    },
}

/// What the command line asked for.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// `--check-config`: explain and stop.
    pub check_only: bool,
    /// Every setting, its value, where the value came from, and what it means.
    pub explanation: String,
}

/// Reads the configuration from `arguments` (the program's name first) and `environment`.
///
/// # Errors
/// [`ConfigError`]; a wrong or `--help` command line ends the process, as clap does.
pub fn load(
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Loaded, ConfigError> {
    let matches = command().get_matches_from(arguments);
    let mut figment = Figment::from(Serialized::defaults(Config::default()));
    if let Some(file) = matches.get_one::<PathBuf>("config") {
        figment = figment.merge(Toml::file_exact(file));
    }
    figment = figment.merge(from_environment(environment)?).merge(from_flags(&matches));
    let config: Config = figment.extract().map_err(Box::new)?;
    check::check(&config)?;
    // Nothing of the sources is kept: they hold secrets in the clear.
    Ok(Loaded { config, check_only: matches.get_flag("check-config"), explanation: explain(&figment) })
}

fn explain(figment: &Figment) -> String {
    let mut text = String::new();
    for setting in SETTINGS {
        let Setting { name, meaning } = setting;
        let value = match figment.find_value(name) {
            Ok(Value::Empty(..)) | Err(_) => "(none)".into(),
            Ok(_) if setting.is_secret() => "(set, not shown)".into(),
            Ok(value) => show(&value),
        };
        let source = figment.find_metadata(name).map_or("default", |metadata| {
            if metadata.name.contains("Config") { "default" } else { metadata.name.as_ref() }
        });
        text.push_str(&format!("{name} = {value}    ({source})\n    {}\n", meaning.trim()));
    }
    text
}

fn show(value: &Value) -> String {
    match value {
        Value::String(_, text) => format!("{text:?}"),
        Value::Array(_, items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", ")),
        Value::Empty(..) => "(none)".into(),
        Value::Bool(_, flag) => flag.to_string(),
        Value::Char(_, letter) => letter.to_string(),
        Value::Num(_, number) => number
            .to_i128()
            .map(|number| number.to_string())
            .or_else(|| number.to_u128().map(|number| number.to_string()))
            .unwrap_or_default(),
        Value::Dict(..) => "{…}".into(),
    }
}

fn command() -> Command {
    let config = Arg::new("config")
        .long("config")
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .help("TOML file with any of the settings below");
    let check = Arg::new("check-config")
        .long("check-config")
        .action(ArgAction::SetTrue)
        .help("Print every setting, its value, where it came from and what it means, and stop");
    let settings = SETTINGS.iter().filter(|setting| !setting.is_secret()).map(|setting| {
        Arg::new(setting.name)
            .long(setting.name.replace('_', "-"))
            .value_name("VALUE")
            .help(setting.meaning.trim())
    });
    Command::new("sotto-server")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Introduces people, keeps ciphertext for those who are away, serves the page.")
        .args([config, check])
        .args(settings)
}

/// Values of one source, named for the explanation.
struct Layer {
    source: &'static str,
    values: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.source)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

/// A number is a number, all else is text, and so is every secret.
fn value(name: &str, text: &str) -> Value {
    match text.parse::<u64>() {
        Ok(number) if !SECRETS.contains(&name) => Value::from(number),
        _ => Value::from(text),
    }
}

fn from_flags(matches: &ArgMatches) -> Layer {
    let given = SETTINGS.iter().filter(|setting| !setting.is_secret()).filter_map(|setting| {
        let text = matches.get_one::<String>(setting.name)?;
        Some((setting.name.to_owned(), value(setting.name, text)))
    });
    Layer { source: "flag", values: given.collect() }
}

fn from_environment(variables: impl IntoIterator<Item = (String, String)>) -> Result<Layer, ConfigError> {
    let mut values = Dict::new();
    for (variable, content) in variables {
        let Some(name) = variable.strip_prefix("SOTTO_").map(str::to_ascii_lowercase) else { continue };
        let is = |wanted: &str| SETTINGS.iter().any(|setting| setting.name == wanted);
        if is(&name) {
            let value = value(&name, &content);
            values.insert(name, value);
        } else if let Some(name) = name.strip_suffix("_file").filter(|name| is(name)) {
            let path = PathBuf::from(content);
            let content = read_file(&path).map_err(|error| ConfigError::SecretFile {
                variable: variable.clone(),
                path,
                error,
            })?;
            values.insert(name.to_owned(), value(name, &content));
        }
    }
    Ok(Layer { source: "environment", values })
}

fn read_file(path: &Path) -> std::io::Result<String> {
    Ok(std::fs::read_to_string(path)?.trim_end().to_owned())
}

/// Empty text stands for "not set".
fn maybe<'de, D: Deserializer<'de>, T: std::str::FromStr>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T::Err: std::fmt::Display,
{
    match Option::<String>::deserialize(deserializer)?.as_deref() {
        None | Some("") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(serde::de::Error::custom),
    }
}

/// A list, or text with its items separated by commas.
fn list<'de, D: Deserializer<'de>, T: std::str::FromStr>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T::Err: std::fmt::Display,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    let items = match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(text) => text.split(',').map(|item| item.trim().to_owned()).collect(),
        OneOrMany::Many(items) => items,
    };
    let items = items.into_iter().filter(|item| !item.is_empty());
    items.map(|item| item.parse().map_err(serde::de::Error::custom)).collect()
}

#[cfg(test)]
mod tests;
