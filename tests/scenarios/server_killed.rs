//! The server is killed with SIGKILL and started again while both talk: both connect again, nothing is lost or doubled.

use std::sync::Arc;

use sotto_e2e::{Kind, Outcome, Person, Stage, meet, scenario};

/// What a browser itself writes into the console when there is nobody to connect to.
fn tolerate_no_server(person: &Person) {
    for part in [
        "WebSocket connection to",
        "net::ERR_",
        "can’t establish a connection",
        "was interrupted while the page was loading",
        "NetworkError",
    ] {
        person.tolerate(part);
    }
}

async fn pair(stage: &mut Stage) -> Outcome<[Arc<Person>; 2]> {
    let anna = stage.person("Anna", Kind::Chromium).await?;
    let ben = stage.person("Ben", Kind::Chromium).await?;
    tolerate_no_server(&anna);
    tolerate_no_server(&ben);
    Ok([anna, ben])
}

/// The direct path does not need the server; and when it breaks, the server is there again to make another.
#[test]
fn server_killed_while_talking_directly() -> Outcome {
    scenario("server_killed_while_talking_directly", async |stage| {
        let [anna, ben] = pair(stage).await?;
        meet(&anna, &ben).await?;
        anna.say("Before").await?;
        ben.hears("Before").await?;

        stage.server.kill().await?;
        anna.say("Nobody between us").await?;
        ben.hears("Nobody between us").await?;
        anna.has_said("Nobody between us", "delivered").await?;
        ben.say("Indeed").await?;
        ben.has_said("Indeed", "delivered").await?;

        stage.server.start_again().await?;
        ben.reload().await?;
        ben.click("contact").await?;
        ben.sees_route("direct").await?;
        anna.sees_route("direct").await?;
        ben.say("After").await?;
        ben.has_said("After", "delivered").await?;
        anna.sees_conversation(&["> Before", "> Nobody between us", "Indeed", "After"]).await?;
        ben.sees_conversation(&["Before", "Nobody between us", "> Indeed", "> After"]).await
    })
}

/// Without a direct path everything goes through the server, so everything depends on it being there again.
#[test]
fn server_killed_between_two_without_a_direct_path() -> Outcome {
    scenario("server_killed_between_two_without_a_direct_path", async |stage| {
        let [anna, ben] = pair(stage).await?;
        anna.do_without_webrtc().await?;
        ben.do_without_webrtc().await?;
        let link = anna.create_link("Anna").await?;
        ben.open_link(&link, "Anna").await?;
        ben.accept("Ben").await?;
        anna.confirm("Ben").await?;
        ben.sees("chat[data-standing=\"confirmed\"]").await?;

        let mut wanted_by_anna = Vec::new();
        let mut wanted_by_ben = Vec::new();
        for turn in 0..3 {
            let texts: Vec<String> = (0..4).map(|count| format!("Turn {turn}, number {count}")).collect();
            for text in &texts {
                anna.say(text).await?;
            }
            // In the middle of handing them over, and again with messages that could not be.
            stage.server.kill().await?;
            let lonely = format!("Turn {turn}, to nobody");
            anna.say(&lonely).await?;
            stage.server.start_again().await?;
            for text in texts.iter().chain([&lonely]) {
                anna.has_said(text, "delivered").await?;
                wanted_by_anna.push(format!("> {text}"));
                wanted_by_ben.push(text.clone());
            }
            let answer = format!("Turn {turn}, answered");
            ben.say(&answer).await?;
            ben.has_said(&answer, "delivered").await?;
            wanted_by_anna.push(answer.clone());
            wanted_by_ben.push(format!("> {answer}"));
        }
        let lines: Vec<&str> = wanted_by_anna.iter().map(String::as_str).collect();
        anna.sees_conversation(&lines).await?;
        let lines: Vec<&str> = wanted_by_ben.iter().map(String::as_str).collect();
        ben.sees_conversation(&lines).await?;
        ben.picture("after-three-kills").await?;
        Ok(())
    })
}

/// What the server has promised to keep, it keeps.
#[test]
fn server_killed_while_it_keeps_messages() -> Outcome {
    scenario("server_killed_while_it_keeps_messages", async |stage| {
        let [anna, ben] = pair(stage).await?;
        meet(&anna, &ben).await?;
        ben.close().await?;
        anna.sees_route("away").await?;
        anna.say("Kept").await?;
        anna.has_said("Kept", "sent").await?;
        stage.server.kill().await?;
        stage.server.start_again().await?;
        ben.start_again().await?;
        ben.open("/").await?;
        ben.click("contact").await?;
        ben.sees_conversation(&["Kept"]).await?;
        anna.has_said("Kept", "delivered").await
    })
}
