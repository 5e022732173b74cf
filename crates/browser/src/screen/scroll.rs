//! A history that stays at its end when it was there, and stays put when it was not.

use std::{cell::Cell, rc::Rc};

use gloo_events::EventListener;
use wasm_bindgen::{
    JsCast,
    prelude::{Closure, wasm_bindgen},
};
use web_sys::{Element, ResizeObserver};

/// How near an edge counts as being there, in CSS pixels.
const AT_END: f64 = 48.0;
const NEAR_START: f64 = 480.0;

#[wasm_bindgen]
extern "C" {
    /// `Element.scrollTop`, which web-sys takes for a whole number or not depending on its unstable switch.
    #[wasm_bindgen(extends = js_sys::Object)]
    type Scrolled;

    #[wasm_bindgen(method, getter, js_name = scrollTop)]
    fn scroll_top(this: &Scrolled) -> f64;

    #[wasm_bindgen(method, setter, js_name = scrollTop)]
    fn set_scroll_top(this: &Scrolled, top: f64);
}

/// Where the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScrollPosition {
    /// The newest is seen.
    pub at_end: bool,
    /// The oldest loaded is near.
    pub near_start: bool,
}

/// Watches a scrolling element and what it holds until dropped.
pub struct Scroll {
    outer: Element,
    stick: Rc<Cell<bool>>,
    above: Rc<Cell<bool>>,
    observer: Option<ResizeObserver>,
    _resized: Closure<dyn Fn()>,
    _scrolled: EventListener,
}

impl Scroll {
    /// `outer` scrolls `inner`. `on_move` is told where the reader is whenever that may have changed.
    pub fn new(outer: &Element, inner: &Element, on_move: impl Fn(ScrollPosition) + 'static) -> Self {
        let stick = Rc::new(Cell::new(true));
        let on_move = Rc::new(on_move);
        let scrolled = {
            let (outer, stick, on_move) = (outer.clone(), Rc::clone(&stick), Rc::clone(&on_move));
            let before = Cell::new(top(&outer));
            EventListener::new(&outer.clone(), "scroll", move |_| {
                let position = position(&outer);
                // The event comes a frame late: what was added since puts the end out of sight without anybody
                // having left it. Only a reader moves up.
                let moved_up = before.replace(top(&outer)) - top(&outer) > 1.0;
                stick.set(position.at_end || stick.get() && !moved_up);
                on_move(position);
            })
        };
        let above = Rc::new(Cell::new(false));
        let resized = {
            let (outer, stick, above) = (outer.clone(), Rc::clone(&stick), Rc::clone(&above));
            let before = Cell::new(height(&outer));
            Closure::<dyn Fn()>::new(move || {
                let grown = height(&outer) - before.replace(height(&outer));
                if stick.get() {
                    set_top(&outer, height(&outer));
                } else if above.take() && grown > 0.0 {
                    set_top(&outer, top(&outer) + grown);
                }
                on_move(position(&outer));
            })
        };
        let observer = ResizeObserver::new(resized.as_ref().unchecked_ref()).ok();
        if let Some(observer) = &observer {
            observer.observe(outer);
            observer.observe(inner);
        }
        Self { outer: outer.clone(), stick, above, observer, _resized: resized, _scrolled: scrolled }
    }

    /// Goes to the newest and stays there.
    pub fn to_end(&self) {
        self.stick.set(true);
        set_top(&self.outer, height(&self.outer));
    }

    /// Stays where the reader was brought to, because that is to be looked at; follows the newest only if all of it is
    /// in sight from there.
    pub fn stay(&self) {
        self.stick.set(position(&self.outer).at_end);
    }

    /// What is about to be added stands above what is read: the reader stays with it.
    pub fn grows_above(&self) {
        self.above.set(true);
    }
}

impl Drop for Scroll {
    fn drop(&mut self) {
        if let Some(observer) = &self.observer {
            observer.disconnect();
        }
    }
}

fn position(outer: &Element) -> ScrollPosition {
    let below = height(outer) - top(outer) - f64::from(outer.client_height());
    ScrollPosition { at_end: below <= AT_END, near_start: top(outer) <= NEAR_START }
}

fn height(element: &Element) -> f64 {
    f64::from(element.scroll_height())
}

fn top(element: &Element) -> f64 {
    element.unchecked_ref::<Scrolled>().scroll_top()
}

fn set_top(element: &Element, top: f64) {
    element.unchecked_ref::<Scrolled>().set_scroll_top(top);
}
