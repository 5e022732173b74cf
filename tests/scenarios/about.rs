//! Which program it is, as the page tells it; and what can be done where the program has stopped.

use serde_json::json;
use sotto_e2e::{Kind, Outcome, Page, Person, scenario, trouble};

/// The digest of a file as an `integrity` attribute writes it.
const INTEGRITY: &str = "return (async () => {
    const bytes = await (await fetch(arguments[0])).arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-384', bytes));
    return `sha384-${btoa(String.fromCharCode(...digest))}`;
})()";

#[test]
fn build_is_told() -> Outcome {
    scenario("build_is_told", async |stage| {
        let anna = stage.person("Anna", Kind::Chromium).await?;
        anna.open("/").await?;
        anna.click("settings-open").await?;
        let wasm = Page::file("sotto", "wasm")?;
        let integrity = anna.script(INTEGRITY, vec![json!(wasm)]).await?;
        anna.reads_exactly("build", &[integrity.as_str().unwrap_or_default()]).await
    })
}

async fn copies_report(person: &Person, clipboard: &str, answer: &str) -> Outcome {
    let script = format!(
        "Object.defineProperty(navigator, 'clipboard', {{ value: {clipboard} }});
        globalThis.__sotto.fail('What happened');"
    );
    person.script(&script, vec![]).await?;
    person.sees_visible("crashed").await?;
    person.reads("crashed", "Sotto had to stop").await?;
    person.click("crash-copy").await?;
    person.reads("crash-copy", answer).await
}

fn crash_report(name: &str, kind: Kind) -> Outcome {
    scenario(name, async |stage| {
        let anna = stage.person("Anna", kind).await?;
        anna.open("/").await?;
        anna.sees("app").await?;
        copies_report(&anna, "{ writeText: async (text) => { window.copied = text; } }", "Report copied")
            .await?;
        if anna.script("return window.copied", vec![]).await? != json!("What happened") {
            return Err(trouble("another text was copied"));
        }
        for refusing in ["{ writeText: async () => { throw new Error('refused'); } }", "undefined"] {
            anna.reload().await?;
            anna.sees("app").await?;
            copies_report(&anna, refusing, "The report is selected").await?;
            if anna.script("return getSelection().toString()", vec![]).await? != json!("What happened") {
                return Err(trouble("the report is not selected"));
            }
        }
        Ok(())
    })
}

#[test]
fn crash_report_in_chromium() -> Outcome {
    crash_report("crash_report_in_chromium", Kind::Chromium)
}

#[test]
fn crash_report_in_firefox() -> Outcome {
    crash_report("crash_report_in_firefox", Kind::Firefox)
}
