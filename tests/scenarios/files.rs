//! Files of awkward sizes and names, and one of 100 MiB: offered, accepted, sent, saved, and the same bytes as before.
//! Declined and cancelled ones end on both sides, and what comes after them goes through.

use std::time::Duration;

use serde_json::json;
use sotto_e2e::{
    Kind, LONG, Outcome, PATIENCE, Person, Sample, Stage, accept, file_card, has_state, meet, offer,
    save_and_compare, scenario, trouble,
};

const BIG: u64 = 100 << 20;

/// A file larger than all that a page may hold while it passes. Chromium collects the buffers that have passed only
/// when some hundred MiB of them have gathered, however large the file; a page that kept the file would grow by its size.
const HUGE: u64 = 512 << 20;
const MAY_GROW: u64 = 192 << 20;

/// Headless browsers have nobody to answer a save picker: without one, pages save by download.
const NO_PICKER: &str = "Object.defineProperty(globalThis, 'showSaveFilePicker', { value: undefined });";

/// A picker that writes down what it was asked, and picks a real file handle.
const PICKER: &str = "globalThis.showSaveFilePicker = async (options) => {
    globalThis.askedToSave = options;
    const directory = await navigator.storage.getDirectory();
    return directory.getFileHandle('picked', { create: true });
};";

/// Spaces, an emoji of several code points, Hebrew; and marks that would turn the end of the name around.
const AWKWARD: &str = "a \u{202E}gpj\u{200F} שלום 👩\u{200D}💻 \u{2067}x\u{2069}.bin";
/// What people are shown, and saved files are called.
const AWKWARD_SHOWN: &str = "a gpj שלום 👩\u{200D}💻 x.bin";

async fn couple(stage: &mut Stage, sender: Kind, receiver: Kind) -> Outcome<[std::sync::Arc<Person>; 2]> {
    let sender = stage.person("Anna", sender).await?;
    let receiver = stage.person("Ben", receiver).await?;
    for person in [&sender, &receiver] {
        if person.kind == Kind::Chromium {
            person.preload(NO_PICKER).await?;
        }
    }
    meet(&sender, &receiver).await?;
    Ok([sender, receiver])
}

/// Offers, accepts, waits until both see it verified, saves.
async fn hand_over(sender: &Person, receiver: &Person, file: &Sample, shown: &str) -> Outcome {
    offer(sender, &[file]).await?;
    accept(receiver, shown).await?;
    has_state(receiver, shown, "verified", LONG).await?;
    has_state(sender, shown, "verified", PATIENCE).await?;
    save_and_compare(receiver, shown, file).await
}

fn all_sizes(name: &str, from: Kind, to: Kind) -> Outcome {
    scenario(name, async |stage| {
        let [sender, receiver] = couple(stage, from, to).await?;
        let directory = stage.directory().join("originals");

        let sizes = [0, 1, 65_535, 65_536, 65_537];
        let small: Vec<Sample> = sizes
            .into_iter()
            .map(|size| Sample::write(&directory, &format!("{size} bytes.bin"), size))
            .collect::<Outcome<_>>()?;
        offer(&sender, &small.iter().collect::<Vec<_>>()).await?;
        for file in &small {
            let card = file_card(&receiver, &file.name).await?;
            let told = receiver.attributes(&format!("{card} file-size"), "data-bytes").await?;
            if told != [Some(file.size.to_string())] {
                return Err(trouble(format!("{} is said to have {told:?} bytes", file.name)));
            }
            receiver.click(&format!("{card} file-accept")).await?;
        }
        for file in &small {
            has_state(&receiver, &file.name, "verified", PATIENCE).await?;
            has_state(&sender, &file.name, "verified", PATIENCE).await?;
            save_and_compare(&receiver, &file.name, file).await?;
        }

        let awkward = Sample::write(&directory, AWKWARD, 100_000)?;
        hand_over(&sender, &receiver, &awkward, AWKWARD_SHOWN).await?;

        let big = Sample::write(&directory, "big.bin", BIG)?;
        hand_over(&sender, &receiver, &big, &big.name).await?;
        // And back over the same link.
        let back = Sample::write(&directory, "back.bin", 200_001)?;
        hand_over(&receiver, &sender, &back, &back.name).await
    })
}

#[test]
fn files_from_chromium_to_chromium() -> Outcome {
    all_sizes("files_from_chromium_to_chromium", Kind::Chromium, Kind::Chromium)
}

#[test]
fn files_from_chromium_to_firefox() -> Outcome {
    all_sizes("files_from_chromium_to_firefox", Kind::Chromium, Kind::Firefox)
}

#[test]
fn files_from_firefox_to_chromium() -> Outcome {
    all_sizes("files_from_firefox_to_chromium", Kind::Firefox, Kind::Chromium)
}

/// Waits until a transfer runs: there are bytes on the other side, and not all.
async fn is_under_way(person: &Person, name: &str) -> Outcome {
    let bar = format!("{} file-progress", file_card(person, name).await?);
    person
        .patiently(&format!("{name:?} under way"), async || {
            let percent = person.attributes(&bar, "aria-valuenow").await?;
            let percent: Option<u32> = percent.first().and_then(|value| value.as_ref()?.parse().ok());
            Ok(percent.is_some_and(|percent| percent > 0).then_some(()))
        })
        .await
}

