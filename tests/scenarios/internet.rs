//! Two people at home, each behind a NAT, and lines between them that get as bad as real ones: everything that is said
//! arrives, once and in order, its ticks are true, and so is the path that is shown.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sotto_e2e::{
    Conditions, Firewall, Home, Kind, Nat, Outcome, PATIENCE, Person, Stage, meet, meet_by,
    scenario_on_internet, trouble, until,
};

/// What browsers are told of servers, because the page does not ask the server for them yet. Where a direct path can be
/// found, only of STUN: a browser that has a relayed path as well may keep it, and the page does not seek a better one yet.
const STUN: &str = "[{ urls: 'stun:192.0.2.1' }]";
/// With a credential that coturn's secret makes good until 2038.
const STUN_AND_TURN: &str = "[{ urls: 'stun:192.0.2.1' }, {
    urls: ['turn:192.0.2.1?transport=udp', 'turn:192.0.2.1?transport=tcp'],
    username: '2147483647:x', credential: 'jzT2PqWxr1g5uVjXKvR2VgfWqRM=' }]";
const KNOW_SERVERS: &str = "const Plain = globalThis.RTCPeerConnection;
    globalThis.RTCPeerConnection = class extends Plain {
        constructor(configuration) { super({ ...configuration, iceServers: SERVERS }); }
    };";
const MS: Duration = Duration::from_millis(1);
/// How long the network is gone.
const OUTAGE: Duration = Duration::from_secs(30);
/// How long another path may take: a better one than the present is sought a minute after it, then less and less often.
const RECOVERY: Duration = Duration::from_secs(150);
/// What each says in a row.
const ROW: usize = 3;

/// Both talk, and what has been said so far.
struct Talk<'a> {
    people: [&'a Person; 2],
    said: [Vec<String>; 2],
}

impl Talk<'_> {
    /// Both say a few things about `what`.
    async fn say(&mut self, what: &str) -> Outcome {
        for number in 1..=ROW {
            for (person, said) in self.people.iter().zip(&mut self.said) {
                let text = format!("{what} {number}");
                person.say(&text).await?;
                said.push(text);
            }
        }
        Ok(())
    }

    /// Everything said so far is delivered; both have all of it, once, in the order it was said, and in the same order
    /// on both screens.
    async fn arrives(&self) -> Outcome {
        for (person, said) in self.people.iter().zip(&self.said) {
            for text in said {
                person.has_said(text, "delivered").await?;
            }
        }
        let [anna, ben] = self.people;
        let [by_anna, by_ben] = &self.said;
        let for_anna = anna.conversation().await?;
        let own = |line: &String| line.strip_prefix("> ").map(str::to_owned);
        let own_lines: Vec<String> = for_anna.iter().filter_map(own).collect();
        let others: Vec<String> = for_anna.iter().filter(|line| own(line).is_none()).cloned().collect();
        if own_lines != *by_anna || others != *by_ben {
            return Err(trouble(format!("Anna has {for_anna:?}")));
        }
        let turned: Vec<String> =
            for_anna.iter().map(|line| own(line).unwrap_or_else(|| format!("> {line}"))).collect();
        ben.sees_conversation(&turned.iter().map(String::as_str).collect::<Vec<_>>()).await
    }

    /// Both see this route, and their browsers use it.
    async fn goes(&self, route: &str) -> Outcome {
        for person in self.people {
            until(&format!("{} to see the true route, {route}", person.name), RECOVERY, async || {
                let shown = person.attributes("status", "data-route").await?;
                let pairs = person.candidate_pairs().await?;
                let truth = match pairs.as_slice() {
                    [] => "server",
                    [pair] if pair.contains("relay") => "relayed",
                    [_] => "direct",
                    several => return Err(trouble(format!("there are several: {several:?}"))),
                };
                if truth == route && shown == [Some(route.to_owned())] {
                    return Ok(Some(()));
                }
                Err(trouble(format!("{shown:?} is shown, {pairs:?} is true")))
            })
            .await?;
        }
        Ok(())
    }

    /// All of it at once.
    async fn goes_well(&mut self, what: &str, route: &str) -> Outcome {
        self.say(what).await?;
        self.arrives().await?;
        self.goes(route).await
    }
}

/// What browsers write into the console when a network goes away.
fn tolerate_bad_networks(person: &Person) {
    let by_chromium = ["WebSocket connection to", "net::ERR_"];
    let by_firefox = [
        "can’t establish a connection",
        "was interrupted while the page was loading",
        "NetworkError",
        "WebRTC: ICE failed",
    ];
    by_chromium.into_iter().chain(by_firefox).for_each(|part| person.tolerate(part));
}

/// Waits for the line to have done something bad, so that nothing passes because nothing happened.
async fn has_harmed(home: &Home, before: u64) -> Outcome {
    until("the line to lose, double or hold back a packet", PATIENCE, async || {
        Ok((home.harmed() > before).then_some(()))
    })
    .await
}

