//! A second tab is offered "Use here"; after it the first tab has stopped, and nothing is lost.

use sotto_e2e::{Kind, Outcome, meet, scenario};

fn second(name: &str, kind: Kind) -> Outcome {
    scenario(name, async |stage| {
        let anna = stage.person("Anna", Kind::Chromium).await?;
        let ben = stage.person("Ben", kind).await?;
        meet(&anna, &ben).await?;
        ben.say("From the first tab").await?;
        anna.hears("From the first tab").await?;

        let first = ben.open_tab("/").await?;
        ben.sees("other-tab").await?;
        ben.sees_no("app").await?;
        ben.picture("other-tab").await?;
        // The first one goes on until it is told otherwise.
        anna.say("Still with the first tab?").await?;
        anna.has_said("Still with the first tab?", "delivered").await?;

        anna.say("On the way while you change").await?;
        ben.click("use-here").await?;
        ben.click("contact").await?;
        let history = ["> From the first tab", "Still with the first tab?", "On the way while you change"];
        ben.sees_conversation(&history).await?;
        anna.has_said("On the way while you change", "delivered").await?;
        ben.say("From the second tab").await?;
        ben.has_said("From the second tab", "delivered").await?;
        anna.say("Heard").await?;
        ben.hears("Heard").await?;

        let second = ben.driver().await?.window().await?;
        ben.turn_to(first).await?;
        ben.sees("taken-over").await?;
        ben.sees_no("app").await?;
        ben.picture("taken-over").await?;
        ben.click("use-here").await?;
        ben.click("contact").await?;
        let history = [&history[..], &["> From the second tab", "Heard"]].concat();
        ben.sees_conversation(&history).await?;
        ben.say("From the first tab again").await?;
        ben.has_said("From the first tab again", "delivered").await?;
        ben.turn_to(second).await?;
        ben.sees("taken-over").await?;
        anna.sees_conversation(&[
            "From the first tab",
            "> Still with the first tab?",
            "> On the way while you change",
            "From the second tab",
            "> Heard",
            "From the first tab again",
        ])
        .await
    })
}

#[test]
fn second_tab_in_chromium() -> Outcome {
    second("second_tab_in_chromium", Kind::Chromium)
}

#[test]
fn second_tab_in_firefox() -> Outcome {
    second("second_tab_in_firefox", Kind::Firefox)
}
