use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::Element;

use crate::screen::{Scroll, ScrollPosition};

struct Timeline {
    outer: Element,
    inner: Element,
}

impl Timeline {
    fn new() -> Self {
        let document = web_sys::window().unwrap().document().unwrap();
        let outer = document.create_element("div").unwrap();
        let inner = document.create_element("div").unwrap();
        outer.append_child(&inner).unwrap();
        document.body().unwrap().append_child(&outer).unwrap();
        let timeline = Self { outer, inner };
        timeline.resize(200, 1000);
        timeline
    }

    fn resize(&self, outer: u32, inner: u32) {
        self.outer.set_attribute("style", &format!("height:{outer}px;overflow-y:scroll")).unwrap();
        self.inner.set_attribute("style", &format!("height:{inner}px")).unwrap();
    }

    fn top(&self) -> f64 {
        js_sys::Reflect::get(&self.outer, &"scrollTop".into()).unwrap().as_f64().unwrap()
    }

    fn move_to(&self, top: f64) {
        js_sys::Reflect::set(&self.outer, &"scrollTop".into(), &JsValue::from_f64(top)).unwrap();
    }
}

impl Drop for Timeline {
    fn drop(&mut self) {
        self.outer.remove();
    }
}

/// Two frames: in the first, scroll events and observers are told, in that order; the second shows the outcome. Then a
/// task of its own, as a key press has, because what is changed within a frame is observed before it is scrolled.
async fn frames() {
    for _ in 0..2 {
        let frame = Promise::new(&mut |resolve, _| {
            web_sys::window().unwrap().request_animation_frame(&resolve).unwrap();
        });
        JsFuture::from(frame).await.unwrap();
    }
    gloo_timers::future::TimeoutFuture::new(0).await;
}

#[wasm_bindgen_test]
async fn end_is_kept_when_a_message_and_a_card_come_at_once() {
    let timeline = Timeline::new();
    let scroll = Scroll::new(&timeline.outer, &timeline.inner, |_: ScrollPosition| ());
    frames().await;
    timeline.resize(200, 1100);
    scroll.to_end();
    timeline.resize(100, 1300);
    frames().await;
    assert_eq!(timeline.top(), 1200.0);
}

#[wasm_bindgen_test]
async fn reader_who_moved_up_is_left_alone() {
    let timeline = Timeline::new();
    let _scroll = Scroll::new(&timeline.outer, &timeline.inner, |_: ScrollPosition| ());
    frames().await;
    timeline.move_to(300.0);
    frames().await;
    timeline.resize(150, 1300);
    frames().await;
    assert_eq!(timeline.top(), 300.0);
}
