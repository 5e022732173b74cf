//! A link on its way to somebody: copied, shared, shown as a code, withdrawn; and asked for again.

use serde_json::json;
use sotto_e2e::{Kind, Outcome, Person, Review, scenario, trouble};

/// A headless browser has no clipboard of its own to look into, and nobody to answer a share sheet.
const RECORD: &str = "
    globalThis.copied = [];
    globalThis.shared = [];
    Object.defineProperty(Clipboard.prototype, 'writeText', { value: async (text) => { copied.push(text); } });
    Object.defineProperty(Navigator.prototype, 'share', { configurable: true, value: async (data) => { shared.push(data); } });";

async fn last_of(person: &Person, what: &str) -> Outcome<serde_json::Value> {
    person
        .patiently(what, async || {
            let last = person.script(&format!("return {what}.at(-1) ?? null"), vec![]).await?;
            Ok((!last.is_null()).then_some(last))
        })
        .await
}

#[test]
fn sharing_links() -> Outcome {
    scenario("sharing_links", async |stage| {
        let anna = stage.person("Anna", Kind::Chromium).await?;
        let ben = stage.person("Ben", Kind::Chromium).await?;
        for person in [&anna, &ben] {
            person.preload(RECORD).await?;
        }
        let link = anna.create_link("Anna").await?;
        anna.click("copy-link").await?;
        if last_of(&anna, "copied").await? != json!(link) {
            return Err(trouble("something else was copied"));
        }
        anna.click("share-link").await?;
        let shared = last_of(&anna, "shared").await?;
        if shared["url"] != json!(link) || !shared["text"].is_string() {
            return Err(trouble(format!("shared was {shared}")));
        }
        anna.sees_visible("invite-qr").await?;
        anna.sees_visible("invite-expires").await?;

        // Another app's web view is told to be one; the link still works there.
        let agent = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36 Instagram 300.0";
        ben.devtools("Emulation.setUserAgentOverride", json!({ "userAgent": agent })).await?;
        ben.open_link(&link, "Anna").await?;
        ben.sees_visible("in-app-browser").await?;

        anna.click("revoke-link").await?;
        ben.reload().await?;
        ben.tolerate("410 (Gone)");
        ben.is_refused(&link, "gone").await?;
        let mut review = Review::begin()?;
        review.look_at(&ben, "refused").await?;
        ben.click("ask-new-link").await?;
        let asked = last_of(&ben, "shared").await?;
        if !asked["text"].as_str().is_some_and(|text| text.contains("new one")) {
            return Err(trouble(format!("asked was {asked}")));
        }
        // Where nothing can be shared, the request is copied.
        ben.script("delete Navigator.prototype.share", vec![]).await?;
        ben.click("ask-new-link").await?;
        ben.sees("notice[data-kind=\"request-copied\"]").await?;
        ben.click("notice-close").await?;
        ben.sees_no("notice").await?;
        ben.click("card-close").await?;
        ben.sees("welcome").await?;

        stage.server.kill().await?;
        ben.tolerate("net::ERR_");
        anna.tolerate("net::ERR_");
        ben.fill("paste-link", &link).await?;
        ben.click("open-link").await?;
        ben.sees_refusal("unreachable").await?;
        stage.server.start_again().await?;
        ben.click("try-again").await?;
        ben.sees_refusal("gone").await?;
        review.finish()
    })
}
