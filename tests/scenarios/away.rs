//! One side is away: messages wait, and it is shown how far they got; on return they arrive in order, once.

use sotto_e2e::{Kind, Outcome, meet, scenario};

#[test]
fn away() -> Outcome {
    scenario("away", async |stage| {
        let proxy = stage.proxy().await?;
        let anna = stage.person_at("Anna", Kind::Chromium, &proxy.origin()).await?;
        let ben = stage.person_at("Ben", Kind::Chromium, &proxy.origin()).await?;
        meet(&anna, &ben).await?;
        ben.say("I am off").await?;
        anna.hears("I am off").await?;

        // Ben is gone: the server takes what Anna says.
        ben.close().await?;
        anna.sees_route("away").await?;
        anna.say("One").await?;
        anna.has_said("One", "sent").await?;

        // Now Anna's network is gone too: what she says waits with her.
        anna.tolerate("WebSocket connection to");
        anna.tolerate("net::ERR_");
        proxy.cut();
        anna.say("Two").await?;
        anna.say("Three").await?;
        anna.has_said("Two", "waiting").await?;
        anna.has_said("Three", "waiting").await?;
        anna.has_said("One", "sent").await?;
        anna.reads("status", "The server cannot be reached").await?;
        anna.sees("unreachable").await?;
        anna.sees_no("offline").await?;
        anna.picture("waiting").await?;

        // It waits over a reload, too: the page itself comes from nowhere now, so the network has to be back for it.
        proxy.mend();
        anna.reload().await?;
        anna.has_said("Two", "sent").await?;
        anna.has_said("Three", "sent").await?;
        anna.say("Four").await?;
        anna.has_said("Four", "sent").await?;

        ben.start_again().await?;
        ben.open("/").await?;
        ben.click("contact").await?;
        ben.sees_conversation(&["> I am off", "One", "Two", "Three", "Four"]).await?;
        for text in ["One", "Two", "Three", "Four"] {
            anna.has_said(text, "delivered").await?;
        }
        ben.say("Back again").await?;
        anna.sees_conversation(&["I am off", "> One", "> Two", "> Three", "> Four", "Back again"]).await?;
        ben.has_said("Back again", "delivered").await?;
        ben.sees_conversation(&["> I am off", "One", "Two", "Three", "Four", "> Back again"]).await?;
        ben.picture("back").await?;
        Ok(())
    })
}
