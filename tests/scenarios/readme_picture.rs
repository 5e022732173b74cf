//! The picture of the README, taken again: `cargo test --workspace --test e2e readme_picture -- --ignored` leaves its halves
//! among the artifacts.

use serde_json::json;
use sotto_e2e::{Kind, LONG, Outcome, Person, Sample, accept, has_state, meet, offer, scenario};

const MIB: u64 = 1 << 20;

/// A screen with finer points than the one that scenarios have.
async fn screen(person: &Person, width: u32, height: u32) -> Outcome {
    let metrics =
        json!({ "width": width, "height": height, "deviceScaleFactor": 1.5, "mobile": width < 500 });
    person.devtools("Emulation.setDeviceMetricsOverride", metrics).await
}

#[test]
#[ignore = "makes a picture, proves nothing"]
fn readme_picture() -> Outcome {
    scenario("readme_picture", async |stage| {
        let anna = stage.person("Anna", Kind::Chromium).await?;
        let ben = stage.person("Ben", Kind::Chromium).await?;
        screen(&anna, 1160, 720).await?;
        ben.touch().await?;
        screen(&ben, 340, 720).await?;
        meet(&anna, &ben).await?;
        ben.say("Hi Anna, it worked: one click and I am in.").await?;
        anna.hears("Hi Anna, it worked: one click and I am in.").await?;
        anna.say("Good to see you here! Nobody in between now.").await?;
        anna.say("Shall I send you the recordings?").await?;
        ben.hears("Shall I send you the recordings?").await?;
        ben.say("Yes please, all of them").await?;
        anna.hears("Yes please, all of them").await?;
        let file = Sample::write(&stage.directory().join("originals"), "Interview, part 1.flac", 24 * MIB)?;
        offer(&anna, &[&file]).await?;
        accept(&ben, "Interview, part 1.flac").await?;
        has_state(&ben, "Interview, part 1.flac", "verified", LONG).await?;
        has_state(&anna, "Interview, part 1.flac", "verified", LONG).await?;
        ben.say("Got it, verified. Thank you!").await?;
        anna.hears("Got it, verified. Thank you!").await?;
        ben.has_said("Got it, verified. Thank you!", "delivered").await?;
        anna.picture("desktop").await?;
        ben.picture("phone").await?;
        Ok(())
    })
}
