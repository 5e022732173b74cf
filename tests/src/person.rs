//! A person: a browser, and what somebody does with the page in it.
//!
//! Elements are named by their `data-testid`, see `web/TESTIDS.md`. A name can carry conditions on attributes and
//! stand inside another: `message[data-mine="false"] message-text`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sotto_testkit::namespace::Namespace;
use thirtyfour::{By, WebDriver, WebElement};
use tokio::sync::Mutex;

use crate::browser::{Browser, Kind, Place};
use crate::console::{Console, Entry};
use crate::memory::MemoryWatch;
use crate::wait::{Outcome, PATIENCE, trouble, until};

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Dark ink on light ground.
    Light,
    /// Light ink on dark ground.
    Dark,
}

/// Somebody with a browser of their own.
pub struct Person {
    /// What the scenario calls them.
    pub name: String,
    /// Their browser.
    pub kind: Kind,
    origin: String,
    place: Option<Place>,
    home: PathBuf,
    artifacts: PathBuf,
    running: Mutex<Option<Running>>,
    tolerated: std::sync::Mutex<Vec<String>>,
    earlier: std::sync::Mutex<Vec<Entry>>,
}

/// What a person begins with.
pub(crate) struct Newcomer {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) origin: String,
    /// The network they are in, if not the machine's own.
    pub(crate) namespace: Option<Arc<Namespace>>,
    /// Where profile and downloads are.
    pub(crate) home: PathBuf,
    pub(crate) artifacts: PathBuf,
}

struct Running {
    browser: Browser,
    console: Console,
}

impl Running {
    async fn start(kind: Kind, home: &Path, place: Option<&Place>) -> Outcome<Running> {
        let browser = Browser::start(kind, home, place).await?;
        let console = Console::listen(kind, &browser.driver).await?;
        Ok(Running { browser, console })
    }
}

impl Person {
    pub(crate) async fn start(newcomer: Newcomer) -> Outcome<Person> {
        let Newcomer { name, kind, origin, namespace, home, artifacts } = newcomer;
        let place = namespace.map(|namespace| Place { namespace, origin: origin.clone() });
        let running = Running::start(kind, &home, place.as_ref()).await?;
        Ok(Person {
            name,
            kind,
            origin,
            place,
            home,
            artifacts,
            running: Mutex::new(Some(running)),
            tolerated: std::sync::Mutex::default(),
            earlier: std::sync::Mutex::default(),
        })
    }

    /// The driver, for what has no helper here.
    ///
    /// # Errors
    ///
    /// When the browser is closed.
    pub async fn driver(&self) -> Outcome<WebDriver> {
        let running = self.running.lock().await;
        let running =
            running.as_ref().ok_or_else(|| trouble(format!("{}'s browser is closed", self.name)))?;
        Ok(running.browser.driver.clone())
    }

    /// Where they find the server.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Opens an address: a whole one, or a path on the server.
    pub async fn open(&self, address: &str) -> Outcome {
        let address =
            if address.starts_with('/') { format!("{}{address}", self.origin) } else { address.to_owned() };
        Ok(self.driver().await?.goto(address).await?)
    }

    /// Loads the page anew.
    pub async fn reload(&self) -> Outcome {
        Ok(self.driver().await?.refresh().await?)
    }

    /// Closes the browser, with the page in it; the profile stays.
    pub async fn close(&self) -> Outcome {
        self.remember().await?;
        let running = self.running.lock().await.take();
        match running {
            Some(running) => running.browser.quit().await,
            None => Ok(()),
        }
    }

    /// Starts the browser again with the same profile; [`Person::open`] comes next.
    pub async fn start_again(&self) -> Outcome {
        let running = Running::start(self.kind, &self.home, self.place.as_ref()).await?;
        *self.running.lock().await = Some(running);
        Ok(())
    }

    /// Opens a further tab on `address` and turns to it; hands back the handle of the one left.
    pub async fn open_tab(&self, address: &str) -> Outcome<thirtyfour::WindowHandle> {
        let driver = self.driver().await?;
        let before = driver.window().await?;
        let tab = driver.new_tab().await?;
        driver.switch_to_window(tab).await?;
        self.open(address).await?;
        Ok(before)
    }

