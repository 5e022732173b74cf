//! Files dropped and pasted, what is seen of a transfer from elsewhere, and files deleted again.

use sotto_e2e::{
    Kind, LONG, Outcome, PATIENCE, Sample, accept, file_card, has_state, meet, offer, scenario, trouble,
};

/// Large enough to be looked at on its way.
const BIG: u64 = 200 << 20;

fn dropped(name: &str, kind: Kind) -> Outcome {
    scenario(name, async |stage| {
        let anna = stage.person("Anna", kind).await?;
        let ben = stage.person("Ben", Kind::Chromium).await?;
        meet(&anna, &ben).await?;

        let held = [("dropped.txt", "a few words")];
        anna.hold_files(&held).await?;
        anna.reads("drop-target", "Ben").await?;
        if !anna.drop_files(&held).await? {
            return Err(trouble("the browser would open the file itself"));
        }
        anna.sees_no("drop-target").await?;
        anna.reads("sheet-file", "dropped.txt").await?;
        anna.click("sheet-cancel").await?;
        anna.sees_no("file-sheet").await?;

        let pasted = [("pasted.txt", "seven b"), ("empty.txt", "")];
        if kind == Kind::Chromium {
            anna.paste_files(&pasted).await?;
        } else {
            // No script of a page can make an event of Firefox that holds files from a clipboard.
            anna.drop_files(&pasted).await?;
        }
        anna.patiently("both in the sheet", async || {
            Ok((anna.texts("sheet-file").await?.len() == 2).then_some(()))
        })
        .await?;
        anna.click("sheet-send").await?;
        for pasted in ["pasted.txt", "empty.txt"] {
            accept(&ben, pasted).await?;
            has_state(&ben, pasted, "verified", PATIENCE).await?;
            has_state(&anna, pasted, "verified", PATIENCE).await?;
        }

        if anna.would_be_asked_to_stay().await? {
            return Err(trouble("asked to stay though nothing moves"));
        }
        let big = Sample::write(&stage.directory().join("originals"), "big.bin", BIG)?;
        offer(&anna, &[&big]).await?;
        accept(&ben, &big.name).await?;
        anna.has_title(|title| title.contains('%') && title.contains("big.bin"), "with the progress").await?;
        ben.has_title(|title| title.contains('%'), "with the progress").await?;
        let card = file_card(&ben, &big.name).await?;
        ben.reads(&format!("{card} file-speed"), "/s").await?;
        for person in [&anna, &ben] {
            if !person.would_be_asked_to_stay().await? {
                return Err(trouble(format!("{} would leave without being asked", person.name)));
            }
        }
        ben.click(&format!("{card} file-cancel")).await?;
        has_state(&anna, &big.name, "cancelled", LONG).await?;
        for person in [&anna, &ben] {
            person.has_title(|title| !title.contains('%'), "without progress").await?;
            if person.would_be_asked_to_stay().await? {
                return Err(trouble(format!("{} is still asked to stay", person.name)));
            }
        }

        let card = file_card(&ben, "pasted.txt").await?;
        ben.click(&format!("{card} file-delete")).await?;
        has_state(&ben, "pasted.txt", "deleted", PATIENCE).await?;
        ben.sees_no(&format!("{card} file-save")).await
    })
}

#[test]
fn dropped_files_in_chromium() -> Outcome {
    dropped("dropped_files_in_chromium", Kind::Chromium)
}

#[test]
fn dropped_files_in_firefox() -> Outcome {
    dropped("dropped_files_in_firefox", Kind::Firefox)
}
