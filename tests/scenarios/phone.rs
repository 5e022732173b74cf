//! The first minute on a phone: from a link to the first words, with fingers, on narrow screens, light and dark. And
//! the same pages on a large screen. Pictures of every screen are left among the artifacts.

use serde_json::json;
use sotto_e2e::{Kind, Outcome, Person, Scheme, scenario, trouble};

/// What is wrong with the page as it stands there, in words. `arguments[0]`: whether fingers use it.
///
/// Nothing scrolls sideways or sticks out. Whatever can be pressed is at least 44 px high and wide for fingers (WCAG
/// 2.2, 2.5.5), by itself or with what belongs to it, or is a link within a sentence. Everything that can be operated
/// has a name; ids are not used twice; pictures have a text or are hidden.
const FAULTS: &str = r#"
    const faults = [];
    const tell = (what, element) => faults.push(`${what}: ${element.outerHTML.slice(0, 160)}`);
    if (document.documentElement.scrollWidth > innerWidth) faults.push(`the page is ${document.documentElement.scrollWidth} wide`);
    const shown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    const hidden = (element) => element.closest('[aria-hidden=true], [hidden], [inert], .skip') !== null;
    const labels = (element) => [...(element.labels ?? [])].map((label) => label.textContent).join(' ');
    const named = (element) => [
        element.getAttribute('aria-label'),
        ...(element.getAttribute('aria-labelledby') ?? '').split(/\s+/).filter(Boolean)
            .map((id) => document.getElementById(id)?.textContent),
        labels(element), element.textContent, element.getAttribute('title'), element.getAttribute('alt'),
    ].some((text) => text?.trim());
    // Large by itself or by its label, or hit as well beside it.
    const reachable = (element) => {
        const boxes = [element, element.closest('label'), ...(element.labels ?? [])].filter(Boolean)
            .map((one) => one.getBoundingClientRect());
        if (boxes.some((box) => box.width >= 43.5 && box.height >= 43.5)) return true;
        element.scrollIntoView({ block: 'nearest' });
        const box = element.getBoundingClientRect();
        const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
        return [[-21.5, 0], [21.5, 0], [0, -21.5], [0, 21.5]].every(([right, down]) => {
            const hit = document.elementFromPoint(x + right, y + down);
            return hit !== null && element.contains(hit);
        });
    };
    for (const element of document.querySelectorAll('button, a[href], input, textarea, select, [role=switch], [role=progressbar]')) {
        if (!shown(element) || hidden(element)) continue;
        const box = element.getBoundingClientRect();
        if (box.width === 0 || box.height === 0) continue;
        if (box.left < -1 || box.right > innerWidth + 1) tell('sticks out', element);
        if (!named(element)) tell('has no name', element);
        const inSentence = element.matches('a') && getComputedStyle(element).display === 'inline';
        if (arguments[0] && !inSentence && !reachable(element)) {
            tell(`${Math.round(box.width)}×${Math.round(box.height)} is small for a finger`, element);
        }
    }
    for (const picture of document.querySelectorAll('svg, img')) {
        if (shown(picture) && !hidden(picture) && !picture.matches('[role=img], [alt]') && !picture.closest('[role=img]')) {
            tell('a picture without a text', picture);
        }
    }
    const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
    for (const id of new Set(ids.filter((id, index) => ids.indexOf(id) !== index))) faults.push(`the id ${id} twice`);
    if (!document.documentElement.lang) faults.push('the page has no language');
    if (!document.title.trim()) faults.push('the page has no title');
    return faults;
"#;

/// Colours fade from one scheme to the other; what turns for ever is not waited for.
const COME_TO_REST: &str = "return Promise.all(document.getAnimations()
    .filter((one) => Number.isFinite(one.effect.getComputedTiming().endTime))
    .map((one) => one.finished.catch(() => undefined))).then(() => null)";

const SIZES: [(u32, u32); 3] = [(390, 844), (320, 700), (1280, 800)];

/// Looks at the present screen in every size, light and dark, and leaves pictures.
async fn look_at(person: &Person, screen: &str, faults: &mut Vec<String>) -> Outcome {
    for (width, height) in SIZES {
        person.resize(width, height).await?;
        for (scheme, named) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
            person.prefer(scheme).await?;
            person.script(COME_TO_REST, vec![]).await?;
            let seen: Vec<String> =
                serde_json::from_value(person.script(FAULTS, vec![json!(width < 500)]).await?)?;
            faults.extend(seen.into_iter().map(|fault| format!("{screen}, {width}, {named}: {fault}")));
            person.picture(&format!("{screen}-{width}-{named}")).await?;
        }
    }
    person.prefer(Scheme::Light).await?;
    person.resize(390, 844).await
}

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
        let mut faults = Vec::new();

        anna.open("/").await?;
        anna.sees("welcome").await?;
        look_at(&anna, "1-welcome", &mut faults).await?;
        let link = anna.create_link("Anna").await?;
        look_at(&anna, "2-invite", &mut faults).await?;

        ben.open_link(&link, "Anna").await?;
        look_at(&ben, "3-card", &mut faults).await?;
        ben.accept("Ben").await?;
        composer_is_free(&ben, "at once").await?;
        ben.say("I am on a phone.").await?;
        composer_is_free(&ben, "after the first words").await?;
        anna.sees("confirm-banner").await?;
        look_at(&anna, "4-confirm", &mut faults).await?;
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
        look_at(&ben, "6-chat", &mut faults).await?;

        ben.click("verify-open").await?;
        ben.sees("safety-digits").await?;
        look_at(&ben, "7-verify", &mut faults).await?;
        // Back: the browser's own, then the page's.
        ben.driver().await?.back().await?;
        ben.sees("app[data-screen=\"chat\"]").await?;
        ben.click("back").await?;
        ben.sees("app[data-screen=\"home\"]").await?;
        ben.sees_visible("contact").await?;
        look_at(&ben, "8-list", &mut faults).await?;
        ben.click("contact").await?;
        ben.sees("app[data-screen=\"chat\"]").await?;
        ben.driver().await?.back().await?;
        ben.sees("app[data-screen=\"home\"]").await?;
        ben.click("settings-open").await?;
        ben.sees("settings").await?;
        look_at(&ben, "9-settings", &mut faults).await?;

        faults.sort();
        faults.dedup();
        if faults.is_empty() { Ok(()) } else { Err(trouble(faults.join("\n"))) }
    })
}
