//! The path is the one that is shown: over a relay while the address is hidden, through the server where there is no
//! WebRTC, and direct again as soon as it can be.

use std::net::SocketAddr;

use sotto_e2e::{Kind, Outcome, PATIENCE, Person, Review, Stage, Turn, meet, scenario, trouble, until};

/// Notes every candidate and every line of an address that the other side sends, and every connection made.
const LISTEN: &str = "(() => {
    globalThis.heard = [];
    globalThis.connections = [];
    const real = RTCPeerConnection.prototype;
    const { addIceCandidate, setRemoteDescription } = real;
    real.addIceCandidate = function (candidate) {
        if (candidate?.candidate) heard.push(candidate.candidate);
        return addIceCandidate.apply(this, arguments);
    };
    real.setRemoteDescription = function (description) {
        heard.push(...description.sdp.split(/\\r?\\n/).filter((line) => /^(a=candidate|c=|o=)/.test(line)));
        return setRemoteDescription.apply(this, arguments);
    };
    globalThis.RTCPeerConnection = new Proxy(RTCPeerConnection, {
        construct(target, given) {
            const made = new target(...given);
            connections.push(made);
            return made;
        },
    });
})()";

/// Kinds of candidates of one side, `local-candidate` or `remote-candidate`, as the browser counts them.
const KINDS: &str = "return connections.at(-1).getStats().then((report) =>
    [...report.values()].filter(({ type }) => type === arguments[0]).map(({ candidateType }) => candidateType))";

async fn kinds_of(person: &Person, side: &str) -> Outcome<Vec<String>> {
    Ok(serde_json::from_value(person.script(KINDS, vec![side.into()]).await?)?)
}

