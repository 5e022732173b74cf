//! The direct path is one by `getStats`; and neither the server's disk nor anything that passed between the browsers
//! and the server contains a text, a name, a file's name or content, the link's secret, or a key.

use std::fs;

use sotto_e2e::{Kind, Outcome, PATIENCE, meet, scenario, trouble};

const TEXTS: [&str; 3] =
    ["Canary text before confirming", "Canary text by the direct path", "Canary text for someone away"];
const NAMES: [&str; 2] = ["Annabella Canary", "Benedikt Canary"];
const FILE: &str = "canary of a file name.txt";
const CONTENT: &str = "Canary inside of a file. ";

/// The only random numbers of 32 bytes that the server is shown: delivery tokens, of which it keeps no more than the
/// hash (`{0: mailbox, 1: token, …`), and nonces (`…, 3: mailbox, 4: nonce, 5: signature}`).
fn is_meant_to_be_shown(traffic: &[u8], place: usize) -> bool {
    const MAILBOX: usize = 16;
    let before = |back: usize, bytes: &[u8]| {
        let start = place.checked_sub(back);
        start.and_then(|start| traffic.get(start..)).is_some_and(|rest| rest.starts_with(bytes))
    };
    let is_token = before(3 + MAILBOX + 2, &[0x00, 0x50]) && before(3, &[0x01, 0x58, 0x20]);
    let is_nonce = before(3 + MAILBOX + 2, &[0x03, 0x50])
        && before(3, &[0x04, 0x58, 0x20])
        && traffic.get(place.saturating_add(32)..).is_some_and(|rest| rest.starts_with(&[0x05, 0x58, 0x40]));
    is_token || is_nonce
}

const BASE64URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn base64url(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0_u8; 4];
        for (to, from) in group.iter_mut().skip(1).zip(chunk) {
            *to = *from;
        }
        let group = u32::from_be_bytes(group);
        for place in 0..=chunk.len() {
            let shift = 18_u32.saturating_sub(u32::try_from(place).unwrap_or(0).saturating_mul(6));
            let digit = usize::try_from((group >> shift) & 63).unwrap_or(0);
            text.extend(BASE64URL.get(digit));
        }
    }
    text
}

