//! The page.

use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

/// Starts the worker and hands back its first message.
async fn ask_worker() -> Result<String, JsValue> {
    let kept = js_sys::Reflect::get(&js_sys::global(), &"__sotto".into())?;
    let url = js_sys::Reflect::get(&kept, &"worker".into())?.as_string().unwrap_or_default();
    let worker = web_sys::Worker::new(&url)?;
    let answer = js_sys::Promise::new(&mut |resolve, reject| {
        worker.set_onmessage(Some(&resolve));
        worker.set_onerror(Some(&reject));
    });
    let event: web_sys::MessageEvent = wasm_bindgen_futures::JsFuture::from(answer).await?.unchecked_into();
    Ok(event.data().as_string().unwrap_or_default())
}

#[component]
fn App() -> impl IntoView {
    let (answer, set_answer) = signal(String::new());
    spawn_local(async move {
        match ask_worker().await {
            Ok(text) => set_answer.set(text),
            Err(error) => web_sys::console::error_1(&error),
        }
    });
    view! {
        <section class="card">
            <h1 data-testid="app">"hello"</h1>
            <p>"A static paragraph"</p>
        </section>
        <p data-testid="worker">{answer}</p>
    }
}

fn main() {
    std::panic::set_hook(Box::new(|info| web_sys::console::error_1(&info.to_string().into())));
    let document = web_sys::window().and_then(|window| window.document());
    if let Some(shell) = document.as_ref().and_then(|document| document.get_element_by_id("shell")) {
        shell.remove();
    }
    if let Some(app) = document.and_then(|document| document.get_element_by_id("app")) {
        mount_to(app.unchecked_into(), App).forget();
    }
}
