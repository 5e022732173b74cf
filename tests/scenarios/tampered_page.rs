//! A changed byte in any script, worker or wasm file that the server hands out is refused by the browser.
//!
//! The changes are such that the file would run as before: only a check of its bytes can refuse it.

use std::sync::Arc;

use serde_json::json;
use sotto_e2e::{Kind, Outcome, Page, Person, Proxy, Stage, scenario, trouble};

/// Changes the bytes of a file.
type Change = fn(&[u8]) -> Option<Vec<u8>>;

/// A tab in the place of the first space; scripts begin with comments or declarations.
fn respace(script: &[u8]) -> Option<Vec<u8>> {
    let mut changed = script.to_vec();
    let space = changed.iter_mut().find(|byte| **byte == b' ')?;
    *space = b'\t';
    Some(changed)
}

/// An empty custom section at the end: <https://webassembly.github.io/spec/core/binary/modules.html#custom-section>.
fn add_section(wasm: &[u8]) -> Option<Vec<u8>> {
    Some([wasm, &[0, 2, 1, b'x']].concat())
}

/// Starts the worker as the page does, and tells whether it ran.
const START_WORKER: &str = "return new Promise((resolve) => {
    const worker = new Worker(globalThis.__sotto.worker);
    worker.onerror = (event) => { event.preventDefault(); resolve('refused'); };
    worker.onmessage = () => resolve('ran');
});";

async fn tampered(
    stage: &mut Stage,
    kind: Kind,
    name: &str,
    file: &str,
    change: Change,
) -> Outcome<(Arc<Person>, Arc<Proxy>)> {
    let proxy = stage.proxy().await?;
    proxy.change_responses(file, change);
    let person = stage.person_at(name, kind, &proxy.origin()).await?;
    // Errors are what is wanted here: refusals, and what follows from them.
    person.tolerate("");
    person.open("/").await?;
    Ok((person, proxy))
}

fn refused(kind: Kind, name: &str) -> Outcome {
    scenario(name, async |stage| {
        // Without the script that starts everything, there is nobody to tell why the page stays as it was painted.
        let boot = Page::file("boot", "js")?;
        let (person, proxy) = tampered(stage, kind, "boot", &boot, respace).await?;
        let asked = format!("GET {boot} ");
        person
            .patiently("asked for the script", async || {
                let recorded = proxy.recording().bytes();
                Ok(recorded.windows(asked.len()).any(|window| window == asked.as_bytes()).then_some(()))
            })
            .await?;
        // The document's own load event waits for its module scripts, and `open` for that event.
        if person.script("return '__sotto' in globalThis", vec![]).await? != json!(false) {
            return Err(trouble("a changed boot script ran"));
        }
        person.sees_visible("shell").await?;
        person.close().await?;

        let parts: [(&str, String, Change); 3] = [
            ("glue", Page::file("sotto", "js")?, respace),
            ("wasm", Page::file("sotto", "wasm")?, add_section),
            ("worker-script", Page::file("worker", "js")?, respace),
        ];
        for (name, file, change) in parts {
            let (person, _proxy) = tampered(stage, kind, name, &file, change).await?;
            person.sees_visible("crashed").await?;
            person.sees_no("app").await?;
            person.close().await?;
        }

        let wasm = Page::file("worker", "wasm")?;
        let (person, proxy) = tampered(stage, kind, "worker-wasm", &wasm, add_section).await?;
        person.sees_no("shell").await?;
        let told = person.script(START_WORKER, vec![]).await?;
        if told != json!("refused") {
            return Err(trouble(format!("a changed worker: {told}")));
        }
        person.close().await?;

        // The same worker runs when nobody has changed it: the refusal had no other cause.
        proxy.be_honest();
        let person = stage.person_at("honest", kind, &proxy.origin()).await?;
        person.open("/").await?;
        person.sees_no("shell").await?;
        let told = person.script(START_WORKER, vec![]).await?;
        if told != json!("ran") {
            return Err(trouble(format!("an unchanged worker: {told}")));
        }
        person.close().await
    })
}

#[test]
fn tampered_page_is_refused_by_chromium() -> Outcome {
    refused(Kind::Chromium, "tampered_page_is_refused_by_chromium")
}

#[test]
fn tampered_page_is_refused_by_firefox() -> Outcome {
    refused(Kind::Firefox, "tampered_page_is_refused_by_firefox")
}
