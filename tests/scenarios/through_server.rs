//! No direct path can be made, and both are there: they talk through the server, and neither is called away.

use sotto_e2e::{Kind, LONG, Outcome, scenario, trouble};

/// Browsers that find no way to each other.
const NO_PATHS: &str = "const settle = RTCPeerConnection.prototype.setRemoteDescription;
    RTCPeerConnection.prototype.setRemoteDescription = function (told) {
        return settle.call(this, { type: told.type, sdp: told.sdp.replace(/^a=candidate.*\\r\\n/gm, '') });
    };
    RTCPeerConnection.prototype.addIceCandidate = async () => {};";

#[test]
fn through_server() -> Outcome {
    scenario("through_server", async |stage| {
        let anna = stage.person("Anna", Kind::Chromium).await?;
        let ben = stage.person("Ben", Kind::Chromium).await?;
        for person in [&anna, &ben] {
            person.preload(NO_PATHS).await?;
        }
        let link = anna.create_link("Anna").await?;
        ben.open_link(&link, "Anna").await?;
        ben.accept("Ben").await?;
        anna.confirm("Ben").await?;
        ben.sees("chat[data-standing=\"confirmed\"]").await?;
        for person in [&anna, &ben] {
            person.reads_within("status", "Connected through the server, still encrypted", LONG).await?;
        }
        anna.say("Are you there?").await?;
        ben.hears("Are you there?").await?;
        anna.has_said("Are you there?", "delivered").await?;
        ben.say("I am").await?;
        anna.hears("I am").await?;
        for person in [&anna, &ben] {
            person.sees_route("server").await?;
            let told = person.texts("status").await?;
            if told.iter().any(|told| told.contains("away")) {
                return Err(trouble(format!("they talk, and the status is {told:?}")));
            }
        }
        anna.picture("through-server").await?;
        Ok(())
    })
}
