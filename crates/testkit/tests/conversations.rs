//! Whole conversations under random schedules of what people do and what befalls them, all from seeds: both beginning at
//! once, lost sessions, replaced keys and rolled-back disks included. They are judged as the fuzz target judges them,
//! whose scene and steps they share. `SOTTO_SEEDS=N` plays N, `SOTTO_SEED=N` that one.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use core::time::Duration;
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_core::Rng;
use sotto_testkit::fuzz::{Played, play};

/// What a step of the fuzz target's schedule does, as often as it is to happen in comparison.
const STEPS: [(u8, usize); 22] = [
    (0, 14), // say something
    (5, 4),  // up to five seconds pass
    (6, 5),  // up to nine minutes
    (7, 1),  // reload
    (8, 2),  // close or open the page
    (9, 2),  // crash
    (10, 1), // lose or get back the network
    (11, 1), // the server dies
    (12, 2), // and comes back
    (13, 1), // links break
    (14, 2), // another network
    (15, 2), // an envelope comes again
    (16, 1), // altered
    (17, 4), // the disk is copied, or put back
    (18, 2), // all sessions are lost
    (19, 1), // days pass
    (20, 1), // a clock is wrong
    (21, 1), // wake-up
    (22, 3), // files
    (23, 1), // a link dies in silence
    (24, 1), // another name; seldom the end
    (25, 1), // read
];

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().and_then(|value| value.parse().ok())
}

fn schedule(seed: u64) -> Vec<u8> {
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    let weighted: Vec<u8> = STEPS.iter().flat_map(|(step, times)| vec![*step; *times]).collect();
    let length = 8 + rng.next_u32() % 64;
    let mut pick = |below: usize| usize::try_from(rng.next_u32()).unwrap() % below;
    (0..length).flat_map(|_| [weighted[pick(weighted.len())], u8::try_from(pick(256)).unwrap()]).collect()
}

fn played(seed: u64) -> Played {
    let schedule = schedule(seed);
    catch_unwind(AssertUnwindSafe(|| play(&schedule))).unwrap_or_else(|panic| {
        println!("seed {seed}: {schedule:?}");
        resume_unwind(panic)
    })
}

#[test]
fn what_was_promised_is_so_after_any_schedule() {
    let seeds: Vec<u64> = match number("SOTTO_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("SOTTO_SEEDS").unwrap_or(150)).collect(),
    };
    let all: Vec<Played> = seeds.iter().map(|seed| played(*seed)).collect();
    let lost = all.iter().filter(|played| played.lost_state).count();
    let ended = all.iter().filter(|played| played.ended).count();
    let texts: usize = all.iter().map(|played| played.texts).sum();
    let took: Duration = all.iter().map(|played| played.took).sum();
    println!(
        "conversations: {} schedules, {lost} with lost state, {ended} ended, {texts} texts, {} hours",
        all.len(),
        took.as_secs() / 3600
    );
    let tame = all.len() >= 100 && (lost * 4 < all.len() || ended * 4 > all.len() || texts < all.len() * 4);
    assert!(!tame, "the schedules are too tame");
}
