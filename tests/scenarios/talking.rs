//! Link → card → talking, both ways, with the right ticks, over a direct path.

use sotto_e2e::{Kind, Outcome, scenario};

fn talk(name: &str, inviter: Kind, invitee: Kind) -> Outcome {
    scenario(name, async |stage| {
        let anna = stage.person("Anna", inviter).await?;
        let ben = stage.person("Ben", invitee).await?;
        let link = anna.create_link("Anna").await?;
        anna.picture("1-link").await?;
        ben.open_link(&link, "Anna").await?;
        ben.picture("2-card").await?;
        ben.accept("Ben").await?;
        ben.reads("chat-name", "Anna").await?;

        // Before somebody is confirmed there is no direct path: they would learn our address.
        ben.say("Are you there?").await?;
        anna.sees("confirm-banner").await?;
        anna.picture("3-confirm").await?;
        anna.confirm("Ben").await?;
        anna.hears("Are you there?").await?;
        ben.has_said("Are you there?", "delivered").await?;
        ben.sees("chat[data-standing=\"confirmed\"]").await?;

        anna.sees_route("direct").await?;
        ben.sees_route("direct").await?;
        anna.say("Yes, I am.").await?;
        ben.hears("Yes, I am.").await?;
        anna.has_said("Yes, I am.", "delivered").await?;
        ben.say("Good — 你好, שלום 👋").await?;
        anna.hears("Good — 你好, שלום 👋").await?;
        ben.has_said("Good — 你好, שלום 👋", "delivered").await?;
        anna.sees_conversation(&["Are you there?", "> Yes, I am.", "Good — 你好, שלום 👋"]).await?;
        ben.sees_conversation(&["> Are you there?", "Yes, I am.", "> Good — 你好, שלום 👋"]).await?;
        anna.picture("4-anna").await?;
        ben.picture("5-ben").await?;
        Ok(())
    })
}

#[test]
fn talking_chromium_chromium() -> Outcome {
    talk("talking_chromium_chromium", Kind::Chromium, Kind::Chromium)
}

#[test]
fn talking_chromium_invites_firefox() -> Outcome {
    talk("talking_chromium_invites_firefox", Kind::Chromium, Kind::Firefox)
}

#[test]
fn talking_firefox_invites_chromium() -> Outcome {
    talk("talking_firefox_invites_chromium", Kind::Firefox, Kind::Chromium)
}
