//! Handing files over, as people do it: pick, look, send; accept; save.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::person::Person;
use crate::sample::{Sample, digest_of};
use crate::wait::{Outcome, trouble, until};

/// How long a large file may take on a slow machine.
pub const LONG: Duration = Duration::from_secs(200);

/// The message that carries the file `name`, once it is on the screen: a name for elements inside it.
///
/// # Errors
///
/// When it does not come.
pub async fn file_card(person: &Person, name: &str) -> Outcome<String> {
    let script = "return [...document.querySelectorAll('[data-testid=message]')]
        .find((message) => message.querySelector('[data-testid=file-name]')?.textContent === arguments[0])
        ?.dataset.id ?? null";
    person
        .patiently(&format!("the file {name:?}"), async || {
            let id = person.script(script, vec![json!(name)]).await?;
            Ok(id.as_str().map(|id| format!("message[data-id=\"{id}\"]")))
        })
        .await
}

/// Picks files and offers them.
///
/// # Errors
///
/// When the page does not let one.
pub async fn offer(sender: &Person, files: &[&Sample]) -> Outcome {
    let attach = sender.element("attach").await?;
    sender
        .patiently("an enabled button for files", async || Ok(attach.is_enabled().await?.then_some(())))
        .await?;
    let paths: Vec<&Path> = files.iter().map(|file| file.path.as_path()).collect();
    sender.upload("file-input", &paths).await?;
    sender
        .patiently("all picked files in the sheet", async || {
            Ok((sender.texts("sheet-file").await?.len() == files.len()).then_some(()))
        })
        .await?;
    sender.click("sheet-send").await
}

/// Waits until the file `name` has a state on somebody's screen.
///
/// # Errors
///
/// When it takes longer than `patience`, telling which state it had instead.
pub async fn has_state(person: &Person, name: &str, state: &str, patience: Duration) -> Outcome {
    let card = format!("{} file-card", file_card(person, name).await?);
    until(&format!("{} to see {name:?} {state}", person.name), patience, async || {
        let states = person.attributes(&card, "data-state").await?;
        match states.first() {
            Some(Some(seen)) if seen == state => Ok(Some(())),
            seen => Err(trouble(format!("it is {seen:?}"))),
        }
    })
    .await
}

/// Accepts the file `name`.
///
/// # Errors
///
/// When it is not offered.
pub async fn accept(receiver: &Person, name: &str) -> Outcome {
    let card = file_card(receiver, name).await?;
    receiver.click(&format!("{card} file-accept")).await
}

/// A name without what browsers replace in names of downloads, each in its way.
fn plain(name: &str) -> String {
    name.chars().filter(|sign| !matches!(sign, '_' | '\u{200D}')).collect()
}

/// Saves a received file through the page as a download, and compares it with the original. `name` is what it is
/// called at the receiver.
///
/// # Errors
///
/// When it does not come, or is another file.
pub async fn save_and_compare(receiver: &Person, name: &str, original: &Sample) -> Outcome {
    let card = file_card(receiver, name).await?;
    receiver.click(&format!("{card} file-save")).await?;
    let saved = receiver.downloaded_anything(original.size, LONG).await?;
    let called = saved.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if plain(&called) != plain(name) {
        return Err(trouble(format!("{name:?} was saved as {called:?}")));
    }
    if digest_of(&saved)? != original.digest {
        return Err(trouble(format!("{name:?} was saved with other bytes than were sent")));
    }
    std::fs::remove_file(&saved)?;
    Ok(())
}
