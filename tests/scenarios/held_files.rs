//! Files that wait for whoever comes by a link go to that person and nobody else, and are not lost unasked.

use serde_json::json;
use sotto_e2e::{Kind, Outcome, Person, meet, scenario, trouble};

/// Drops a file onto the page.
const DROP: &str = "const held = new DataTransfer();
    held.items.add(new File(['x'], arguments[0], { type: 'text/plain' }));
    window.dispatchEvent(new DragEvent('drop', { dataTransfer: held, bubbles: true, cancelable: true }));";

/// Whether the browser would ask before the page is left.
const WOULD_ASK: &str = "const leaving = new Event('beforeunload', { cancelable: true });
    window.dispatchEvent(leaving);
    return leaving.defaultPrevented;";

async fn asks_before_leaving(person: &Person, asks: bool) -> Outcome {
    person
        .patiently(&format!("leaving guarded: {asks}"), async || {
            Ok((person.script(WOULD_ASK, vec![]).await? == json!(asks)).then_some(()))
        })
        .await
}

#[test]
fn held_files() -> Outcome {
    scenario("held_files", async |stage| {
        let anna = stage.person("Anna", Kind::Chromium).await?;
        let ben = stage.person("Ben", Kind::Chromium).await?;
        meet(&anna, &ben).await?;
        asks_before_leaving(&anna, false).await?;

        // On the start page a file makes a link for whoever is to have it.
        anna.click("settings-open").await?;
        anna.sees("settings").await?;
        anna.script(DROP, vec![json!("for-cleo.txt")]).await?;
        anna.sees("invite[data-ready=\"true\"]").await?;
        anna.reads("invite", "for-cleo.txt").await?;
        let link = anna.value("invite-link").await?;
        asks_before_leaving(&anna, true).await?;

        // Neither Ben's conversation nor another link takes it.
        anna.click("contact").await?;
        anna.sees("chat").await?;
        anna.sees_no("file-sheet").await?;
        anna.create_another_link(&link).await?;
        anna.click("revoke-link").await?;
        anna.sees_no("invite").await?;
        anna.click("invite-row").await?;
        anna.reads("invite", "for-cleo.txt").await?;
        // More can be added.
        anna.script(DROP, vec![json!("also-for-cleo.txt")]).await?;
        anna.reads("invite", "also-for-cleo.txt").await?;

        let cleo = stage.person("Cleo", Kind::Firefox).await?;
        cleo.open_link(&link, "Anna").await?;
        cleo.accept("Cleo").await?;
        anna.confirm("Cleo").await?;
        anna.sees("file-sheet").await?;
        let names: Vec<String> = anna.texts("sheet-file").await?;
        if names.len() != 2 || !names.iter().all(|name| name.contains("for-cleo.txt")) {
            return Err(trouble(format!("offered is {names:?}")));
        }
        anna.reads("file-sheet", "Cleo").await?;
        anna.click("sheet-send").await?;
        cleo.sees("file-card").await?;
        asks_before_leaving(&anna, false).await?;

        // A folder is not swallowed.
        let folder = stage.directory().join("folder");
        std::fs::create_dir(&folder)?;
        for kind in ["dragEnter", "dragOver", "drop"] {
            let data = json!({ "items": [], "files": [folder], "dragOperationsMask": 1 });
            anna.devtools(
                "Input.dispatchDragEvent",
                json!({ "type": kind, "x": 600, "y": 400, "data": data }),
            )
            .await?;
        }
        anna.sees("notice[data-kind=\"folder-left-out\"]").await?;
        Ok(())
    })
}