/// Anna at the first home and Ben at the second.
async fn two_at_home(
    stage: &mut Stage,
    homes: &[Home; 2],
    kinds: [Kind; 2],
    servers: &str,
) -> Outcome<[Arc<Person>; 2]> {
    let [anna, ben] = kinds;
    let [hers, his] = homes;
    let anna = stage.person_in(hers, "Anna", anna).await?;
    let ben = stage.person_in(his, "Ben", ben).await?;
    for person in [&anna, &ben] {
        tolerate_bad_networks(person);
        person.preload(&KNOW_SERVERS.replace("SERVERS", servers)).await?;
        person.be_watched().await?;
    }
    Ok([anna, ben])
}

/// One call through everything that a line at home can do to it.
#[test]
fn bad_lines() -> Outcome {
    scenario_on_internet("bad_lines", [Nat::Cone, Nat::Cone], async |stage, internet| {
        let homes = internet.homes();
        let [anna, ben] = two_at_home(stage, homes, [Kind::Chromium, Kind::Chromium], STUN).await?;
        meet(&anna, &ben).await?;
        let mut talk = Talk { people: [&anna, &ben], said: Default::default() };
        talk.goes_well("perfect", "direct").await?;

        let lossy = Conditions { lost: 50, ..Conditions::default() };
        let slow = Conditions { delay: 200 * MS, jitter: 50 * MS, ..Conditions::default() };
        let shuffled = Conditions {
            delay: 20 * MS,
            jitter: 20 * MS,
            doubled: 50,
            held: 200,
            held_for: 60 * MS,
            ..Conditions::default()
        };
        let all = Conditions { lost: 50, held: 100, held_for: 100 * MS, ..slow };
        for (what, conditions) in [("lossy", lossy), ("slow", slow), ("shuffled", shuffled), ("all", all)] {
            homes.iter().for_each(|home| home.set(conditions));
            let before = homes.each_ref().map(Home::harmed);
            talk.goes_well(what, "direct").await?;
            if conditions.lost + conditions.held > 0 {
                for (home, before) in homes.iter().zip(before) {
                    has_harmed(home, before).await?;
                }
            }
        }
        homes.iter().for_each(|home| home.set(Conditions::default()));

        // Her line is cut for a while, and nobody is told.
        let end = Instant::now() + OUTAGE;
        homes[0].set(Conditions { cut: true, ..Conditions::default() });
        talk.say("cut").await?;
        ben.loses_route("direct").await?;
        ben.has_said("cut 1", "sent").await?;
        anna.has_said("cut 1", "waiting").await?;
        tokio::time::sleep_until(end.into()).await;
        homes[0].set(Conditions::default());
        talk.goes_well("mended", "direct").await
    })
}

/// Her provider gives her another address, and then her device changes networks at home.
fn other_addresses(name: &str, his: Kind) -> Outcome {
    scenario_on_internet(name, [Nat::Cone, Nat::Cone], async |stage, internet| {
        let homes = internet.homes();
        let [anna, ben] = two_at_home(stage, homes, [Kind::Chromium, his], STUN).await?;
        meet(&anna, &ben).await?;
        let mut talk = Talk { people: [&anna, &ben], said: Default::default() };
        talk.goes_well("before", "direct").await?;
        homes[0].take_address_outside(20)?;
        talk.goes_well("another outside", "direct").await?;
        homes[1].take_address_inside(3)?;
        talk.goes_well("another inside", "direct").await
    })
}

#[test]
fn other_addresses_chromium() -> Outcome {
    other_addresses("other_addresses_chromium", Kind::Chromium)
}

#[test]
fn other_addresses_firefox() -> Outcome {
    other_addresses("other_addresses_firefox", Kind::Firefox)
}

/// No hole can be punched through a symmetric NAT: it goes through the TURN server, over UDP. When her firewall blocks
/// UDP, over TCP. When it lets out nothing but the web, through the server.
#[test]
fn no_direct_path() -> Outcome {
    scenario_on_internet("no_direct_path", [Nat::Symmetric, Nat::Cone], async |stage, internet| {
        let [hers, _] = internet.homes();
        let [anna, ben] =
            two_at_home(stage, internet.homes(), [Kind::Chromium, Kind::Firefox], STUN_AND_TURN).await?;
        meet_by(&anna, &ben, "relayed").await?;
        let mut talk = Talk { people: [&anna, &ben], said: Default::default() };
        talk.goes_well("symmetric", "relayed").await?;
        hers.set_firewall(Firewall::NoUdp)?;
        talk.goes_well("no UDP", "relayed").await?;
        // Of all her candidates, that one alone still leads out.
        anna.patiently("TURN over TCP", async || {
            let pairs = anna.candidate_pairs().await?;
            Ok(pairs.iter().all(|pair| pair.starts_with("relay/tcp ")).then_some(()))
        })
        .await?;
        hers.set_firewall(Firewall::WebOnly)?;
        talk.say("web only").await?;
        talk.arrives().await?;
        anna.loses_route("relayed").await?;
        ben.loses_route("relayed").await
    })
}
