//! Random schedules from many seeds: whatever happens, what was accepted is shown exactly once or still visibly waiting,
//! and when the trouble is over everything is delivered.

use core::time::Duration;
use std::collections::BTreeSet;

use sotto_engine::{Content, Delivery};
use sotto_testkit::{CrashAt, Network, World};

use crate::common::*;

fn schedule(seed: u64) {
    let mut world = World::new(seed, 2);
    let (ben, anna) = befriend(&mut world);
    world.network = Network::bad();
    let mut said: [BTreeSet<String>; 2] = [BTreeSet::new(), BTreeSet::new()];
    for step in 0..60 {
        let who = world.random(2) as usize;
        let contact = if who == ANNA { ben } else { anna };
        let open = world.people[who].client.is_some();
        match world.random(16) {
            0 if open => world.reload(who),
            1 => {
                if open {
                    world.close_page(who);
                } else {
                    world.open_page(who);
                }
            }
            2 if open => {
                let n = world.random(4);
                let at =
                    if world.random(2) == 0 { CrashAt::BeforePersist(n) } else { CrashAt::AfterPersist(n) };
                world.crash(who, at);
            }
            3 if open => {
                let online = !world.people[who].online;
                world.set_online(who, online);
            }
            4 => world.kill_server(),
            5 | 6 => world.start_server(),
            7 => world.break_links(who),
            8 if open => world.input(who, sotto_engine::Input::Wake),
            9 => {
                if let Some((mailbox, blob)) = world.server.accepted.last().cloned() {
                    world.inject(mailbox, blob);
                }
            }
            _ if open => {
                let text = format!("{who} says {step}");
                say(&mut world, who, contact, &text);
                // Accepted is what the screen shows; a crash before that loses only the wish.
                if world.people[who].client.is_some()
                    && world.people[who].screen.texts(contact).iter().any(|(shown, _)| *shown == text)
                {
                    said[who].insert(text);
                }
            }
            _ => {}
        }
        let pause = world.random(4000);
        world.run_for(Duration::from_millis(pause));
    }
    heal(&mut world);
    for (who, contact, other, back) in [(ANNA, ben, BEN, anna), (BEN, anna, ANNA, ben)] {
        let mine: Vec<_> = world.history(who, contact).into_iter().filter(|message| message.mine).collect();
        let waiting: Vec<_> = mine.iter().filter(|message| message.delivery != Delivery::Delivered).collect();
        assert!(
            waiting.is_empty(),
            "seed {seed}: {waiting:?}\n{:?}\n{:?}",
            world.people[0].log,
            world.people[1].log
        );
        let texts: Vec<String> = told(&mut world, who, contact);
        let arrived = told(&mut world, other, back);
        for text in &said[who] {
            assert_eq!(texts.iter().filter(|told| *told == text).count(), 1, "seed {seed}: {text} at home");
            assert_eq!(
                arrived.iter().filter(|told| *told == text).count(),
                1,
                "seed {seed}: {text} over there"
            );
        }
        assert_eq!(texts, arrived, "seed {seed}: both see the same in the same order");
        let gaps = world
            .history(who, contact)
            .into_iter()
            .filter(|message| matches!(message.content, Content::Gap { .. }));
        assert_eq!(gaps.count(), 0, "seed {seed}");
    }
}

/// The trouble is over.
fn heal(world: &mut World) {
    world.network = Network::default();
    world.start_server();
    for who in [ANNA, BEN] {
        world.cancel_crash(who);
        if !world.people[who].online {
            world.people[who].online = true;
        }
        if world.people[who].client.is_none() {
            world.run_for(Duration::from_secs(2));
        }
        if world.people[who].client.is_none() {
            world.open_page(who);
        }
        world.input(who, sotto_engine::Input::Online(true));
    }
    world.run_for(MINUTE * 10);
}

#[test]
fn random_schedules_converge() {
    let seeds = std::env::var("SOTTO_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(12);
    for seed in 1000..1000 + seeds {
        schedule(seed);
    }
}
