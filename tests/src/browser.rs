//! Browser processes and their drivers.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sotto_testkit::namespace::Namespace;
use thirtyfour::{Capabilities, WebDriver};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;
use tokio::time::timeout;

use crate::inside::{self, Door};
use crate::wait::{Outcome, PATIENCE, trouble};

/// A browser we test in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Chromium, driven by chromedriver.
    Chromium,
    /// Firefox ESR, driven by geckodriver.
    Firefox,
}

/// A network that a browser runs in, if not the machine's own, and the origin there that it takes for secure without
/// TLS, as every browser does with the loopback.
#[derive(Clone)]
pub struct Place {
    pub namespace: Arc<Namespace>,
    pub origin: String,
}

/// A running browser with a driver of its own.
pub struct Browser {
    pub driver: WebDriver,
    // Both end with it.
    process: Child,
    _doors: Vec<Door>,
}

const CHROMIUM_ARGUMENTS: [&str; 17] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--lang=en-US",
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--window-size=1280,800",
];

impl Browser {
    /// Starts a browser with its profile and its downloads below `home`; both stay there when it ends.
    pub async fn start(kind: Kind, home: &Path, place: Option<&Place>) -> Outcome<Browser> {
        let profile = home.join("profile");
        let downloads = home.join("downloads");
        std::fs::create_dir_all(&profile)?;
        std::fs::create_dir_all(&downloads)?;
        let (process, port, doors) = start_driver(kind, place).await?;
        let origin = place.map(|place| place.origin.as_str());
        let wanted = match kind {
            Kind::Chromium => chromium(&profile, &downloads, origin),
            Kind::Firefox => firefox(&profile, &downloads, origin)?,
        };
        let Value::Object(wanted) = wanted else { return Err(trouble("capabilities are an object")) };
        let session = WebDriver::new(format!("http://127.0.0.1:{port}"), Capabilities::from(wanted));
        let driver = timeout(2 * PATIENCE, session)
            .await
            .map_err(|_| trouble(format!("{kind:?} did not start")))?
            .map_err(|error| trouble(format!("{kind:?} did not start: {error}")))?;
        driver.set_script_timeout(2 * PATIENCE).await?;
        Ok(Browser { driver, process, _doors: doors })
    }

    /// The driver's process, from which the browser's descend.
    pub fn driver_process(&self) -> Option<u32> {
        self.process.id()
    }

    /// Ends the browser as its user would, so that its profile is complete.
    pub async fn quit(self) -> Outcome {
        timeout(Duration::from_secs(20), self.driver.quit())
            .await
            .map_err(|_| trouble("the browser did not end"))??;
        Ok(())
    }
}

/// How often a driver is started that ends before it tells its port: chromedriver takes a free port of one family of
/// addresses, and ends if the same is taken in the other.
const DRIVER_STARTS: usize = 4;

async fn start_driver(kind: Kind, place: Option<&Place>) -> Outcome<(Child, u16, Vec<Door>)> {
    for _ in 1..DRIVER_STARTS {
        if let Ok(started) = start_driver_once(kind, place).await {
            return Ok(started);
        }
    }
    start_driver_once(kind, place).await
}

