//! What one does with a conversation and with the whole app: verify, rename, remove, choose, delete everything.

use serde_json::json;
use sotto_e2e::{Kind, Outcome, Review, meet, scenario, trouble};
use thirtyfour::Key;

#[test]
fn keeping_order() -> Outcome {
    scenario("keeping_order", async |stage| {
        let anna = stage.person("Anna", Kind::Chromium).await?;
        let ben = stage.person("Ben", Kind::Firefox).await?;
        meet(&anna, &ben).await?;
        let mut review = Review::begin()?;

        // Both compare, and see the same.
        let mut digits = Vec::new();
        for person in [&anna, &ben] {
            person.click("verify-open").await?;
            person.sees_visible("safety-qr").await?;
            digits.push(person.texts("safety-digits").await?);
        }
        if digits.first() != digits.last() || digits.iter().flatten().all(String::is_empty) {
            return Err(trouble(format!("the numbers are {digits:?}")));
        }
        anna.click("verified-switch").await?;
        anna.sees("verified-switch[aria-checked=\"true\"]").await?;
        anna.reload().await?;
        anna.click("contact").await?;
        anna.click("verify-open").await?;
        anna.sees("verified-switch[aria-checked=\"true\"]").await?;
        if ben.attributes("verified-switch", "aria-checked").await? != [Some("false".to_owned())] {
            return Err(trouble("verified on the other side too"));
        }

        anna.driver().await?.back().await?;
        anna.click("chat-menu").await?;
        review.look_at(&anna, "menu").await?;
        anna.click("rename-open").await?;
        review.look_at(&anna, "rename").await?;
        anna.fill("rename-input", "Benjamin").await?;
        anna.click("rename-save").await?;
        anna.reads_exactly("chat-name", &["Benjamin"]).await?;
        ben.click("settings-open").await?;
        ben.fill("own-name", "Ben of the north").await?;
        ben.click("save-name").await?;
        ben.reads("save-name", "Saved").await?;
        // The name one gave oneself counts again where the other takes theirs back.
        anna.click("chat-menu").await?;
        anna.click("rename-open").await?;
        anna.click("rename-input").await?;
        anna.press_with(Key::Control, "a").await?;
        anna.press(Key::Backspace).await?;
        anna.click("rename-save").await?;
        anna.reads_exactly("chat-name", &["Ben of the north"]).await?;

        ben.click("theme-dark").await?;
        ben.reload().await?;
        ben.click("settings-open").await?;
        ben.sees("settings").await?;
        let theme = ben.script("return document.documentElement.dataset.theme", vec![]).await?;
        if theme != json!("dark") {
            return Err(trouble(format!("after a reload the theme is {theme}")));
        }
        ben.reads("storage-used", "used").await?;
        ben.sees_visible("version").await?;

        anna.resize(1280, 800).await?;
        anna.click("chat-menu").await?;
        anna.click("remove-contact").await?;
        review.look_at(&anna, "remove").await?;
        anna.click("remove-cancel").await?;
        anna.sees("chat").await?;
        anna.click("chat-menu").await?;
        anna.click("remove-contact").await?;
        anna.click("remove-confirm").await?;
        anna.sees_no("contact").await?;
        ben.sees("contact[data-standing=\"ended\"]").await?;

        ben.click("wipe").await?;
        ben.click("wipe-cancel").await?;
        ben.sees("settings").await?;
        ben.click("wipe").await?;
        ben.click("wipe-confirm").await?;
        ben.sees("wiped").await?;
        if ben.attributes("wiped", "data-reason").await? != [Some(String::new())] {
            return Err(trouble("not everything was deleted"));
        }
        let left = "return (async () => {
            const names = (await indexedDB.databases()).map(({ name }) => name);
            const directory = await navigator.storage.getDirectory();
            for await (const name of directory.keys()) names.push(name);
            return [...names, ...(await caches.keys())];
        })()";
        let left = ben.script(left, vec![]).await?;
        if left != json!([]) {
            return Err(trouble(format!("there is still {left}")));
        }
        ben.click("reload").await?;
        ben.sees("welcome").await?;
        review.finish()
    })
}