    /// Turns to another tab.
    pub async fn turn_to(&self, tab: thirtyfour::WindowHandle) -> Outcome {
        Ok(self.driver().await?.switch_to_window(tab).await?)
    }

    /// The first element that goes by `id`, once it is there.
    pub async fn element(&self, id: &str) -> Outcome<WebElement> {
        let driver = self.driver().await?;
        let css = css(id);
        self.patiently(id, async || Ok(Some(driver.find(By::Css(css.clone())).await?))).await
    }

    /// Clicks it, as soon as it can be clicked.
    pub async fn click(&self, id: &str) -> Outcome {
        let driver = self.driver().await?;
        let css = css(id);
        self.patiently(&format!("a click on {id}"), async || {
            driver.find(By::Css(css.clone())).await?.click().await?;
            Ok(Some(()))
        })
        .await
    }

    /// Types into it, after what is there.
    pub async fn type_into(&self, id: &str, text: &str) -> Outcome {
        let driver = self.driver().await?;
        let css = css(id);
        self.patiently(&format!("typing into {id}"), async || {
            driver.find(By::Css(css.clone())).await?.send_keys(text).await?;
            Ok(Some(()))
        })
        .await
    }

    /// Types into it instead of what is there.
    pub async fn fill(&self, id: &str, text: &str) -> Outcome {
        let driver = self.driver().await?;
        let css = css(id);
        self.patiently(&format!("filling {id}"), async || {
            let field = driver.find(By::Css(css.clone())).await?;
            field.clear().await?;
            field.send_keys(text).await?;
            Ok(Some(()))
        })
        .await
    }

    /// Gives files to a file field, also a hidden one.
    pub async fn upload(&self, id: &str, files: &[&Path]) -> Outcome {
        let paths: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
        let driver = self.driver().await?;
        let css = css(id);
        self.patiently(&format!("files into {id}"), async || {
            driver.find(By::Css(css.clone())).await?.send_keys(paths.join("\n")).await?;
            Ok(Some(()))
        })
        .await
    }

