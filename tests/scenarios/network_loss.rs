//! The network is gone, for the server and for direct paths: what is said meanwhile waits, visibly, and comes through
//! in order, once, when it is back.

use sotto_e2e::{Kind, Outcome, PATIENCE, Person, meet, scenario};

/// What browsers themselves write into the console when there is no network.
fn tolerate_no_network(person: &Person) {
    let by_chromium = ["WebSocket connection to", "net::ERR_"];
    let by_firefox = [
        "can’t establish a connection",
        "was interrupted while the page was loading",
        "NetworkError",
        "WebRTC: ICE failed",
    ];
    by_chromium.into_iter().chain(by_firefox).for_each(|part| person.tolerate(part));
}

/// Both say something while Ben's network is gone, which his status tells as `told`.
async fn talk_apart(anna: &Person, ben: &Person, told: &str) -> Outcome {
    ben.say("Can you hear me?").await?;
    ben.say("Hello?").await?;
    anna.say("Where are you?").await?;
    anna.has_said("Where are you?", "sent").await?;
    anna.loses_route("direct").await?;
    ben.sees_route("waiting").await?;
    // Where packets vanish, it takes long until the next try has failed.
    ben.reads_within("status", told, 2 * PATIENCE).await?;
    for text in ["Can you hear me?", "Hello?"] {
        ben.has_said(text, "waiting").await?;
    }
    ben.picture("waiting").await?;
    Ok(())
}

/// Both have everything, once, each in its own order, and talk directly again.
async fn together_again(anna: &Person, ben: &Person) -> Outcome {
    for text in ["Can you hear me?", "Hello?"] {
        ben.has_said(text, "delivered").await?;
    }
    anna.has_said("Where are you?", "delivered").await?;
    anna.sees_route("direct").await?;
    ben.sees_route("direct").await?;
    anna.say("There you are").await?;
    anna.has_said("There you are", "delivered").await?;
    ben.say("Indeed").await?;
    ben.has_said("Indeed", "delivered").await?;
    // What is said at the same time stands in the same order for both.
    let mut seen = anna.conversation().await?;
    seen.iter_mut().for_each(|line| {
        *line = line.strip_prefix("> ").map_or(format!("> {line}"), str::to_owned);
    });
    ben.sees_conversation(&seen.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    let by_ben: Vec<&str> = seen.iter().filter_map(|line| line.strip_prefix("> ")).collect();
    let by_anna: Vec<&str> = seen.iter().filter(|line| !line.starts_with("> ")).map(String::as_str).collect();
    if by_ben != ["First", "Can you hear me?", "Hello?", "Indeed"]
        || by_anna != ["Where are you?", "There you are"]
    {
        return Err(sotto_e2e::trouble(format!("there stands {seen:?}")));
    }
    Ok(())
}

/// The browser knows, as in flight mode, and connections end.
fn flight_mode(name: &str, kind: Kind) -> Outcome {
    scenario(name, async |stage| {
        let proxy = stage.proxy().await?;
        let anna = stage.person("Anna", Kind::Chromium).await?;
        let ben = stage.person_at("Ben", kind, &proxy.origin()).await?;
        tolerate_no_network(&ben);
        meet(&anna, &ben).await?;
        ben.say("First").await?;
        anna.hears("First").await?;

        ben.believe_offline(true).await?;
        proxy.cut();
        let loss = ben.lose_network().await?;
        talk_apart(&anna, &ben, "You are offline").await?;
        loss.end();
        proxy.mend();
        ben.believe_offline(false).await?;
        together_again(&anna, &ben).await
    })
}

#[test]
fn flight_mode_in_chromium() -> Outcome {
    flight_mode("flight_mode_in_chromium", Kind::Chromium)
}

#[test]
fn flight_mode_in_firefox() -> Outcome {
    flight_mode("flight_mode_in_firefox", Kind::Firefox)
}

/// Nobody is told: packets vanish, connections stay open, and those there were never carry anything again. In Firefox
/// the process that stands still is also the one that would notice.
#[test]
fn silent_loss_in_chromium() -> Outcome {
    scenario("silent_loss_in_chromium", async |stage| {
        let proxy = stage.proxy().await?;
        let anna = stage.person("Anna", Kind::Chromium).await?;
        let ben = stage.person_at("Ben", Kind::Chromium, &proxy.origin()).await?;
        tolerate_no_network(&ben);
        meet(&anna, &ben).await?;
        ben.say("First").await?;
        anna.hears("First").await?;

        proxy.stall();
        proxy.forget();
        let loss = ben.lose_network().await?;
        talk_apart(&anna, &ben, "The server cannot be reached").await?;
        loss.end();
        proxy.mend();
        together_again(&anna, &ben).await
    })
}
