//! The program panics: the page says that the data is safe, gives a report without content, and a reload goes on.

use serde_json::json;
use sotto_e2e::{Kind, Outcome, meet, scenario, trouble};

fn crashes(name: &str, kind: Kind) -> Outcome {
    scenario(name, async |stage| {
        let anna = stage.person("Anna", kind).await?;
        let ben = stage.person("Ben", Kind::Chromium).await?;
        meet(&anna, &ben).await?;
        anna.say("Before").await?;
        anna.has_said("Before", "delivered").await?;

        // A browser without randomness is none that one could go on in.
        let break_it = "Object.defineProperty(Crypto.prototype, 'getRandomValues', { value: () => { throw new Error('none'); } });";
        anna.script(break_it, vec![]).await?;
        anna.tolerate("");
        anna.type_into("composer", "Secret words").await?;
        anna.click("send").await?;
        anna.sees_visible("crashed").await?;
        anna.picture("crashed").await?;
        let report =
            anna.script("return document.getElementById('crash-report').textContent", vec![]).await?;
        let report = report.as_str().unwrap_or_default();
        if !report.starts_with("Sotto ") || report.contains("Secret") || report.contains("Ben") {
            return Err(trouble(format!("the report is {report:?}")));
        }

        anna.script("document.getElementById('crash-reload').click()", vec![]).await?;
        anna.click("contact").await?;
        anna.has_said("Before", "delivered").await?;
        anna.say("After").await?;
        ben.hears("After").await?;
        if anna.script("return document.getElementById('crashed').hidden", vec![]).await? != json!(true) {
            return Err(trouble("the crash page is still there"));
        }
        Ok(())
    })
}

#[test]
fn crashed_in_chromium() -> Outcome {
    crashes("crashed_in_chromium", Kind::Chromium)
}

#[test]
fn crashed_in_firefox() -> Outcome {
    crashes("crashed_in_firefox", Kind::Firefox)
}
