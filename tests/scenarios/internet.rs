//! Two people at home, each behind a NAT, and lines between them that get as bad as real ones: everything that is said
//! arrives, once and in order, its ticks are true, and so is the path that is shown.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sotto_e2e::{
    Conditions, Firewall, Home, Kind, Nat, Outcome, PATIENCE, Person, Stage, get_to_know, meet, meet_by,
    scenario_on_internet, trouble, until,
};

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

    /// Both see this route and the path that their browsers really use.
    async fn goes(&self, route: &str) -> Outcome {
        until(&format!("both to see the true path, {route}"), RECOVERY, async || {
            let [anna, ben] = self.people;
            let pairs = [the_pair(anna).await?, the_pair(ben).await?];
            let [by_anna, by_ben] = pairs.each_ref().map(Option::as_deref);
            let truth = [path_of(by_anna, by_ben), path_of(by_ben, by_anna)];
            let mut shown = Vec::new();
            for person in self.people {
                shown.push([
                    person.attributes("status", "data-route").await?,
                    person.attributes("status", "data-path").await?,
                ]);
            }
            let is_so = truth.iter().all(|path| match route {
                "direct" => *path == Some("internet"),
                "relayed" => path.is_some_and(|path| path.starts_with("turn-")),
                _ => path.is_none(),
            });
            let expected = truth.map(|path| [vec![Some(route.to_owned())], vec![path.map(str::to_owned)]]);
            if is_so && shown == expected {
                return Ok(Some(()));
            }
            Err(trouble(format!("{shown:?} is shown, {pairs:?} is true")))
        })
        .await
    }

    /// All of it at once.
    async fn goes_well(&mut self, what: &str, route: &str) -> Outcome {
        self.say(what).await?;
        self.arrives().await?;
        self.goes(route).await
    }
}

/// The pair of candidates that a person's browser uses.
async fn the_pair(person: &Person) -> Outcome<Option<String>> {
    let mut pairs = person.candidate_pairs().await?;
    if pairs.len() > 1 {
        return Err(trouble(format!("{} has several: {pairs:?}", person.name)));
    }
    Ok(pairs.pop())
}

/// What should be shown to one of two who are behind NATs of their own. Each browser knows its own end for certain: that
/// of the other side may be a relay seen at an address that nobody has told yet.
fn path_of(own: Option<&str>, theirs: Option<&str>) -> Option<&'static str> {
    let ends = |pair: &str| {
        let mut kinds = pair.split(' ').map(|kind| kind.starts_with("relay"));
        [kinds.next() == Some(true), kinds.next() == Some(true)]
    };
    let own = own?;
    Some(match own.split(' ').next() {
        Some("relay/tcp") => "turn-tcp",
        Some(own) if own.starts_with("relay") => "turn-udp",
        _ if ends(own)[1] || theirs.is_some_and(|pair| ends(pair).contains(&true)) => "turn-theirs",
        _ => "internet",
    })
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
async fn two_at_home(stage: &mut Stage, homes: &[Home; 2], kinds: [Kind; 2]) -> Outcome<[Arc<Person>; 2]> {
    let [anna, ben] = kinds;
    let [hers, his] = homes;
    let anna = stage.person_in(hers, "Anna", anna).await?;
    let ben = stage.person_in(his, "Ben", ben).await?;
    for person in [&anna, &ben] {
        tolerate_bad_networks(person);
        person.be_watched().await?;
    }
    Ok([anna, ben])
}

/// One call through everything that a line at home can do to it.
#[test]
fn bad_lines() -> Outcome {
    scenario_on_internet("bad_lines", [Nat::Cone, Nat::Cone], async |stage, internet| {
        let homes = internet.homes();
        let [anna, ben] = two_at_home(stage, homes, [Kind::Chromium, Kind::Chromium]).await?;
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
        let [anna, ben] = two_at_home(stage, homes, [Kind::Chromium, his]).await?;
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
/// UDP, over TCP. When it lets out nothing but the web, through the server. And back again, as it opens.
#[test]
fn no_direct_path() -> Outcome {
    scenario_on_internet("no_direct_path", [Nat::Symmetric, Nat::Cone], async |stage, internet| {
        let [hers, _] = internet.homes();
        let [anna, ben] = two_at_home(stage, internet.homes(), [Kind::Chromium, Kind::Firefox]).await?;
        meet_by(&anna, &ben, "relayed").await?;
        let mut talk = Talk { people: [&anna, &ben], said: Default::default() };
        talk.goes_well("symmetric", "relayed").await?;
        hers.set_firewall(Firewall::NoUdp)?;
        talk.goes_well("no UDP", "relayed").await?;
        // Of all her candidates, that one alone still leads out.
        anna.sees("status[data-path=\"turn-tcp\"]").await?;
        anna.picture("turn-tcp").await?;
        hers.set_firewall(Firewall::WebOnly)?;
        talk.goes_well("web only", "server").await?;
        anna.picture("server").await?;
        hers.set_firewall(Firewall::Open)?;
        talk.goes_well("open", "relayed").await
    })
}

/// UDP is blocked from the beginning, and later it is not: then the direct path is taken.
#[test]
fn udp_blocked() -> Outcome {
    scenario_on_internet("udp_blocked", [Nat::Cone, Nat::Cone], async |stage, internet| {
        let [_, his] = internet.homes();
        his.set_firewall(Firewall::NoUdp)?;
        let [anna, ben] = two_at_home(stage, internet.homes(), [Kind::Chromium, Kind::Chromium]).await?;
        // Whoever waits for an answer over UDP may be late for the first attempt.
        get_to_know(&anna, &ben).await?;
        let mut talk = Talk { people: [&anna, &ben], said: Default::default() };
        talk.goes_well("blocked", "relayed").await?;
        ben.sees("status[data-path=\"turn-tcp\"]").await?;
        his.set_firewall(Firewall::Open)?;
        talk.goes_well("open", "direct").await
    })
}