fn from_base64url(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (mut held, mut bits) = (0_u32, 0_u32);
    for letter in text.bytes() {
        let Some(digit) = BASE64URL.iter().position(|known| *known == letter) else { continue };
        held = (held << 6) | u32::try_from(digit).unwrap_or(0);
        bits = bits.saturating_add(6);
        if bits >= 8 {
            bits = bits.saturating_sub(8);
            bytes.push(u8::try_from((held >> bits) & 0xff).unwrap_or(0));
        }
    }
    bytes
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

fn utf16(text: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(text).encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn places(haystack: &[u8], needle: &[u8]) -> Vec<usize> {
    haystack
        .windows(needle.len().max(1))
        .enumerate()
        .filter(|(_, window)| *window == needle)
        .map(|(place, _)| place)
        .collect()
}

fn contains_none(what: &str, haystack: &[u8], canary: &[u8]) -> Outcome {
    for (form, needle) in [
        ("as it is", canary.to_vec()),
        ("in base64url", base64url(canary)),
        ("in hexadecimal", hex(canary)),
        ("in UTF-16", utf16(canary)),
    ] {
        if !places(haystack, &needle).is_empty() {
            return Err(trouble(format!("{what} contains, {form}: {}", String::from_utf8_lossy(canary))));
        }
    }
    Ok(())
}

#[test]
fn nothing_readable() -> Outcome {
    scenario("nothing_readable", async |stage| {
        let proxy = stage.proxy().await?;
        let anna = stage.person_at("Anna", Kind::Chromium, &proxy.origin()).await?;
        let ben = stage.person_at("Ben", Kind::Chromium, &proxy.origin()).await?;
        anna.be_watched().await?;
        ben.be_watched().await?;
        let [annas_name, bens_name] = NAMES;
        let link = anna.create_link(annas_name).await?;
        ben.open_link(&link, annas_name).await?;
        ben.accept(bens_name).await?;
        let [before, direct, away] = TEXTS;
        ben.say(before).await?;
        anna.confirm(bens_name).await?;
        anna.hears(before).await?;
        anna.sees_route("direct").await?;
        ben.sees_route("direct").await?;
        anna.say(direct).await?;
        ben.hears(direct).await?;

        for person in [&anna, &ben] {
            let pairs = person.candidate_pairs().await?;
            let is_direct = |pair: &String| {
                let words: Vec<&str> = pair.split(' ').collect();
                matches!(words.as_slice(), [own, theirs, "succeeded"]
                    if [own, theirs].iter().all(|kind| ["host", "srflx", "prflx"].contains(kind)))
            };
            if pairs.is_empty() || !pairs.iter().all(is_direct) {
                return Err(trouble(format!("{}'s candidate pairs are {pairs:?}", person.name)));
            }
        }

        let file = stage.directory().join(FILE);
        fs::write(&file, CONTENT.repeat(10_000))?;
        anna.upload("file-input", &[&file]).await?;
        anna.click("sheet-send").await?;
        ben.click("file-accept").await?;
        ben.sees("file-card[data-state=\"verified\"]").await?;
        ben.reads_within("file-name", FILE, PATIENCE).await?;

        let mut drawn = anna.drawn_keys().await?;
        drawn.extend(ben.drawn_keys().await?);
        anna.close().await?;
        ben.sees_route("away").await?;
        ben.say(away).await?;
        ben.has_said(away, "sent").await?;
        drawn.extend(ben.drawn_keys().await?);

        let disk = stage.server.everything_on_disk()?;
        let traffic = proxy.recording().bytes();
        // The search would find them: the paths of requests are there, and what is on the disk is the database.
        if places(&traffic, b"POST /v1/envelopes ").is_empty() || places(&disk, b"SQLite format 3").is_empty()
        {
            return Err(trouble("nothing was recorded, so nothing is proven"));
        }
        let payload = link.split_once("#v1.").map(|(_, payload)| payload).unwrap_or_default();
        let secret = from_base64url(payload).get(..32).map(<[u8]>::to_vec).unwrap_or_default();
        if secret.len() != 32 || base64url(&secret).get(..42) != payload.as_bytes().get(..42) {
            return Err(trouble("the link's secret was not understood"));
        }
        let mut canaries: Vec<&[u8]> =
            [TEXTS.as_slice(), &NAMES].concat().into_iter().map(str::as_bytes).collect();
        canaries.extend([FILE.as_bytes(), CONTENT.as_bytes(), payload.as_bytes(), &secret]);
        for canary in canaries {
            contains_none("the server's disk", &disk, canary)?;
            contains_none("the traffic", &traffic, canary)?;
        }

        if drawn.len() < 200 || !drawn.contains(&secret) {
            return Err(trouble(format!("only {} draws of random bytes were seen", drawn.len())));
        }
        let known: std::collections::HashSet<&[u8]> = drawn.iter().map(Vec::as_slice).collect();
        if disk.windows(32).any(|window| known.contains(window)) {
            return Err(trouble("the server's disk contains a key or a token"));
        }
        let (shown, secret): (Vec<usize>, Vec<usize>) = traffic
            .windows(32)
            .enumerate()
            .filter(|(_, window)| known.contains(window))
            .map(|(place, _)| place)
            .partition(|place| is_meant_to_be_shown(&traffic, *place));
        if !secret.is_empty() {
            return Err(trouble(format!("the traffic contains keys at {secret:?}")));
        }
        if shown.is_empty() {
            return Err(trouble("not even nonces were found, so keys would not be either"));
        }
        Ok(())
    })
}

/// Between different browsers the path is a direct one, too.
#[test]
fn direct_between_chromium_and_firefox() -> Outcome {
    scenario("direct_between_chromium_and_firefox", async |stage| {
        let anna = stage.person("Anna", Kind::Chromium).await?;
        let ben = stage.person("Ben", Kind::Firefox).await?;
        anna.be_watched().await?;
        ben.be_watched().await?;
        meet(&anna, &ben).await?;
        for person in [&anna, &ben] {
            let pairs = person.candidate_pairs().await?;
            if pairs.is_empty()
                || pairs.iter().any(|pair| pair.contains("relay") || !pair.ends_with("succeeded"))
            {
                return Err(trouble(format!("{}'s candidate pairs are {pairs:?}", person.name)));
            }
        }
        Ok(())
    })
}
