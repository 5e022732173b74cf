use sotto_engine::{Input, LinkEvent, LinkPath};
use wasm_bindgen_test::wasm_bindgen_test;

use super::pair::{End, Pair};
use crate::inbox::Item;

fn is_closed(end: &End) -> bool {
    end.has(|item| matches!(item, Item::Input(Input::Link(_, LinkEvent::Closed))))
}

async fn talk(pair: &mut Pair) {
    for (index, end) in pair.0.iter().enumerate() {
        for number in 0..3 {
            end.link.as_ref().unwrap().send(vec![u8::try_from(index).unwrap(), number]);
        }
    }
    pair.until("both have three messages", |ends| ends.iter().all(|end| end.messages().len() == 3)).await;
    assert_eq!(pair.0[0].messages(), [[1, 0], [1, 1], [1, 2]]);
    assert_eq!(pair.0[1].messages(), [[0, 0], [0, 1], [0, 2]]);
}

#[wasm_bindgen_test]
async fn two_links_connect_directly_and_talk() {
    let mut pair = Pair::connected().await;
    let direct = |item: &Item| {
        matches!(item, Item::Input(Input::Link(_, LinkEvent::Path(LinkPath::Local | LinkPath::Internet))))
    };
    pair.until("both know a direct path", |ends| ends.iter().all(|end| end.has(direct))).await;
    talk(&mut pair).await;
}

#[wasm_bindgen_test]
async fn both_may_offer_at_once() {
    let mut pair = Pair::new([true, true]);
    pair.until("both are open", |ends| ends.iter().all(End::is_open)).await;
    talk(&mut pair).await;
}

#[wasm_bindgen_test]
async fn the_other_side_learns_that_a_link_is_closed() {
    let mut pair = Pair::connected().await;
    pair.0[0].link = None;
    pair.until("the other is closed", |ends| is_closed(&ends[1])).await;
    assert!(!is_closed(&pair.0[0]), "one that was closed here says nothing more");
}
