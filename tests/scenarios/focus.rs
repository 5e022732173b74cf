//! Who uses the keyboard, or listens, is where one has just gone: after a dialog where one was before, after a step to
//! another place in that place.

use serde_json::json;
use sotto_e2e::{Kind, Outcome, Person, meet, scenario, trouble};
use thirtyfour::Key;

async fn press_escape(person: &Person) -> Outcome {
    Ok(person.driver().await?.active_element().await?.send_keys(Key::Escape).await?)
}

/// Waits until the focus is on what goes by this selector, or inside of it.
async fn is_at(person: &Person, selector: &str) -> Outcome {
    person
        .patiently(&format!("the focus at {selector}"), async || {
            let script = "const here = document.activeElement;
                return here?.closest(arguments[0]) ? null : `${here?.tagName} ${here?.dataset.testid ?? here?.id}`";
            match person.script(script, vec![json!(selector)]).await?.as_str() {
                None => Ok(Some(())),
                Some(seen) => Err(trouble(format!("it is at {seen}"))),
            }
        })
        .await
}

fn focus(name: &str, kind: Kind) -> Outcome {
    scenario(name, async |stage| {
        let anna = stage.person("Anna", Kind::Chromium).await?;
        let ben = stage.person("Ben", kind).await?;
        meet(&anna, &ben).await?;

        // A dialog gives the focus back to what opened it, however it is closed.
        for dialog in ["rename", "remove"] {
            ben.click("chat-menu").await?;
            ben.click(if dialog == "rename" { "rename-open" } else { "remove-contact" }).await?;
            is_at(&ben, &format!("[data-testid={dialog}-dialog]")).await?;
            press_escape(&ben).await?;
            ben.sees_no(&format!("{dialog}-dialog")).await?;
            is_at(&ben, "[data-testid=chat-menu]").await?;
        }
        ben.click("chat-menu").await?;
        ben.click("rename-open").await?;
        ben.click("rename-save").await?;
        ben.sees_no("rename-dialog").await?;
        is_at(&ben, "[data-testid=chat-menu]").await?;

        // Where there is one column, too, keys work in the place one has come to.
        ben.resize(620, 800).await?;
        for _ in 0..2 {
            ben.click("verify-open").await?;
            ben.sees("app[data-screen=\"verify\"]").await?;
            is_at(&ben, "#main").await?;
            press_escape(&ben).await?;
            ben.sees("app[data-screen=\"chat\"]").await?;
            is_at(&ben, "#main").await?;
            press_escape(&ben).await?;
            ben.sees("app[data-screen=\"home\"]").await?;
            is_at(&ben, "[data-testid=contact]").await?;
            ben.click("settings-open").await?;
            ben.sees("app[data-screen=\"settings\"]").await?;
            is_at(&ben, "#main").await?;
            press_escape(&ben).await?;
            ben.sees("app[data-screen=\"home\"]").await?;
            is_at(&ben, "#side").await?;
            ben.click("contact").await?;
            ben.sees("app[data-screen=\"chat\"]").await?;
        }
        Ok(())
    })
}

#[test]
fn focus_in_chromium() -> Outcome {
    focus("focus_in_chromium", Kind::Chromium)
}

#[test]
fn focus_in_firefox() -> Outcome {
    focus("focus_in_firefox", Kind::Firefox)
}
