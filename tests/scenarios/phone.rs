//! The first minute on a phone: from a link to the first words, with fingers, on narrow screens, light and dark. And
//! the same pages on a large screen. Pictures of every screen are left among the artifacts.

use sotto_e2e::{Kind, Outcome, Person, Review, scenario, trouble};

/// The composer is wholly inside what one sees, and nothing lies over it.
async fn composer_is_free(person: &Person, what: &str) -> Outcome {
    person
        .patiently(&format!("the composer in sight, {what}"), async || {
            let script = "const field = document.querySelector('[data-testid=composer]');
                const box = field.getBoundingClientRect();
                const above = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
                const bottom = visualViewport.offsetTop + visualViewport.height;
                if (field.contains(above) && box.top >= 0 && box.bottom <= bottom + 0.5) return null;
                return `it is from ${box.top} to ${box.bottom}, one sees to ${bottom}, above it is ${above?.className}`;";
            match person.script(script, vec![]).await?.as_str() {
                None => Ok(Some(())),
                Some(seen) => Err(trouble(seen)),
            }
        })
        .await
}

#[test]
fn phone_first_minute() -> Outcome {
    scenario("phone_first_minute", async |stage| {
        let anna = stage.person("Anna", Kind::Chromium).await?;
        let ben = stage.person("Ben", Kind::Chromium).await?;
        ben.touch().await?;
        ben.resize(390, 844).await?;
        anna.touch().await?;
        anna.resize(390, 844).await?;
        let mut review = Review::begin()?;

        anna.open("/").await?;
        anna.sees("welcome").await?;
        review.look_at(&anna, "1-welcome").await?;
        let link = anna.create_link("Anna").await?;
        review.look_at(&anna, "2-invite").await?;

        ben.open_link(&link, "Anna").await?;
        review.look_at(&ben, "3-card").await?;
        ben.accept("Ben").await?;
        composer_is_free(&ben, "at once").await?;
        ben.say("I am on a phone.").await?;
        composer_is_free(&ben, "after the first words").await?;
        anna.sees("confirm-banner").await?;
        review.look_at(&anna, "4-confirm").await?;
        anna.confirm("Ben").await?;
        anna.hears("I am on a phone.").await?;
        for number in 1..=12 {
            anna.say(&format!("Line {number} of a longer story, so that there is something to scroll."))
                .await?;
        }
        ben.hears("Line 12 of a longer story, so that there is something to scroll.").await?;
        ben.sees_route("direct").await?;

        // A keyboard takes the lower part of the screen away (`interactive-widget=resizes-content`).
        ben.click("composer").await?;
        ben.resize(390, 844 - 336).await?;
        composer_is_free(&ben, "above the keyboard").await?;
        ben.say("Still here?").await?;
        composer_is_free(&ben, "after words above the keyboard").await?;
        ben.picture("5-keyboard").await?;
        ben.resize(390, 844).await?;
        review.look_at(&ben, "6-chat").await?;

        ben.click("verify-open").await?;
        ben.sees("safety-digits").await?;
        review.look_at(&ben, "7-verify").await?;
        // Back: the browser's own, then the page's.
        ben.driver().await?.back().await?;
        ben.sees("app[data-screen=\"chat\"]").await?;
        ben.click("back").await?;
        ben.sees("app[data-screen=\"home\"]").await?;
        ben.sees_visible("contact").await?;
        review.look_at(&ben, "8-list").await?;
        ben.click("contact").await?;
        ben.sees("app[data-screen=\"chat\"]").await?;
        ben.driver().await?.back().await?;
        ben.sees("app[data-screen=\"home\"]").await?;
        ben.click("settings-open").await?;
        ben.sees("settings").await?;
        review.look_at(&ben, "9-settings").await?;

        review.finish()
    })
}
