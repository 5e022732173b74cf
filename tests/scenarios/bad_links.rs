//! Links that cannot be used: a clear page each, and nothing is stored. Looking at a link does not use it up.

use std::time::{SystemTime, UNIX_EPOCH};

use sotto_e2e::{Kind, Outcome, PATIENCE, Person, scenario, trouble, until};

/// How long the server is told to keep the invite that is to expire, in seconds.
const SHORT_LIFE: u32 = 3;

/// Changes `expires_at` of `CreateInvite` (key 2, a CBOR integer of four bytes), to end soon.
fn expire_soon(body: &[u8]) -> Option<Vec<u8>> {
    const KEY_AND_HEAD: [u8; 2] = [0x02, 0x1a];
    let now = u32::try_from(SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()?;
    let mut changed = body.to_vec();
    let place = body.windows(6).position(|window| {
        let (head, value) = window.split_at(2);
        let value = value.try_into().map(u32::from_be_bytes).unwrap_or_default();
        head == KEY_AND_HEAD && (now..now.saturating_add(8 * 24 * 3600)).contains(&value)
    })?;
    let value = changed.get_mut(place.checked_add(2)?..place.checked_add(6)?)?;
    value.copy_from_slice(&now.saturating_add(SHORT_LIFE).to_be_bytes());
    Some(changed)
}

/// Another letter at `index` of what the link carries.
fn altered(link: &str, index: usize) -> Outcome<String> {
    let (head, payload) = link.split_once("#v1.").ok_or_else(|| trouble("not a link"))?;
    let payload: String = payload
        .chars()
        .enumerate()
        .map(|(place, letter)| if place == index { if letter == 'A' { 'B' } else { 'A' } } else { letter })
        .collect();
    Ok(format!("{head}#v1.{payload}"))
}

/// Another token in `PutEnvelope` (key 1, 32 bytes), as if the one in the link were withdrawn.
fn another_token(body: &[u8]) -> Option<Vec<u8>> {
    const KEY_AND_HEAD: [u8; 3] = [0x01, 0x58, 0x20];
    let place = body.windows(3).position(|window| window == KEY_AND_HEAD)?;
    let mut changed = body.to_vec();
    let byte = changed.get_mut(place.checked_add(3)?)?;
    *byte = !*byte;
    Some(changed)
}

async fn knows_nobody(person: &Person) -> Outcome {
    person.click("card-close").await?;
    person.sees("welcome").await?;
    person.sees_no("contact").await?;
    match person.records_of_others().await? {
        0 => Ok(()),
        count => Err(trouble(format!("{} has {count} records", person.name))),
    }
}

#[test]
fn bad_links() -> Outcome {
    scenario("bad_links", async |stage| {
        let proxy = stage.proxy().await?;
        let anna = stage.person_at("Anna", Kind::Chromium, &proxy.origin()).await?;
        let ben = stage.person_at("Ben", Kind::Chromium, &proxy.origin()).await?;
        for person in [&anna, &ben] {
            person.tolerate("the server responded with a status of 410");
            person.tolerate("the server responded with a status of 409");
        }
        let link = anna.create_link("Anna").await?;

        let cut_off = link.get(..link.len().saturating_sub(7)).unwrap_or_default();
        ben.is_refused(cut_off, "malformed").await?;
        ben.picture("truncated").await?;
        knows_nobody(&ben).await?;
        ben.is_refused(&altered(&link, 5)?, "gone").await?;
        knows_nobody(&ben).await?;
        let elsewhere = link.replace(&proxy.origin(), "https://other.example");
        ben.is_refused(&elsewhere, "other-server").await?;
        ben.reads("card-refusal", "other.example").await?;
        ben.picture("other-server").await?;
        knows_nobody(&ben).await?;
        ben.is_refused(&link.replace("#v1.", "#v2."), "newer-version").await?;
        knows_nobody(&ben).await?;
        anna.is_refused(&link, "own").await?;

        // Looked at three times, in two ways of leaving it.
        ben.open_link(&link, "Anna").await?;
        knows_nobody(&ben).await?;
        ben.open_link(&link, "Anna").await?;
        ben.open("/").await?;
        ben.sees("welcome").await?;
        ben.open_link(&link, "Anna").await?;
        ben.accept("Ben").await?;
        anna.open("/").await?;
        anna.click("contact").await?;
        anna.confirm("Ben").await?;

        let dora = stage.person_at("Dora", Kind::Chromium, &proxy.origin()).await?;
        dora.tolerate("the server responded with a status of 410");
        dora.tolerate("the server responded with a status of 409");
        dora.is_refused(&link, "used").await?;
        dora.picture("used").await?;
        knows_nobody(&dora).await?;

        // Taken back.
        let revoked = anna.create_another_link(&link).await?;
        dora.open_link(&revoked, "Anna").await?;
        anna.click("revoke-link").await?;
        anna.sees_no("invite-row").await?;
        let asked = "POST /v1/invites/revoke ";
        anna.patiently("taken it back", async || {
            Ok((proxy.recording().count(asked.as_bytes()) > 0).then_some(()))
        })
        .await?;
        dora.click("card-close").await?;
        dora.is_refused(&revoked, "gone").await?;
        knows_nobody(&dora).await?;

        // Expired.
        proxy.change_requests("/v1/invites", expire_soon);
        let short = anna.create_another_link(&revoked).await?;
        proxy.be_honest();
        until("the invite to expire", PATIENCE, async || {
            dora.open(&short).await?;
            dora.sees_either("card[data-state=\"open\"]", "card-refusal").await?;
            let reason = dora.attributes("card-refusal", "data-reason").await?;
            dora.click("card-close").await?;
            Ok((reason == [Some("gone".to_owned())]).then_some(()))
        })
        .await?;
        dora.is_refused(&short, "gone").await?;
        dora.picture("expired").await?;
        knows_nobody(&dora).await?;

        // Altered where it names the account: the name is still readable, what comes behind it is not hers.
        let foreign = altered(&anna.create_another_link(&short).await?, 60)?;
        dora.open_link(&foreign, "Anna").await?;
        dora.fill("own-name", "Dora").await?;
        dora.click("start-talking").await?;
        dora.sees_refusal("tampered").await?;
        dora.picture("tampered").await?;
        knows_nobody(&dora).await
    })
}

/// A link whose token the server refuses is as good as withdrawn; a conversation that stands already is kept, says what
/// has happened, and goes on when its token works again.
async fn wrong_token(stage: &mut sotto_e2e::Stage, kind: Kind) -> Outcome {
    let proxy = stage.proxy().await?;
    let anna = stage.person_at("Anna", Kind::Chromium, &proxy.origin()).await?;
    let ben = stage.person_at("Ben", kind, &proxy.origin()).await?;
    if kind == Kind::Chromium {
        ben.resize(390, 844).await?;
    }
    ben.tolerate("the server responded with a status of 403");
    let link = anna.create_link("Anna").await?;
    let posts = "POST /v1/envelopes ";
    let posted = || proxy.recording().count(posts.as_bytes());

    proxy.change_requests("/v1/envelopes", another_token);
    ben.open_link(&link, "Anna").await?;
    ben.fill("own-name", "Ben").await?;
    ben.click("start-talking").await?;
    ben.sees_refusal("gone").await?;
    ben.picture("wrong-token").await?;
    if posted() != 1 {
        return Err(trouble(format!("{} envelopes were posted", posted())));
    }
    knows_nobody(&ben).await?;
    anna.sees_no("contact").await?;

    // Another link; this time the token ends when they talk already, while Anna is away.
    proxy.be_honest();
    let link = anna.create_another_link(&link).await?;
    ben.open_link(&link, "Anna").await?;
    ben.accept("Ben").await?;
    anna.open("/").await?;
    anna.click("contact").await?;
    anna.confirm("Ben").await?;
    ben.sees("chat[data-standing=\"confirmed\"][data-refused=\"false\"]").await?;
    ben.say("do you hear me?").await?;
    ben.has_said("do you hear me?", "delivered").await?;
    ben.sees_route("direct").await?;
    anna.close().await?;
    ben.sees_route("away").await?;
    proxy.change_requests("/v1/envelopes", another_token);
    ben.say("and now?").await?;
    ben.sees("chat[data-refused=\"true\"]").await?;
    ben.sees("refused-banner").await?;
    ben.reads("status", "Cannot be reached").await?;
    ben.has_said("and now?", "waiting").await?;
    ben.picture("refused-later").await?;
    ben.open("/").await?;
    ben.reads("contact-last", "Cannot be reached any more").await?;
    ben.picture("refused-list").await?;
    ben.click("contact").await?;
    ben.sees("refused-banner").await?;

    proxy.be_honest();
    ben.has_said("and now?", "sent").await?;
    ben.sees_no("refused-banner").await?;
    ben.sees("chat[data-refused=\"false\"]").await
}

#[test]
fn wrong_token_in_chromium() -> Outcome {
    scenario("wrong_token_in_chromium", async |stage| wrong_token(stage, Kind::Chromium).await)
}

#[test]
fn wrong_token_in_firefox() -> Outcome {
    scenario("wrong_token_in_firefox", async |stage| wrong_token(stage, Kind::Firefox).await)
}