async fn both_see(people: [&Person; 2], name: &str, state: &str, patience: Duration) -> Outcome {
    for person in people {
        has_state(person, name, state, patience).await?;
    }
    Ok(())
}

fn given_up(name: &str, from: Kind, to: Kind) -> Outcome {
    scenario(name, async |stage| {
        let [sender, receiver] = couple(stage, from, to).await?;
        let people = [&*sender, &*receiver];
        let directory = stage.directory().join("originals");

        let declined = Sample::write(&directory, "declined.bin", 10)?;
        offer(&sender, &[&declined]).await?;
        let card = file_card(&receiver, &declined.name).await?;
        receiver.click(&format!("{card} file-decline")).await?;
        both_see(people, &declined.name, "declined", PATIENCE).await?;

        let withdrawn = Sample::write(&directory, "withdrawn.bin", 10)?;
        offer(&sender, &[&withdrawn]).await?;
        file_card(&receiver, &withdrawn.name).await?;
        let card = file_card(&sender, &withdrawn.name).await?;
        sender.click(&format!("{card} file-cancel")).await?;
        both_see(people, &withdrawn.name, "cancelled", PATIENCE).await?;

        for (name, who) in [("stopped by Anna.bin", &sender), ("stopped by Ben.bin", &receiver)] {
            let file = Sample::write(&directory, name, BIG)?;
            offer(&sender, &[&file]).await?;
            accept(&receiver, name).await?;
            is_under_way(who, name).await?;
            let card = file_card(who, name).await?;
            who.click(&format!("{card} file-cancel")).await?;
            both_see(people, name, "cancelled", PATIENCE).await?;
            // Nothing of it stays in the receiver's storage, and the next file is not held up.
            let script = "const names = [];
                const directory = await navigator.storage.getDirectory();
                const look = async (inside) => {
                    for await (const [name, handle] of inside.entries()) {
                        if (handle.kind === 'directory') await look(handle); else names.push(name);
                    }
                };
                await look(directory);
                return names;";
            receiver
                .patiently("nothing left of a cancelled file", async || {
                    let left =
                        receiver.script(&format!("return (async () => {{ {script} }})()"), vec![]).await?;
                    Ok((left == json!([])).then_some(()))
                })
                .await?;
        }
        let last = Sample::write(&directory, "after all.bin", 300_000)?;
        offer(&sender, &[&last]).await?;
        accept(&receiver, &last.name).await?;
        both_see(people, &last.name, "verified", PATIENCE).await
    })
}

#[test]
fn files_given_up_in_chromium() -> Outcome {
    given_up("files_given_up_in_chromium", Kind::Chromium, Kind::Chromium)
}

#[test]
fn files_given_up_by_firefox() -> Outcome {
    given_up("files_given_up_by_firefox", Kind::Chromium, Kind::Firefox)
}

#[test]
fn files_do_not_fill_memory() -> Outcome {
    scenario("files_do_not_fill_memory", async |stage| {
        let [sender, receiver] = couple(stage, Kind::Chromium, Kind::Chromium).await?;
        let huge = Sample::write(&stage.directory().join("originals"), "huge.bin", HUGE)?;
        let memory = [sender.watch_memory().await?, receiver.watch_memory().await?];
        offer(&sender, &[&huge]).await?;
        accept(&receiver, &huge.name).await?;
        both_see([&sender, &receiver], &huge.name, "verified", LONG).await?;
        for (person, memory) in [&sender, &receiver].into_iter().zip(memory) {
            let growth = memory.growth().await;
            println!("{}'s page grew by {} MiB while {} MiB passed", person.name, growth >> 20, HUGE >> 20);
            if growth > MAY_GROW {
                return Err(trouble(format!("{}'s page grew by {} MiB", person.name, growth >> 20)));
            }
        }
        Ok(())
    })
}

/// Where there is a save picker it is asked, by the file's name, and the bytes go to where it says.
#[test]
fn files_are_saved_where_the_picker_says() -> Outcome {
    scenario("files_are_saved_where_the_picker_says", async |stage| {
        let sender = stage.person("Anna", Kind::Chromium).await?;
        let receiver = stage.person("Ben", Kind::Chromium).await?;
        receiver.preload(PICKER).await?;
        meet(&sender, &receiver).await?;
        let file = Sample::write(&stage.directory().join("originals"), AWKWARD, 3_000_000)?;
        offer(&sender, &[&file]).await?;
        accept(&receiver, AWKWARD_SHOWN).await?;
        has_state(&receiver, AWKWARD_SHOWN, "verified", PATIENCE).await?;
        let card = file_card(&receiver, AWKWARD_SHOWN).await?;
        receiver.click(&format!("{card} file-save")).await?;
        let asked = receiver
            .patiently("asked where to save", async || {
                let asked = receiver.script("return globalThis.askedToSave?.suggestedName", vec![]).await?;
                Ok(asked.as_str().map(str::to_owned))
            })
            .await?;
        if asked != AWKWARD_SHOWN {
            return Err(trouble(format!("the picker was asked for {asked:?}")));
        }
        let digest: String = file.digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let script = "return (async () => {
            const directory = await navigator.storage.getDirectory();
            const file = await (await directory.getFileHandle('picked')).getFile();
            const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
            return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
        })()";
        receiver
            .patiently("the same bytes in the picked file", async || {
                Ok((receiver.script(script, vec![]).await? == json!(digest)).then_some(()))
            })
            .await
    })
}
