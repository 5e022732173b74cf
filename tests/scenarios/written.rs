//! What one writes is not lost: not when it cannot be sent, not by a reload, not by another tab. And every press has an
//! answer.

use serde_json::json;
use sotto_e2e::{Kind, Outcome, Person, scenario, trouble};

/// Puts a long text where one writes, as pasting does.
const LONG_TEXT: &str = "const field = document.querySelector('[data-testid=composer]');
    field.focus();
    field.select();
    document.execCommand('insertText', false, 'x'.repeat(arguments[0]));
    return field.value.length;";

/// How many records there are in the store of contacts and drafts.
const RECORDS: &str = "return (async () => {
    const answer = (request) => new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });
    const database = await answer(indexedDB.open('sotto'));
    const count = await answer(database.transaction('contact').objectStore('contact').count());
    database.close();
    return count;
})()";

/// Keeps from now on what the announcer is given to speak.
const LISTEN: &str = "window.spoken = [];
    new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach((node) => {
        if (node.nodeType === 1) window.spoken.push(node.textContent.replace(/[\\u2066-\\u2069]/g, ''));
    }))).observe(document.querySelector('[data-testid=announcer]'), { childList: true });";

/// Pastes a file where one writes; in Firefox, where no script can make such an event, drops it.
async fn paste_or_drop(person: &Person) -> Outcome {
    let files = [("pasted.txt", "x")];
    match person.kind {
        Kind::Chromium => person.paste_files(&files).await,
        Kind::Firefox => person.drop_files(&files).await.map(|_| ()),
    }
}

async fn has_written(person: &Person, length: usize) -> Outcome {
    person
        .patiently(&format!("{length} characters where one writes"), async || {
            let script = "return document.querySelector('[data-testid=composer]')?.value.length ?? -1";
            let seen = person.script(script, vec![]).await?;
            if seen == json!(length) { Ok(Some(())) } else { Err(trouble(format!("there are {seen}"))) }
        })
        .await
}

async fn keeps_records(person: &Person, count: usize) -> Outcome {
    person
        .patiently(&format!("{count} records of contacts and drafts"), async || {
            let seen = person.script(RECORDS, vec![]).await?;
            if seen == json!(count) { Ok(Some(())) } else { Err(trouble(format!("there are {seen}"))) }
        })
        .await
}

fn written(name: &str, kind: Kind) -> Outcome {
    scenario(name, async |stage| {
        let anna = stage.person("Anna", Kind::Chromium).await?;
        let ben = stage.person("Ben", kind).await?;
        let link = anna.create_link("Anna").await?;
        ben.open_link(&link, "Anna").await?;
        ben.accept("Ben").await?;

        // Before he is confirmed, no file can be sent; he is told.
        paste_or_drop(&ben).await?;
        ben.sees("notice[data-kind=\"no-files-now\"]").await?;
        ben.sees_no("file-sheet").await?;
        anna.confirm("Ben").await?;
        ben.sees("chat[data-standing=\"confirmed\"]").await?;
        paste_or_drop(&ben).await?;
        ben.click("sheet-cancel").await?;

        // Too long for one message: it stays where it was written, over a reload as well.
        ben.script(LONG_TEXT, vec![json!(60 * 1024)]).await?;
        ben.click("send").await?;
        ben.sees("notice[data-kind=\"text-too-long\"]").await?;
        has_written(&ben, 60 * 1024).await?;
        keeps_records(&ben, 2).await?;
        ben.reload().await?;
        has_written(&ben, 60 * 1024).await?;
        ben.script(LONG_TEXT, vec![json!(100)]).await?;
        ben.click("send").await?;
        let short = "x".repeat(100);
        ben.has_said(&short, "delivered").await?;
        keeps_records(&ben, 1).await?;

        // A draft is kept after a pause, and is there in another tab.
        ben.type_into("composer", "half a thought").await?;
        keeps_records(&ben, 2).await?;
        ben.open_tab("/").await?;
        ben.click("use-here").await?;
        ben.click("contact").await?;
        has_written(&ben, "half a thought".len()).await?;
        ben.click("send").await?;
        anna.hears("half a thought").await?;
        keeps_records(&ben, 1).await?;

        // The same words twice are two messages, also for who listens.
        anna.script(LISTEN, vec![]).await?;
        for _ in 0..2 {
            ben.type_into("composer", "Same").await?;
            ben.click("send").await?;
            has_written(&ben, 0).await?;
        }
        anna.sees_conversation(&[&short, "half a thought", "Same", "Same"]).await?;
        anna.patiently("both announced", async || {
            let spoken = anna.script("return window.spoken", vec![]).await?;
            if spoken == json!(["Ben: Same", "Ben: Same"]) {
                return Ok(Some(()));
            }
            Err(trouble(format!("announced was {spoken}")))
        })
        .await
    })
}

#[test]
fn written_in_chromium() -> Outcome {
    written("written_in_chromium", Kind::Chromium)
}

#[test]
fn written_in_firefox() -> Outcome {
    written("written_in_firefox", Kind::Firefox)
}

/// A suggestion stands still while people talk; the next one comes after something else has happened.
#[test]
fn suggestions() -> Outcome {
    scenario("suggestions", async |stage| {
        let anna = stage.person("Anna", Kind::Chromium).await?;
        let ben = stage.person("Ben", Kind::Firefox).await?;
        sotto_e2e::meet(&anna, &ben).await?;
        ben.say("One").await?;
        ben.has_said("One", "delivered").await?;
        ben.sees("suggestion[data-kind=\"persist\"]").await?;
        anna.say("Two").await?;
        ben.hears("Two").await?;
        ben.say("Three").await?;
        // Sent and not delivered, delivered, answered: it stands there all the time.
        anna.say("Four").await?;
        ben.hears("Four").await?;
        if ben.texts("suggestion[data-kind=\"persist\"]").await?.len() != 1 {
            return Err(trouble("the suggestion went away by itself"));
        }
        ben.has_said("Three", "delivered").await?;
        ben.click("suggestion-dismiss").await?;
        ben.sees_no("suggestion").await?;
        anna.say("Five").await?;
        ben.hears("Five").await?;
        ben.sees_no("suggestion").await?;
        ben.say("Six").await?;
        ben.sees("suggestion[data-kind=\"verify\"]").await?;
        Ok(())
    })
}
