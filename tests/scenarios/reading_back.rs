//! What came while one was elsewhere is counted and marked, and nobody is scrolled away from what they read.

use serde_json::json;
use sotto_e2e::{Kind, Outcome, Person, meet, scenario, trouble};

const TOP: &str = "return document.querySelector('[data-testid=timeline]').scrollTop";

async fn scroll_top(person: &Person) -> Outcome<f64> {
    Ok(person.script(TOP, vec![]).await?.as_f64().unwrap_or_default())
}

fn reads_back(name: &str, kind: Kind) -> Outcome {
    scenario(name, async |stage| {
        let anna = stage.person("Anna", Kind::Chromium).await?;
        let ben = stage.person("Ben", kind).await?;
        meet(&anna, &ben).await?;
        ben.say("I am off to the settings.").await?;
        anna.hears("I am off to the settings.").await?;

        ben.click("settings-open").await?;
        ben.sees("settings").await?;
        for text in ["One", "Two", "Three"] {
            anna.say(text).await?;
        }
        ben.reads("unread", "3").await?;
        ben.reads("contact-last", "Three").await?;
        ben.has_title(|title| title.contains('3'), "counting three").await?;
        ben.click("contact").await?;
        ben.hears("Three").await?;
        ben.sees("day").await?;
        let script = "const line = document.querySelector('[data-testid=new-messages]');
            const follows = (text) => line.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING;
            const texts = [...document.querySelectorAll('[data-testid=message-text]')];
            return line && texts.find(follows)?.textContent.trim()";
        ben.patiently("the line before the first new message", async || {
            let below = ben.script(script, vec![]).await?;
            if below == json!("One") {
                Ok(Some(()))
            } else {
                Err(trouble(format!("below it stands {below}")))
            }
        })
        .await?;
        ben.sees_no("unread").await?;
        ben.has_title(|title| !title.contains('3'), "without a count").await?;

        for number in 1..=25 {
            anna.say(&format!("Line {number} of something long enough to be scrolled.")).await?;
        }
        ben.hears("Line 25 of something long enough to be scrolled.").await?;
        ben.script("document.querySelector('[data-testid=timeline]').scrollTop = 40", vec![]).await?;
        ben.sees("jump").await?;
        let before = scroll_top(&ben).await?;
        anna.say("While you read").await?;
        anna.say("and once more").await?;
        ben.reads_exactly("jump-count", &["2"]).await?;
        let after = scroll_top(&ben).await?;
        if (after - before).abs() > 1.0 {
            return Err(trouble(format!("scrolled from {before} to {after}")));
        }
        ben.click("jump").await?;
        ben.sees_no("jump").await?;
        ben.patiently("the newest message in sight", async || {
            let script = "const all = document.querySelectorAll('[data-testid=message]');
                const box = all[all.length - 1].getBoundingClientRect();
                const frame = document.querySelector('[data-testid=timeline]').getBoundingClientRect();
                return box.bottom <= frame.bottom + 1 && box.top >= frame.top;";
            Ok((ben.script(script, vec![]).await? == json!(true)).then_some(()))
        })
        .await
    })
}

#[test]
fn reading_back_in_chromium() -> Outcome {
    reads_back("reading_back_in_chromium", Kind::Chromium)
}

#[test]
fn reading_back_in_firefox() -> Outcome {
    reads_back("reading_back_in_firefox", Kind::Firefox)
}
