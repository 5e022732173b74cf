//! Bytes of a browser's storage change by themselves, or by somebody's hand: what is damaged is told of and set aside,
//! and everything else goes on.

use serde_json::json;
use sotto_e2e::{Kind, Outcome, Person, Review, meet, scenario, trouble};

/// A page of the origin that runs nothing of ours.
const ELSEWHERE: &str = "/icon.svg";

/// Flips a bit of the values of an object store whose keys are so long, in bytes; of the last so many. Gives how many.
const BEND: &str = "const [store, length, most] = arguments;
    return (async () => {
        const answer = (request) => new Promise((resolve, reject) => {
            request.onsuccess = () => resolve(request.result);
            request.onerror = () => reject(request.error);
        });
        const database = await answer(indexedDB.open('sotto'));
        const records = database.transaction(store, 'readwrite').objectStore(store);
        const keys = (await answer(records.getAllKeys())).filter((key) => key.byteLength === length).slice(-most);
        for (const key of keys) {
            const value = await answer(records.get(key));
            value[value.length - 1] ^= 1;
            await answer(records.put(value, key));
        }
        database.close();
        return keys.length;
    })()";

/// How many records are set aside.
const ASIDE: &str = "return (async () => {
        const answer = (request) => new Promise((resolve, reject) => {
            request.onsuccess = () => resolve(request.result);
            request.onerror = () => reject(request.error);
        });
        const database = await answer(indexedDB.open('sotto'));
        const count = await answer(database.transaction('set-aside').objectStore('set-aside').count());
        database.close();
        return count;
    })()";

/// Closes the page, bends records, and opens it again.
async fn bend(person: &Person, records: &[(&str, usize, usize)]) -> Outcome {
    // For a picture alone a browser looks for an icon by the address of old.
    person.tolerate("/favicon.ico");
    person.driver().await?.goto(format!("{}{ELSEWHERE}", person.origin())).await?;
    for (store, length, most) in records {
        let bent = person.script(BEND, vec![json!(store), json!(length), json!(most)]).await?;
        if bent.as_u64().unwrap_or_default() == 0 {
            return Err(trouble(format!("nothing in {store} to bend")));
        }
    }
    person.open("/").await
}

async fn has_set_aside(person: &Person, count: usize) -> Outcome {
    let seen = person.script(ASIDE, vec![]).await?;
    if seen == json!(count) { Ok(()) } else { Err(trouble(format!("{seen} are set aside"))) }
}

fn damaged(name: &str, kind: Kind) -> Outcome {
    scenario(name, async |stage| {
        let anna = stage.person("Anna", Kind::Chromium).await?;
        let ben = stage.person("Ben", kind).await?;
        meet(&anna, &ben).await?;
        anna.say("Before it").await?;
        ben.hears("Before it").await?;
        ben.say("To be bent").await?;
        ben.has_said("To be bent", "delivered").await?;
        let mut review = if kind == Kind::Chromium { Some(Review::begin()?) } else { None };

        // A session and the newest message.
        bend(&ben, &[("session", 32, 9), ("message", 48, 1)]).await?;
        ben.sees("damage-line[data-part=\"session\"]").await?;
        has_set_aside(&ben, 1).await?;
        if let Some(review) = &mut review {
            review.look_at(&ben, "damage").await?;
        }
        ben.click("damage-dismiss").await?;
        ben.sees_no("damage").await?;
        ben.click("contact").await?;
        ben.sees("unreadable").await?;
        ben.hears("Before it").await?;
        if let Some(review) = &mut review {
            review.look_at(&ben, "unreadable").await?;
            ben.resize(1280, 800).await?;
        }
        anna.say("After it").await?;
        ben.hears("After it").await?;
        anna.has_said("After it", "delivered").await?;
        ben.say("So do I").await?;
        ben.has_said("So do I", "delivered").await?;
        ben.reload().await?;
        ben.sees("unreadable").await?;
        ben.sees_no("damage").await?;

        // All that is known of Anna but the history.
        bend(&ben, &[("contact", 16, 1)]).await?;
        ben.sees("damage-line[data-part=\"contact\"]").await?;
        ben.click("damage-dismiss").await?;
        ben.sees_no("contact").await?;
        let link = anna.create_another_link("").await?;
        ben.open_link(&link, "Anna").await?;
        ben.accept("Ben").await?;
        anna.click("contact").await?;
        anna.confirm("Ben").await?;
        ben.sees("chat[data-standing=\"confirmed\"]").await?;
        ben.say("Met anew").await?;
        anna.hears("Met anew").await?;
        ben.hears("Before it").await?;
        ben.hears("After it").await?;

        // Who he is.
        bend(&ben, &[("account", 8, 9)]).await?;
        ben.sees("start-failed[data-reason=\"storage-damaged\"]").await?;
        if let Some(review) = &mut review {
            review.look_at(&ben, "identity-damaged").await?;
        }
        ben.click("start-anew").await?;
        ben.click("anew-cancel").await?;
        ben.reload().await?;
        ben.click("start-anew").await?;
        ben.click("anew-confirm").await?;
        ben.sees("wiped").await?;
        ben.click("reload").await?;
        ben.sees("welcome").await?;
        review.map_or(Ok(()), Review::finish)
    })
}

#[test]
fn damaged_storage_in_chromium() -> Outcome {
    damaged("damaged_storage_in_chromium", Kind::Chromium)
}

#[test]
fn damaged_storage_in_firefox() -> Outcome {
    damaged("damaged_storage_in_firefox", Kind::Firefox)
}
