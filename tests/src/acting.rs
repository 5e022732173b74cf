//! What people do with keys and with files they hold over the page.

use serde_json::{Value, json};
use thirtyfour::Key;

use crate::person::Person;
use crate::wait::{Outcome, trouble};

/// More elements than any page has to walk past.
const TABS: usize = 60;

impl Person {
    /// Presses keys, wherever the focus is.
    pub async fn press(&self, keys: impl Into<thirtyfour::TypingData>) -> Outcome {
        Ok(self.driver().await?.action_chain().send_keys(keys).perform().await?)
    }

    /// Presses a key while another is held down.
    pub async fn press_with(&self, held: Key, key: impl Into<thirtyfour::TypingData>) -> Outcome {
        let chain = self.driver().await?.action_chain();
        Ok(chain.key_down(held.clone()).send_keys(key).key_up(held).perform().await?)
    }

    /// The `data-testid` of what has the focus; empty if it is none of those.
    pub async fn focused(&self) -> Outcome<String> {
        let id = self.script("return document.activeElement?.dataset.testid ?? ''", vec![]).await?;
        Ok(id.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until something has the focus.
    pub async fn has_focus_on(&self, id: &str) -> Outcome {
        self.patiently(&format!("the focus on {id}"), async || {
            let focused = self.focused().await?;
            if focused == id { Ok(Some(())) } else { Err(trouble(format!("it is on {focused:?}"))) }
        })
        .await
    }

    /// Presses Tab, or Shift and Tab where it stands before, until something has the focus: never through the browser's
    /// own buttons, from which Firefox's driver does not come back.
    pub async fn tab_to(&self, id: &str) -> Outcome {
        let script = "const wanted = document.querySelector(`[data-testid=\"${arguments[0]}\"]`);
            return Boolean(document.activeElement.compareDocumentPosition(wanted) & Node.DOCUMENT_POSITION_PRECEDING)";
        self.sees(id).await?;
        let backwards = self.script(script, vec![json!(id)]).await? == Value::Bool(true);
        let mut passed = Vec::new();
        for _ in 0..TABS {
            if backwards {
                self.press_with(Key::Shift, Key::Tab).await?;
            } else {
                self.press(Key::Tab).await?;
            }
            let focused = self.focused().await?;
            if focused == id {
                return Ok(());
            }
            passed.push(focused);
        }
        Err(trouble(format!("Tab does not reach {id}, only {passed:?}")))
    }

    /// Drags files onto the middle of the page without letting go. Files are given by name and text.
    pub async fn hold_files(&self, files: &[(&str, &str)]) -> Outcome {
        let script = "for (const kind of ['dragenter', 'dragover']) document.body.dispatchEvent(
            new DragEvent(kind, { dataTransfer: held, bubbles: true, cancelable: true }))";
        self.with_files(files, script).await.map(|_| ())
    }

    /// Lets go of what [`Person::hold_files`] holds; whether the page took it.
    pub async fn drop_files(&self, files: &[(&str, &str)]) -> Outcome<bool> {
        let script = "return !document.body.dispatchEvent(
            new DragEvent('drop', { dataTransfer: held, bubbles: true, cancelable: true }))";
        Ok(self.with_files(files, script).await? == Value::Bool(true))
    }

    /// Pastes files into the composer.
    pub async fn paste_files(&self, files: &[(&str, &str)]) -> Outcome {
        let script = "document.querySelector('[data-testid=composer]').dispatchEvent(
            new ClipboardEvent('paste', { clipboardData: held, bubbles: true, cancelable: true }))";
        self.with_files(files, script).await.map(|_| ())
    }

    /// Runs a script that finds files in `held`. Firefox gives each script a scope of its own.
    async fn with_files(&self, files: &[(&str, &str)], script: &str) -> Outcome<Value> {
        let made = "const held = new DataTransfer();
            for (const [name, text] of arguments[0]) held.items.add(new File([text], name));";
        self.script(&format!("{made} {script}"), vec![json!(files)]).await
    }

    /// Whether the browser would ask before the page is left.
    pub async fn would_be_asked_to_stay(&self) -> Outcome<bool> {
        let script = "return !dispatchEvent(new Event('beforeunload', { cancelable: true }))";
        Ok(self.script(script, vec![]).await? == Value::Bool(true))
    }

    /// Waits until the page's title is something.
    pub async fn has_title(&self, is: impl Fn(&str) -> bool, what: &str) -> Outcome {
        self.patiently(&format!("the title {what}"), async || {
            let title = self.driver().await?.title().await?;
            if is(&title) { Ok(Some(())) } else { Err(trouble(format!("it is {title:?}"))) }
        })
        .await
    }
}
