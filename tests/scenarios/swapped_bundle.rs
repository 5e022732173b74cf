//! A server that hands out another bundle behind an invite is found out by the invitee; one that puts another first
//! message in the place of the invitee's gets nobody in. What a server with keys of its own could try is played
//! against the engine itself, in `crates/testkit`.

use std::sync::{Arc, Mutex, PoisonError};

use sotto_e2e::{Kind, Outcome, Person, Proxy, Stage, scenario, trouble};

type Kept = Arc<Mutex<Option<Vec<u8>>>>;

fn keep(into: &Kept) -> impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static {
    let into = Arc::clone(into);
    move |body| {
        let mut kept = into.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get_or_insert_with(|| body.to_vec());
        None
    }
}

fn kept(kept: &Kept) -> Outcome<Vec<u8>> {
    let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    kept.clone().ok_or_else(|| trouble("nothing was kept"))
}

/// What a genuine meeting of two others looks like to the server: the redeemed bundle, and the first envelope.
async fn overhear(stage: &mut Stage, proxy: &Proxy) -> Outcome<(Vec<u8>, Vec<u8>)> {
    let (bundle, envelope) = (Kept::default(), Kept::default());
    proxy.change_responses("/v1/invites/redeem", keep(&bundle));
    proxy.change_requests("/v1/envelopes", keep(&envelope));
    let carol = stage.person_at("Carol", Kind::Chromium, &proxy.origin()).await?;
    let dora = stage.person_at("Dora", Kind::Chromium, &proxy.origin()).await?;
    let link = carol.create_link("Carol").await?;
    dora.open_link(&link, "Carol").await?;
    dora.accept("Dora").await?;
    carol.sees("confirm-banner").await?;
    proxy.be_honest();
    carol.close().await?;
    dora.close().await?;
    Ok((kept(&bundle)?, kept(&envelope)?))
}

async fn is_found_out(invitee: &Person, link: &str) -> Outcome {
    invitee.open_link(link, "Anna").await?;
    invitee.fill("own-name", "Ben").await?;
    invitee.click("start-talking").await?;
    invitee.sees_refusal("tampered").await?;
    invitee.picture(&format!("{}-found-out", invitee.name)).await?;
    invitee.click("card-close").await?;
    invitee.sees("welcome").await?;
    invitee.sees_no("contact").await?;
    match invitee.records_of_others().await? {
        0 => Ok(()),
        count => Err(trouble(format!("there are {count} records"))),
    }
}

/// Where the value behind a small key of a CBOR map of byte strings begins: `PutEnvelope` is
/// `{0: mailbox, 1: token, 2: envelope id, 3: class, 4: lifetime, 5: blob}`.
fn behind_token(body: &[u8]) -> Option<usize> {
    let mut place = 1_usize; // the map's head
    for key in [0_u8, 1] {
        if *body.get(place)? != key {
            return None;
        }
        let head = *body.get(place.checked_add(1)?)?;
        let (length, head_length) = match head {
            0x40..=0x57 => (usize::from(head & 0x1f), 2),
            0x58 => (usize::from(*body.get(place.checked_add(2)?)?), 3),
            _ => return None,
        };
        place = place.checked_add(head_length)?.checked_add(length)?;
    }
    Some(place)
}

#[test]
fn swapped_bundle() -> Outcome {
    scenario("swapped_bundle", async |stage| {
        let proxy = stage.proxy().await?;
        let (foreign_bundle, foreign_envelope) = overhear(stage, &proxy).await?;
        let anna = stage.person_at("Anna", Kind::Chromium, &proxy.origin()).await?;

        // Another's bundle, genuine in itself.
        let ben = stage.person_at("Ben", Kind::Chromium, &proxy.origin()).await?;
        let link = anna.create_link("Anna").await?;
        proxy.change_responses("/v1/invites/redeem", move |_| Some(foreign_bundle.clone()));
        is_found_out(&ben, &link).await?;
        proxy.be_honest();

        // Anna's own, with one bit changed.
        let link = anna.create_another_link(&link).await?;
        proxy.change_responses("/v1/invites/redeem", |body| {
            let mut changed = body.to_vec();
            *changed.get_mut(body.len().saturating_sub(300))? ^= 1;
            Some(changed)
        });
        is_found_out(&ben, &link).await?;
        proxy.be_honest();

        // Ben's first message is taken away, and another's genuine one put in its place.
        let link = anna.create_another_link(&link).await?;
        proxy.change_requests("/v1/envelopes", move |body| {
            let address = body.get(..behind_token(body)?)?;
            let letter = foreign_envelope.get(behind_token(&foreign_envelope)?..)?;
            Some([address, letter].concat())
        });
        ben.open_link(&link, "Anna").await?;
        ben.accept("Ben").await?;
        anna.patiently("said that an envelope is not for her", async || {
            let said = anna.console().await?;
            Ok(said.iter().any(|entry| entry.text.contains("envelope: ")).then_some(()))
        })
        .await?;
        anna.sees_no("contact").await?;
        anna.sees_no("confirm-banner").await?;
        anna.sees("invite[data-ready=\"true\"]").await?;
        anna.picture("nobody-came").await?;
        Ok(())
    })
}