    /// Waits until a file is downloaded whole, and says where it is.
    pub async fn downloaded(&self, name: &str, patience: Duration) -> Outcome<PathBuf> {
        let directory = self.home.join("downloads");
        let file = directory.join(name);
        until(&format!("{}'s download of {name}", self.name), patience, async || {
            let unfinished = std::fs::read_dir(&directory)?.flatten().any(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                name.ends_with(".crdownload") || name.ends_with(".part")
            });
            Ok((file.exists() && !unfinished).then(|| file.clone()))
        })
        .await
    }

    /// Waits until there is one file among the downloads, of `size` bytes, and says where it is.
    pub async fn downloaded_anything(&self, size: u64, patience: Duration) -> Outcome<PathBuf> {
        let directory = self.home.join("downloads");
        until(&format!("{}'s download of {size} bytes", self.name), patience, async || {
            let mut files: Vec<PathBuf> = Vec::new();
            for entry in std::fs::read_dir(&directory)? {
                files.push(entry?.path());
            }
            match files.as_slice() {
                [file] if is_whole(file) && file.metadata()?.len() == size => Ok(Some(file.clone())),
                other => Err(trouble(format!("there is {other:?}"))),
            }
        })
        .await
    }

    /// Waits until it is there.
    pub async fn sees(&self, id: &str) -> Outcome {
        self.element(id).await.map(|_| ())
    }

    /// Waits until one or the other is there.
    pub async fn sees_either(&self, one: &str, other: &str) -> Outcome {
        let driver = self.driver().await?;
        let css = format!("{}, {}", css(one), css(other));
        self.patiently(&format!("{one} or {other}"), async || {
            driver.find(By::Css(css.clone())).await?;
            Ok(Some(()))
        })
        .await
    }

    /// Waits until it is there and visible.
    pub async fn sees_visible(&self, id: &str) -> Outcome {
        let driver = self.driver().await?;
        let css = css(id);
        self.patiently(&format!("{id}, visible"), async || {
            Ok(driver.find(By::Css(css.clone())).await?.is_displayed().await?.then_some(()))
        })
        .await
    }

    /// Waits until none is there.
    pub async fn sees_no(&self, id: &str) -> Outcome {
        self.patiently(&format!("no {id}"), async || Ok((self.texts(id).await?.is_empty()).then_some(())))
            .await
    }

    /// Waits until one of those that go by `id` contains `text`.
    pub async fn reads(&self, id: &str, text: &str) -> Outcome {
        self.reads_within(id, text, PATIENCE).await
    }

    /// Like [`Person::reads`], with patience of its own.
    pub async fn reads_within(&self, id: &str, text: &str, patience: Duration) -> Outcome {
        let what = format!("{} to read {text:?} in {id}", self.name);
        until(&what, patience, async || {
            let texts = self.texts(id).await?;
            if texts.iter().any(|seen| seen.contains(text)) {
                return Ok(Some(()));
            }
            Err(trouble(format!("there stands {texts:?}")))
        })
        .await
    }

    /// Waits until the texts of all that go by `id` are exactly these, in order.
    pub async fn reads_exactly(&self, id: &str, wanted: &[&str]) -> Outcome {
        let what = format!("{} to read exactly {wanted:?} in {id}", self.name);
        until(&what, PATIENCE, async || {
            let texts = self.texts(id).await?;
            if texts == wanted {
                return Ok(Some(()));
            }
            Err(trouble(format!("there stands {texts:?}")))
        })
        .await
    }

    /// The texts of all that go by `id`, now.
    pub async fn texts(&self, id: &str) -> Outcome<Vec<String>> {
        let script = "return [...document.querySelectorAll(arguments[0])].map((element) => element.textContent.trim())";
        Ok(self.driver().await?.execute(script, vec![json!(css(id))]).await?.convert()?)
    }

    /// The values of an attribute of all that go by `id`, now.
    pub async fn attributes(&self, id: &str, attribute: &str) -> Outcome<Vec<Option<String>>> {
        let script = "return [...document.querySelectorAll(arguments[0])].map((element) => element.getAttribute(arguments[1]))";
        Ok(self.driver().await?.execute(script, vec![json!(css(id)), json!(attribute)]).await?.convert()?)
    }

    /// What stands in a field, once something does.
    pub async fn value(&self, id: &str) -> Outcome<String> {
        let script = "return document.querySelector(arguments[0])?.value ?? ''";
        let driver = self.driver().await?;
        self.patiently(&format!("a value in {id}"), async || {
            let value: String = driver.execute(script, vec![json!(css(id))]).await?.convert()?;
            Ok((!value.is_empty()).then_some(value))
        })
        .await
    }

    /// Runs a script in every page opened from now on, before the page's own, until the browser is closed.
    pub async fn preload(&self, script: &str) -> Outcome {
        let running = self.running.lock().await;
        let running =
            running.as_ref().ok_or_else(|| trouble(format!("{}'s browser is closed", self.name)))?;
        running.console.preload(&running.browser.driver, script).await
    }

    /// Runs a script in the page; what it returns, or resolves with, comes back.
    pub async fn script(&self, script: &str, arguments: Vec<Value>) -> Outcome<Value> {
        Ok(self.driver().await?.execute(script, arguments).await?.json().clone())
    }

    /// Looks again until `look` finds something.
    pub async fn patiently<T>(
        &self,
        what: &str,
        look: impl AsyncFnMut() -> Outcome<Option<T>>,
    ) -> Outcome<T> {
        until(&format!("{} to have {what}", self.name), PATIENCE, look).await
    }

    /// Gives the page's viewport a size, in CSS pixels.
    pub async fn resize(&self, width: u32, height: u32) -> Outcome {
        let driver = self.driver().await?;
        let size = "return [outerWidth - innerWidth, outerHeight - innerHeight]";
        // The frame around the page is not known before; phones' widths are below a window's least width in
        // Chromium unless it is emulated.
        if self.kind == Kind::Chromium {
            let metrics =
                json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 });
            return self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        }
        let frame: (u32, u32) = driver.execute(size, vec![]).await?.convert()?;
        driver.set_window_rect(0, 0, width.saturating_add(frame.0), height.saturating_add(frame.1)).await?;
        Ok(())
    }

    /// Lets the page believe the system prefers light or dark; Chromium only, Firefox does nothing.
    pub async fn prefer(&self, scheme: Scheme) -> Outcome {
        let value = if scheme == Scheme::Dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        match self.kind {
            Kind::Chromium => self.devtools("Emulation.setEmulatedMedia", features).await,
            Kind::Firefox => Ok(()),
        }
    }

    /// Gives the browser fingers instead of a mouse; Chromium only.
    pub async fn touch(&self) -> Outcome {
        self.devtools("Emulation.setTouchEmulationEnabled", json!({ "enabled": true, "maxTouchPoints": 5 }))
            .await
    }

    /// Sends a command of the DevTools protocol; Chromium only.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Outcome {
        self.ask_devtools(command, parameters).await.map(|_| ())
    }

    /// Sends a command of the DevTools protocol and gives its answer; Chromium only.
    pub async fn ask_devtools(&self, command: &str, parameters: Value) -> Outcome<Value> {
        Ok(self.driver().await?.cdp().send_raw(command, parameters).await?)
    }

    /// Watches from now on how much memory the pages of this browser take.
    pub async fn watch_memory(&self) -> Outcome<MemoryWatch> {
        MemoryWatch::start(self.driver_process().await?)
    }

    /// The driver's process, from which the browser's descend.
    pub(crate) async fn driver_process(&self) -> Outcome<u32> {
        let running = self.running.lock().await;
        let driver = running.as_ref().and_then(|running| running.browser.driver_process());
        driver.ok_or_else(|| trouble(format!("{}'s browser is closed", self.name)))
    }

    /// Saves what the page looks like as `name.png` among the scenario's artifacts.
    pub async fn picture(&self, name: &str) -> Outcome<PathBuf> {
        std::fs::create_dir_all(&self.artifacts)?;
        let file = self.artifacts.join(format!("{name}.png"));
        self.driver().await?.screenshot(&file).await?;
        Ok(file)
    }

    /// What the console has said until now, in all sessions.
    pub async fn console(&self) -> Outcome<Vec<Entry>> {
        let mut entries = self.earlier_entries();
        if let Some(running) = self.running.lock().await.as_ref() {
            entries.extend(running.console.entries(self.kind, &running.browser.driver).await?);
        }
        Ok(entries)
    }

    /// Allows console errors that contain `part`: those a scenario causes on purpose.
    pub fn tolerate(&self, part: &str) {
        self.tolerated.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(part.to_owned());
    }

    /// Fails if the console holds an error, or a violation of the policy, that was not caused on purpose.
    pub async fn check_console(&self) -> Outcome {
        let tolerated = self.tolerated.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let errors: Vec<String> = self
            .console()
            .await?
            .into_iter()
            .filter(|entry| entry.is_error && tolerated.iter().all(|part| !entry.text.contains(part)))
            .map(|entry| entry.text)
            .collect();
        if errors.is_empty() {
            return Ok(());
        }
        Err(trouble(format!("{}'s console has errors:\n{}", self.name, errors.join("\n"))))
    }

    /// Saves a picture and the console: what one wants to see after a failure.
    pub(crate) async fn save_evidence(&self) {
        let _ = self.picture(&format!("{}-failed", self.name)).await;
        let Ok(entries) = self.console().await else { return };
        let lines: String = entries
            .iter()
            .map(|entry| format!("{} {}\n", if entry.is_error { "ERROR" } else { "     " }, entry.text))
            .collect();
        let _ = std::fs::write(self.artifacts.join(format!("{}-console.txt", self.name)), lines);
    }

    async fn remember(&self) -> Outcome {
        if let Some(running) = self.running.lock().await.as_ref() {
            let entries = running.console.entries(self.kind, &running.browser.driver).await?;
            self.earlier.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(entries);
        }
        Ok(())
    }

    fn earlier_entries(&self) -> Vec<Entry> {
        self.earlier.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

/// Whether a download has its final name.
fn is_whole(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    !name.starts_with('.') && !name.ends_with(".crdownload") && !name.ends_with(".part")
}

/// A selector from names as the module's head describes them.
fn css(id: &str) -> String {
    let parts: Vec<String> = id
        .split_whitespace()
        .map(|part| {
            let (name, conditions) = part.split_at(part.find('[').unwrap_or(part.len()));
            format!("[data-testid=\"{name}\"]{conditions}")
        })
        .collect();
    parts.join(" ")
}
