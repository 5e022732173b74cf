use futures_util::StreamExt;
use wasm_bindgen_test::wasm_bindgen_test;

use super::unique;
use crate::tab_lock::{Claim, LockError, TabLock};

#[wasm_bindgen_test]
async fn only_one_holds_it() {
    let name = unique("one");
    let (first, _claims) = TabLock::acquire(&name, false).await.unwrap();
    assert_eq!(TabLock::acquire(&name, false).await.unwrap_err(), LockError::Held);
    drop(first);
    // The browser releases it after the promise has settled: ask until then.
    let mut second = TabLock::acquire(&name, false).await;
    for _ in 0..100 {
        if second.is_ok() {
            break;
        }
        gloo_timers::future::TimeoutFuture::new(10).await;
        second = TabLock::acquire(&name, false).await;
    }
    assert!(second.is_ok());
}

#[wasm_bindgen_test]
async fn the_holder_is_asked_and_gives_it() {
    let name = unique("asked");
    let (first, mut claims) = TabLock::acquire(&name, false).await.unwrap();
    let holder = async {
        assert_eq!(claims.next().await, Some(Claim::Asked));
        drop(first);
    };
    let (second, ()) = futures_util::future::join(TabLock::acquire(&name, true), holder).await;
    let (_second, mut claims) = second.unwrap();
    assert!(claims.try_recv().is_err(), "nobody else wants it");
}

#[wasm_bindgen_test]
async fn a_holder_that_does_not_answer_loses_it_and_learns_so() {
    let name = unique("stolen");
    let (_first, mut claims) = TabLock::acquire(&name, false).await.unwrap();
    let (_second, _) = TabLock::acquire(&name, true).await.unwrap();
    assert_eq!(claims.next().await, Some(Claim::Asked));
    assert_eq!(claims.next().await, Some(Claim::Stolen));
}
