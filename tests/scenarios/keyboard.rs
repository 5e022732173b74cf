//! A conversation with the keyboard alone, and what a screen reader is told of it.

use sotto_e2e::{Kind, Outcome, meet, scenario, trouble};
use thirtyfour::Key;

fn keys_only(name: &str, kind: Kind) -> Outcome {
    scenario(name, async |stage| {
        let anna = stage.person("Anna", kind).await?;
        let ben = stage.person("Ben", Kind::Chromium).await?;
        meet(&anna, &ben).await?;

        anna.has_focus_on("composer").await?;
        anna.press("First line").await?;
        anna.press_with(Key::Shift, Key::Enter).await?;
        anna.press("second line").await?;
        anna.press(Key::Enter).await?;
        anna.has_said("First line\nsecond line", "delivered").await?;
        ben.hears("First line\nsecond line").await?;
        anna.has_focus_on("composer").await?;
        // Enter alone sends nothing.
        anna.press(Key::Enter).await?;

        ben.say("Heard you").await?;
        anna.reads("announcer", "Heard you").await?;
        anna.sees_conversation(&["> First line\nsecond line", "Heard you"]).await?;

        // What is not sent stays, whatever one looks at meanwhile.
        anna.press("Not sent yet").await?;
        anna.tab_to("settings-open").await?;
        anna.press(Key::Enter).await?;
        anna.sees("settings").await?;
        anna.press(Key::Escape).await?;
        anna.sees_no("settings").await?;
        anna.tab_to("contact").await?;
        anna.press(Key::Enter).await?;
        anna.sees("chat").await?;
        if anna.value("composer").await? != "Not sent yet" {
            return Err(trouble("the draft is gone"));
        }

        anna.tab_to("chat-menu").await?;
        anna.press(Key::Enter).await?;
        anna.sees("rename-open").await?;
        anna.press(Key::Escape).await?;
        anna.sees_no("rename-open").await?;
        anna.sees("chat").await?;
        anna.press(Key::Enter).await?;
        anna.tab_to("rename-open").await?;
        anna.press(Key::Enter).await?;
        anna.tab_to("rename-input").await?;
        anna.press_with(Key::Control, "a").await?;
        anna.press("Benjamin").await?;
        anna.press(Key::Enter).await?;
        anna.reads_exactly("chat-name", &["Benjamin"]).await?;

        anna.tab_to("verify-open").await?;
        anna.press(Key::Enter).await?;
        anna.sees("safety-digits").await?;
        anna.press(Key::Escape).await?;
        anna.sees("chat").await?;
        anna.tab_to("skip").await?;
        anna.press(Key::Enter).await?;
        let main = anna.script("return document.activeElement?.id", vec![]).await?;
        if main == "main" { Ok(()) } else { Err(trouble(format!("skipping leads to {main}"))) }
    })
}

#[test]
fn keyboard_alone_in_chromium() -> Outcome {
    keys_only("keyboard_alone_in_chromium", Kind::Chromium)
}

#[test]
fn keyboard_alone_in_firefox() -> Outcome {
    keys_only("keyboard_alone_in_firefox", Kind::Firefox)
}
