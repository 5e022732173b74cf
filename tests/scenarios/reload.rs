//! Reload in the middle of a conversation, and a restart of the browser: history is there, and the next message goes
//! through without a new handshake.

use sotto_e2e::{Kind, Outcome, Person, Proxy, meet, scenario, trouble};

/// What a client asks the server for when it begins a session.
const HANDSHAKES: [&str; 2] = ["POST /v1/prekeys ", "POST /v1/invites/redeem "];

fn handshakes(proxy: &Proxy) -> usize {
    HANDSHAKES.iter().map(|request| proxy.recording().count(request.as_bytes())).sum()
}

async fn goes_on(back: &Person, other: &Person, history: &[&str], turn: usize) -> Outcome {
    back.click("contact").await?;
    back.sees_conversation(history).await?;
    let (question, answer) = (format!("Question {turn}"), format!("Answer {turn}"));
    back.say(&question).await?;
    other.hears(&question).await?;
    back.has_said(&question, "delivered").await?;
    other.say(&answer).await?;
    back.hears(&answer).await?;
    other.has_said(&answer, "delivered").await?;
    back.sees_route("direct").await
}

fn reloaded(name: &str, kind: Kind) -> Outcome {
    scenario(name, async |stage| {
        let proxy = stage.proxy().await?;
        let anna = stage.person_at("Anna", Kind::Chromium, &proxy.origin()).await?;
        let ben = stage.person_at("Ben", kind, &proxy.origin()).await?;
        meet(&anna, &ben).await?;
        ben.say("First").await?;
        anna.hears("First").await?;
        anna.say("Second").await?;
        ben.hears("Second").await?;
        ben.has_said("First", "delivered").await?;
        let before = handshakes(&proxy);
        if before == 0 {
            return Err(trouble(
                "the handshake of the meeting was not seen, so a new one would not be either",
            ));
        }

        ben.reload().await?;
        ben.sees("chat").await?;
        goes_on(&ben, &anna, &["> First", "Second"], 1).await?;

        ben.close().await?;
        ben.start_again().await?;
        ben.open("/").await?;
        goes_on(&ben, &anna, &["> First", "Second", "> Question 1", "Answer 1"], 2).await?;
        ben.picture("after-restart").await?;

        if handshakes(&proxy) != before {
            return Err(trouble("there was a new handshake"));
        }
        Ok(())
    })
}

#[test]
fn reload_in_chromium() -> Outcome {
    reloaded("reload_in_chromium", Kind::Chromium)
}

#[test]
fn reload_in_firefox() -> Outcome {
    reloaded("reload_in_firefox", Kind::Firefox)
}