/// Starts a driver on a free port, which it tells in its first lines. In a network of its own it is reached through
/// doors.
async fn start_driver_once(kind: Kind, place: Option<&Place>) -> Outcome<(Child, u16, Vec<Door>)> {
    // One for commands and one for events.
    let mut doors = Vec::new();
    if let Some(place) = place {
        for _ in 0..2 {
            doors.push(Door::open(&place.namespace).await?);
        }
    }
    let port = |which: usize| doors.get(which).map_or(0, Door::port);
    let (program, arguments) = match kind {
        Kind::Chromium => ("chromedriver", vec![format!("--port={}", port(0))]),
        // System access is what "Work Offline" takes.
        Kind::Firefox => (
            "geckodriver",
            vec![
                format!("--port={}", port(0)),
                format!("--websocket-port={}", port(1)),
                "--allow-system-access".to_owned(),
            ],
        ),
    };
    let mut process = inside::command(place.map(|place| &*place.namespace), program.as_ref())
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            trouble(format!("cannot start {program}: {error}; `cargo xtask test` installs it"))
        })?;
    let output = process.stdout.take().ok_or_else(|| trouble("the driver has no output"))?;
    let mut lines = BufReader::new(output).lines();
    let port = timeout(PATIENCE, async {
        while let Ok(Some(line)) = lines.next_line().await {
            // "… started successfully on port 34567." and "… Listening on 127.0.0.1:34567"
            let told = line
                .rsplit_once("successfully on port ")
                .or_else(|| line.rsplit_once("Listening on 127.0.0.1:"));
            if let Some(port) = told.and_then(|(_, port)| port.trim_end_matches('.').parse().ok()) {
                return Some(port);
            }
        }
        None
    })
    .await
    .ok()
    .flatten()
    .ok_or_else(|| trouble(format!("{program} did not tell its port")))?;
    // A full pipe would stop the driver.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok((process, port, doors))
}

fn chromium(profile: &Path, downloads: &Path, secure: Option<&str>) -> Value {
    let mut arguments: Vec<String> = CHROMIUM_ARGUMENTS.iter().map(ToString::to_string).collect();
    arguments.push(format!("--user-data-dir={}", profile.display()));
    arguments.extend(secure.map(|origin| format!("--unsafely-treat-insecure-origin-as-secure={origin}")));
    json!({
        "browserName": "chrome",
        "goog:loggingPrefs": { "browser": "ALL" },
        "goog:chromeOptions": {
            "args": arguments,
            "prefs": {
                "download.default_directory": downloads,
                "download.prompt_for_download": false,
                "profile.default_content_setting_values.automatic_downloads": 1,
            },
        },
    })
}

fn firefox(profile: &Path, downloads: &Path, secure: Option<&str>) -> Outcome<Value> {
    // It knows secure hosts, not origins.
    let host = |origin: &str| {
        let (_, authority) = origin.split_once("://")?;
        Some(authority.split(':').next()?.to_owned())
    };

    let preferences = json!({
        "browser.download.folderList": 2,
        "browser.download.dir": downloads,
        "browser.download.useDownloadDir": true,
        "browser.helperApps.neverAsk.saveToDisk": "application/octet-stream",
        "browser.shell.checkDefaultBrowser": false,
        "browser.startup.homepage_override.mstone": "ignore",
        "datareporting.policy.dataSubmissionEnabled": false,
        "dom.ipc.processCount": 2,
        "dom.securecontext.allowlist": secure.and_then(host).unwrap_or_default(),
        "intl.accept_languages": "en-US",
        "media.navigator.permission.disabled": true,
        "media.navigator.streams.fake": true,
        "media.peerconnection.ice.loopback": true,
        "media.peerconnection.ice.obfuscate_host_addresses": false,
        "network.captive-portal-service.enabled": false,
        "network.connectivity-service.enabled": false,
        "toolkit.telemetry.enabled": false,
    });
    // A profile that was given by its directory does not get the preferences of the capabilities.
    let Value::Object(entries) = &preferences else { return Err(trouble("preferences are an object")) };
    let lines: String =
        entries.iter().map(|(name, value)| format!("user_pref(\"{name}\", {value});\n")).collect();
    std::fs::write(profile.join("user.js"), lines)?;
    Ok(json!({
        "browserName": "firefox",
        "webSocketUrl": true,
        "moz:firefoxOptions": {
            "binary": firefox_binary()?,
            "args": ["-headless", "--width=1280", "--height=800", "-profile", profile],
        },
    }))
}

/// geckodriver takes a path, not a name.
fn firefox_binary() -> Outcome<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .flat_map(|directory| ["firefox-esr", "firefox"].map(|name| directory.join(name)))
        .find(|program| program.exists())
        .ok_or_else(|| trouble("Firefox is not installed; `cargo xtask test` does that"))
}
