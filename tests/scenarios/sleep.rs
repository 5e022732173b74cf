//! A laptop is closed while two talk, and opened again: what was said in the meantime comes in order, once, both see
//! truthfully how things stand, and the direct path comes back.

use serde_json::json;
use sotto_e2e::{Kind, Outcome, Person, meet, scenario};

/// Afterwards everything is as if nobody had slept.
async fn goes_on(anna: &Person, ben: &Person) -> Outcome {
    ben.sees_conversation(&["> Good night", "Are you asleep?", "It seems so"]).await?;
    for text in ["Are you asleep?", "It seems so"] {
        anna.has_said(text, "delivered").await?;
    }
    anna.sees_route("direct").await?;
    ben.sees_route("direct").await?;
    ben.say("Good morning").await?;
    anna.hears("Good morning").await?;
    ben.has_said("Good morning", "delivered").await?;
    anna.say("Slept well?").await?;
    ben.hears("Slept well?").await?;
    anna.has_said("Slept well?", "delivered").await?;
    anna.sees_conversation(&[
        "Good night",
        "> Are you asleep?",
        "> It seems so",
        "Good morning",
        "> Slept well?",
    ])
    .await?;
    ben.sees_conversation(&[
        "> Good night",
        "Are you asleep?",
        "It seems so",
        "> Good morning",
        "Slept well?",
    ])
    .await?;
    ben.has_said("Good night", "delivered").await
}

/// What the one who stays awake sees: the server keeps what is said.
async fn talks_to_a_sleeper(anna: &Person) -> Outcome {
    anna.say("Are you asleep?").await?;
    anna.say("It seems so").await?;
    for text in ["Are you asleep?", "It seems so"] {
        anna.has_said(text, "sent").await?;
    }
    Ok(())
}

/// The browser stands still, as everything in a sleeping laptop; in the meantime its connection to the server is
/// forgotten on the way, so that it wakes with one that looks open.
fn closed_lid(name: &str, kind: Kind) -> Outcome {
    scenario(name, async |stage| {
        let proxy = stage.proxy().await?;
        let anna = stage.person("Anna", Kind::Chromium).await?;
        let ben = stage.person_at("Ben", kind, &proxy.origin()).await?;
        // What Firefox says when it gives up a direct path, and when the page gives up a dead connection.
        for part in ["WebRTC: ICE failed", "was interrupted while the page was loading"] {
            ben.tolerate(part);
        }
        meet(&anna, &ben).await?;
        ben.say("Good night").await?;
        anna.hears("Good night").await?;

        let sleep = ben.fall_asleep().await?;
        proxy.forget();
        talks_to_a_sleeper(&anna).await?;
        // The direct path is dead, and known to be; now and then another is tried.
        anna.loses_route("direct").await?;
        anna.picture("asleep").await?;
        sleep.end();
        goes_on(&anna, &ben).await?;
        ben.picture("awake").await?;
        Ok(())
    })
}

#[test]
fn sleep_in_chromium() -> Outcome {
    closed_lid("sleep_in_chromium", Kind::Chromium)
}

#[test]
fn sleep_in_firefox() -> Outcome {
    closed_lid("sleep_in_firefox", Kind::Firefox)
}

/// A browser freezes pages that are not looked at: the page stands still, its connections do not.
#[test]
fn frozen_page() -> Outcome {
    scenario("frozen_page", async |stage| {
        let anna = stage.person("Anna", Kind::Chromium).await?;
        let ben = stage.person("Ben", Kind::Chromium).await?;
        meet(&anna, &ben).await?;
        ben.say("Good night").await?;
        anna.hears("Good night").await?;

        // What Chromium says when it ends a frozen page's connections.
        ben.tolerate("Page entered Back-Forward Cache");
        ben.devtools("Page.setWebLifecycleState", json!({ "state": "frozen" })).await?;
        talks_to_a_sleeper(&anna).await?;
        ben.devtools("Page.setWebLifecycleState", json!({ "state": "active" })).await?;
        goes_on(&anna, &ben).await
    })
}
