//! Looking at a page as somebody who reviews it does: in every size, light and dark, with fingers or a mouse, by rules
//! of our own and by those of axe (WCAG 2.2, levels A and AA).

use std::env;
use std::fs;

use serde_json::json;

use crate::person::{Person, Scheme};
use crate::wait::{Outcome, trouble};

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

/// What axe finds, in words.
const AXE: &str = r#"
    return axe.run(document, {
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
        resultTypes: ['violations'],
    }).then(({ violations }) => violations.flatMap(({ id, help, nodes }) =>
        nodes.map((node) => `${id}, ${help}: ${node.html.slice(0, 160)} ${node.failureSummary ?? ''}`)));
"#;

/// Colours fade from one scheme to the other; what turns for ever is left alone. They are brought to their end, not
/// waited for: a browser that draws nothing does not get there.
const COME_TO_REST: &str = "for (const one of document.getAnimations()) {
    if (Number.isFinite(one.effect.getComputedTiming().endTime)) one.finish();
}";

/// What to look at a page in: widths and heights in CSS pixels.
const SIZES: [(u32, u32); 3] = [(390, 844), (320, 700), (1280, 800)];

/// Faults seen on screens, told together at the end.
pub struct Review {
    axe: String,
    faults: Vec<String>,
}

impl Review {
    /// A review that has seen nothing yet.
    ///
    /// # Errors
    ///
    /// When axe is not installed.
    pub fn begin() -> Outcome<Review> {
        let tools = env::current_exe()?.ancestors().nth(3).map(|target| target.join("tools/npm/axe-core"));
        let axe =
            tools.and_then(|tools| fs::read_to_string(tools.join("node_modules/axe-core/axe.min.js")).ok());
        let axe = axe.ok_or_else(|| trouble("axe is not installed; `cargo xtask test` does that"))?;
        Ok(Review { axe, faults: Vec::new() })
    }

    /// Looks at the present screen in every size, light and dark, and leaves pictures among the artifacts. Chromium
    /// only. Afterwards the page is light, and as large as a phone's.
    ///
    /// # Errors
    ///
    /// When the browser does not do it; faults are told by [`Review::finish`].
    pub async fn look_at(&mut self, person: &Person, screen: &str) -> Outcome {
        for (width, height) in SIZES {
            person.resize(width, height).await?;
            for (scheme, named) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
                person.prefer(scheme).await?;
                person.script(COME_TO_REST, vec![]).await?;
                let ours = person.script(FAULTS, vec![json!(width < 500)]).await?;
                let axe = person.script(&format!("{}\n{AXE}", self.axe), vec![]).await?;
                for seen in [ours, axe] {
                    let seen: Vec<String> = serde_json::from_value(seen)?;
                    self.faults
                        .extend(seen.into_iter().map(|fault| format!("{screen}, {width}, {named}: {fault}")));
                }
                person.picture(&format!("{screen}-{width}-{named}")).await?;
            }
        }
        person.prefer(Scheme::Light).await?;
        person.resize(390, 844).await
    }

    /// Ends the review.
    ///
    /// # Errors
    ///
    /// With every fault that was seen.
    pub fn finish(mut self) -> Outcome {
        self.faults.sort();
        self.faults.dedup();
        if self.faults.is_empty() { Ok(()) } else { Err(trouble(self.faults.join("\n"))) }
    }
}
