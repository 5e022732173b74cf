//! The server is killed and started again.

use core::time::Duration;

use sotto_testkit::{Network, World};

use crate::common::*;

#[test]
fn a_restart_while_both_talk_loses_and_doubles_nothing() {
    for seed in 40..44 {
        let mut world = World::new(seed, 2);
        world.network = Network { links: seed % 2 == 0, ..Network::default() };
        let (ben, anna) = befriend(&mut world);
        let mut expected = Vec::new();
        for n in 0..30 {
            if n % 10 == 5 {
                world.kill_server();
            }
            if n % 10 == 8 {
                world.start_server();
            }
            for (who, contact) in [(ANNA, ben), (BEN, anna)] {
                let text = format!("{who} says {n}");
                say(&mut world, who, contact, &text);
                expected.push(text);
            }
            let pause = world.random(1500);
            world.run_for(Duration::from_millis(pause));
        }
        world.run_for(MINUTE * 5);
        assert!(all_delivered(&world, ANNA) && all_delivered(&world, BEN));
        for (who, contact) in [(ANNA, ben), (BEN, anna)] {
            let mut said = told(&mut world, who, contact);
            said.sort();
            let mut all = expected.clone();
            all.sort();
            assert_eq!(said, all);
        }
    }
}
