//! The storage of a browser is full: it is said before anything is refused, what is refused stays in sight, nothing is
//! acknowledged that is not stored, and it goes on when there is room.

use serde_json::json;
use sotto_e2e::{
    Kind, LONG, Outcome, PATIENCE, Person, Review, Sample, accept, has_state, meet, offer, scenario, trouble,
    until,
};

const MIB: u64 = 1 << 20;

/// Lets the origin store so many bytes more than it does.
async fn leave_room(person: &Person, room: u64) -> Outcome {
    let used =
        person.script("return navigator.storage.estimate().then(({ usage }) => usage)", vec![]).await?;
    let used = used.as_u64().ok_or_else(|| trouble("no estimate"))?;
    let quota = json!({ "origin": person.origin(), "quotaSize": used.saturating_add(room) });
    person.devtools("Storage.overrideQuotaForOrigin", quota).await
}

/// Tries to store something, in a database of its own; why that is refused.
const TRY: &str = "return new Promise((done) => {
    const request = indexedDB.open('attempt', 1);
    request.onupgradeneeded = () => request.result.createObjectStore('records');
    request.onerror = () => done(request.error?.name ?? 'refused');
    request.onsuccess = () => {
        const attempt = request.result.transaction('records', 'readwrite');
        attempt.objectStore('records').put(new Uint8Array(1000), 1);
        attempt.oncomplete = () => { request.result.close(); done(null); };
        attempt.onabort = () => { request.result.close(); done(attempt.error?.name ?? 'refused'); };
    };
})";

/// Lets it store nothing any more. Chromium asks again how much is left half a minute after it last did.
async fn fill(person: &Person) -> Outcome {
    let quota = json!({ "origin": person.origin(), "quotaSize": 1 });
    person.devtools("Storage.overrideQuotaForOrigin", quota).await?;
    until("the storage to be full", 3 * PATIENCE, async || {
        Ok((person.script(TRY, vec![]).await? == "QuotaExceededError").then_some(()))
    })
    .await
}

/// Lets it store what the disk holds.
async fn free(person: &Person) -> Outcome {
    person.devtools("Storage.overrideQuotaForOrigin", json!({ "origin": person.origin() })).await
}

#[test]
fn full_storage() -> Outcome {
    scenario("full_storage", async |stage| {
        let anna = stage.person("Anna", Kind::Chromium).await?;
        let ben = stage.person("Ben", Kind::Chromium).await?;
        meet(&anna, &ben).await?;
        anna.say("Before it").await?;
        ben.hears("Before it").await?;
        let mut review = Review::begin()?;

        // It is told before anything is refused.
        ben.sees_no("storage-low").await?;
        leave_room(&ben, 20 * MIB).await?;
        ben.reload().await?;
        ben.sees("storage-low").await?;
        ben.sees("chat").await?;
        review.look_at(&ben, "storage-low").await?;

        // What does not fit is not begun.
        let file = Sample::write(&stage.directory().join("originals"), "large.bin", 24 * MIB)?;
        ben.sees_route("direct").await?;
        offer(&anna, &[&file]).await?;
        accept(&ben, "large.bin").await?;
        ben.sees("notice[data-kind=\"no-room-for\"]").await?;
        has_state(&ben, "large.bin", "offered", PATIENCE).await?;
        has_state(&anna, "large.bin", "offered", PATIENCE).await?;

        // Nothing can be stored.
        fill(&ben).await?;
        ben.type_into("composer", "Kept in sight").await?;
        ben.click("send").await?;
        ben.sees("storage-full").await?;
        ben.reads("unstored-text", "Kept in sight").await?;
        anna.say("Not acknowledged").await?;
        anna.has_said("Not acknowledged", "sent").await?;
        review.look_at(&ben, "storage-full").await?;
        if !ben.would_be_asked_to_stay().await? {
            return Err(trouble("the page can be left without a question"));
        }
        ben.click("store-again").await?;
        ben.sees("storage-full").await?;
        if anna.conversation().await? != ["> Before it", "> Not acknowledged"]
            || ben.conversation().await? != ["Before it"]
        {
            return Err(trouble("something was sent or shown that is not stored"));
        }
        anna.has_said("Not acknowledged", "sent").await?;

        free(&ben).await?;
        ben.click("store-again").await?;
        ben.sees_no("storage-full").await?;
        ben.has_said("Kept in sight", "delivered").await?;
        ben.sees_no("unstored").await?;
        anna.hears("Kept in sight").await?;
        ben.hears("Not acknowledged").await?;
        anna.has_said("Not acknowledged", "delivered").await?;
        accept(&ben, "large.bin").await?;
        has_state(&ben, "large.bin", "verified", LONG).await?;

        // It goes on by itself as well.
        fill(&ben).await?;
        ben.type_into("composer", "By itself").await?;
        ben.click("send").await?;
        ben.sees("storage-full").await?;
        free(&ben).await?;
        ben.has_said("By itself", "delivered").await?;
        ben.sees_no("storage-full").await?;
        review.finish()
    })
}
