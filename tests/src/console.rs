//! What a browser complains about in its console, refusals by the Content-Security-Policy included.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt;
use serde_json::json;
use thirtyfour::WebDriver;
use thirtyfour::bidi::BiDi;
use thirtyfour::bidi::events::LogEntryAdded;
use thirtyfour::bidi::modules::log::LogLevel;

use crate::browser::Kind;
use crate::wait::Outcome;

/// One line of a console.
#[derive(Debug, Clone)]
pub struct Entry {
    /// It is an error: an uncaught exception, a failed load, a violation, `console.error`.
    pub is_error: bool,
    /// The text, with where it comes from.
    pub text: String,
}

/// Collects the entries of one browser session.
pub struct Console {
    entries: Arc<Mutex<Vec<Entry>>>,
    // Dropped, it ends the subscription. Firefox only.
    bidi: Option<BiDi>,
}

/// Firefox tells of violations neither through its driver nor as events; a page can hear of its own, though.
const TELL_VIOLATIONS: &str = "() => globalThis.addEventListener?.('securitypolicyviolation', (event) => \
    console.error('Content-Security-Policy violated:', event.violatedDirective, event.blockedURI, event.sample, event.sourceFile, event.lineNumber))";

impl Console {
    /// Begins to listen.
    pub async fn listen(kind: Kind, driver: &WebDriver) -> Outcome<Console> {
        let entries: Arc<Mutex<Vec<Entry>>> = Arc::default();
        let bidi = match kind {
            Kind::Chromium => None,
            Kind::Firefox => {
                let bidi = driver.bidi().await?;
                let mut stream = bidi.subscribe::<LogEntryAdded>().await?;
                bidi.script().add_preload_script(TELL_VIOLATIONS).await?;
                let entries = Arc::clone(&entries);
                tokio::spawn(async move {
                    while let Some(entry) = stream.next().await {
                        let entry = Entry {
                            is_error: entry.level == LogLevel::Error,
                            text: entry.text.unwrap_or_default(),
                        };
                        entries.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
                    }
                });
                Some(bidi)
            }
        };
        Ok(Console { entries, bidi })
    }

    /// Runs `script` in every page that is opened from now on, before the page's own.
    pub async fn preload(&self, driver: &WebDriver, script: &str) -> Outcome {
        match &self.bidi {
            Some(bidi) => {
                bidi.script().add_preload_script(format!("() => {{ {script} }}")).await?;
            }
            None => {
                let parameters = json!({ "source": script });
                driver.cdp().send_raw("Page.addScriptToEvaluateOnNewDocument", parameters).await?;
            }
        }
        Ok(())
    }

    /// Everything said until now.
    pub async fn entries(&self, kind: Kind, driver: &WebDriver) -> Outcome<Vec<Entry>> {
        match kind {
            // The driver forgets what it has told once.
            Kind::Chromium => {
                let fresh = driver.browser_log().await?;
                let fresh = fresh
                    .into_iter()
                    .map(|entry| Entry { is_error: entry.level == "SEVERE", text: entry.message });
                let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
                entries.extend(fresh);
                Ok(entries.clone())
            }
            // Events come in order: when this answer is there, so is what was said before it.
            Kind::Firefox => {
                if let Some(bidi) = &self.bidi {
                    bidi.session().status().await?;
                }
                Ok(self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone())
            }
        }
    }
}