/// The server with a TURN server beside it.
async fn with_turn(stage: &mut Stage) -> Outcome<Turn> {
    let free = std::net::UdpSocket::bind((std::net::Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let address = SocketAddr::from(([127, 0, 0, 1], free));
    let turn = Turn::start(None, address, &stage.directory().join("coturn")).await?;
    stage.server.set(turn.settings()).await?;
    Ok(turn)
}

async fn sees_path(person: &Person, path: &str) -> Outcome {
    until(&format!("{} to be connected over {path}", person.name), 2 * PATIENCE, async || {
        let seen = person.attributes("status", "data-path").await?;
        if seen == [Some(path.to_owned())] { Ok(Some(())) } else { Err(trouble(format!("it is {seen:?}"))) }
    })
    .await
}

async fn switch_relay_only(person: &Person, on: bool) -> Outcome {
    person.click("back").await.ok();
    person.click("settings-open").await?;
    person.click("relay-only").await?;
    person.sees(&format!("relay-only[aria-checked=\"{on}\"]")).await?;
    person.driver().await?.back().await?;
    person.click("contact").await?;
    person.sees("chat").await
}

async fn say_and_hear(from: &Person, to: &Person, text: &str) -> Outcome {
    from.say(text).await?;
    to.hears(text).await?;
    from.has_said(text, "delivered").await
}

/// Looks at the page on a connection.
async fn look_at_connection(review: &mut Review, person: &Person, screen: &str) -> Outcome {
    person.click("status").await?;
    person.sees("way").await?;
    review.look_at(person, screen).await?;
    person.driver().await?.back().await?;
    person.sees("chat").await
}

async fn findings(person: &Person) -> Outcome<Vec<String>> {
    person.click("status").await?;
    person.sees("way").await?;
    let seen = person.attributes("finding", "data-finding").await?;
    person.driver().await?.back().await?;
    person.sees("chat").await?;
    Ok(seen.into_iter().flatten().collect())
}

fn hides(name: &str, hiding: Kind, other: Kind) -> Outcome {
    scenario(name, async |stage| {
        let _turn = with_turn(stage).await?;
        let anna = stage.person("Anna", hiding).await?;
        let ben = stage.person("Ben", other).await?;
        anna.preload(LISTEN).await?;
        ben.preload(LISTEN).await?;
        meet(&anna, &ben).await?;
        say_and_hear(&anna, &ben, "In the open.").await?;
        let mut review = Review::begin()?;
        if hiding == Kind::Chromium {
            look_at_connection(&mut review, &anna, "1-direct").await?;
        }

        // What was on its way before does not count.
        ben.script("heard.length = 0; connections.length = 0", vec![]).await?;
        switch_relay_only(&anna, true).await?;
        anna.sees_route("relayed").await?;
        ben.sees_route("relayed").await?;
        sees_path(&anna, "turn-udp").await?;
        say_and_hear(&anna, &ben, "Behind a relay.").await?;
        say_and_hear(&ben, &anna, "I see the relay only.").await?;
        let heard: Vec<String> = serde_json::from_value(ben.script("return heard", vec![]).await?)?;
        let candidates: Vec<&String> = heard.iter().filter(|line| line.contains("candidate:")).collect();
        let shown = |line: &&String| {
            if line.contains("candidate:") {
                !line.contains(" typ relay raddr 0.0.0.0 rport 0")
            } else {
                !line.ends_with("IN IP4 0.0.0.0")
            }
        };
        if candidates.is_empty() || heard.iter().any(|line| shown(&line)) {
            return Err(trouble(format!("Ben was told {heard:?}")));
        }
        let own = kinds_of(&anna, "local-candidate").await?;
        if own.is_empty() || own.iter().any(|kind| kind != "relay") {
            return Err(trouble(format!("Anna's browser uses candidates of kinds {own:?}")));
        }
        // A packet that comes before the candidate it comes from was told makes one up (RFC 8445 section 7.3.1.3).
        let told = kinds_of(&ben, "remote-candidate").await?;
        if !told.contains(&"relay".to_owned()) || told.iter().any(|kind| kind != "relay" && kind != "prflx") {
            return Err(trouble(format!("Ben knows candidates of kinds {told:?}")));
        }
        if findings(&anna).await? != ["relay-only"] {
            return Err(trouble("she is not told that it is her own wish"));
        }
        if hiding == Kind::Chromium {
            look_at_connection(&mut review, &anna, "2-relayed").await?;
        }

        switch_relay_only(&anna, false).await?;
        anna.sees_route("direct").await?;
        ben.sees_route("direct").await?;
        say_and_hear(&anna, &ben, "In the open again.").await?;
        ben.sees_conversation(&[
            "In the open.",
            "Behind a relay.",
            "> I see the relay only.",
            "In the open again.",
        ])
        .await?;
        review.finish()
    })
}

#[test]
fn hidden_address_chromium() -> Outcome {
    hides("hidden_address_chromium", Kind::Chromium, Kind::Firefox)
}

#[test]
fn hidden_address_firefox() -> Outcome {
    hides("hidden_address_firefox", Kind::Firefox, Kind::Chromium)
}

#[test]
fn hidden_address_without_a_relay() -> Outcome {
    scenario("hidden_address_without_a_relay", async |stage| {
        let anna = stage.person("Anna", Kind::Chromium).await?;
        let ben = stage.person("Ben", Kind::Chromium).await?;
        meet(&anna, &ben).await?;
        switch_relay_only(&anna, true).await?;
        anna.sees_route("server").await?;
        say_and_hear(&anna, &ben, "Through the server.").await?;
        say_and_hear(&ben, &anna, "It reads nothing.").await?;
        anna.reads("status", "Connected through the server, still encrypted").await?;
        if findings(&anna).await? != ["relay-only-without-turn"] {
            return Err(trouble("she is not told why"));
        }
        let mut review = Review::begin()?;
        look_at_connection(&mut review, &anna, "1-server").await?;
        review.finish()
    })
}

#[test]
fn without_webrtc() -> Outcome {
    scenario("without_webrtc", async |stage| {
        let anna = stage.person("Anna", Kind::Firefox).await?;
        let ben = stage.person("Ben", Kind::Chromium).await?;
        anna.disable_webrtc().await?;
        let link = anna.create_link("Anna").await?;
        if anna.script("return typeof RTCPeerConnection", vec![]).await? != "undefined" {
            return Err(trouble("Firefox has WebRTC all the same"));
        }
        ben.open_link(&link, "Anna").await?;
        ben.accept("Ben").await?;
        anna.confirm("Ben").await?;
        ben.sees("chat[data-standing=\"confirmed\"]").await?;
        for (from, to, text) in
            [(&anna, &ben, "No WebRTC here."), (&ben, &anna, "It works."), (&anna, &ben, "At once.")]
        {
            say_and_hear(from, to, text).await?;
        }
        anna.sees("status[data-route=\"server\"]").await?;
        ben.sees("status[data-route=\"server\"]").await?;
        ben.reads("status", "Connected through the server, still encrypted").await?;
        if findings(&anna).await? != ["webrtc-blocked"] {
            return Err(trouble("she is not told why"));
        }
        // No dead button: it says why no file can be moved.
        anna.click("attach").await?;
        anna.reads("notice[data-kind=\"files-need-link\"]", "WebRTC").await
    })
}

fn restarts(name: &str, one: Kind, other: Kind) -> Outcome {
    scenario(name, async |stage| {
        let anna = stage.person("Anna", one).await?;
        let ben = stage.person("Ben", other).await?;
        for person in [&anna, &ben] {
            person.preload(LISTEN).await?;
        }
        meet(&anna, &ben).await?;
        say_and_hear(&anna, &ben, "On one network.").await?;
        let user = "return connections.at(-1).localDescription.sdp.match(/a=ice-ufrag:(\\S+)/)[1]";
        // Whoever offered first, each offers now.
        for (mover, stayer) in [(&anna, &ben), (&ben, &anna)] {
            let before = mover.script(user, vec![]).await?;
            let made = mover.script("return connections.length", vec![]).await?;
            // What the browser says when the device has come to another network.
            mover.script("dispatchEvent(new Event('online'))", vec![]).await?;
            mover
                .patiently("another path", async || {
                    Ok((mover.script(user, vec![]).await? != before).then_some(()))
                })
                .await?;
            mover
                .patiently("an answer", async || {
                    let state = mover.script("return connections.at(-1).signalingState", vec![]).await?;
                    Ok((state == "stable").then_some(()))
                })
                .await?;
            say_and_hear(mover, stayer, "On another.").await?;
            say_and_hear(stayer, mover, "The same link.").await?;
            mover.sees_route("direct").await?;
            stayer.sees_route("direct").await?;
            if mover.script("return connections.length", vec![]).await? != made {
                return Err(trouble("the connection was made anew"));
            }
        }
        Ok(())
    })
}

#[test]
fn another_network_keeps_the_link_chromium() -> Outcome {
    restarts("another_network_keeps_the_link_chromium", Kind::Chromium, Kind::Firefox)
}

#[test]
fn another_network_keeps_the_link_firefox() -> Outcome {
    restarts("another_network_keeps_the_link_firefox", Kind::Firefox, Kind::Chromium)
}
