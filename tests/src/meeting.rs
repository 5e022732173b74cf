//! What people do to meet and to talk.

use serde_json::json;

use crate::person::Person;
use crate::wait::{Outcome, trouble};

impl Person {
    /// Visits for the first time, says a name, and makes a link; hands it back once the server has the invite.
    pub async fn create_link(&self, own_name: &str) -> Outcome<String> {
        self.open("/").await?;
        self.fill("own-name", own_name).await?;
        self.click("create-link").await?;
        self.sees("invite[data-ready=\"true\"]").await?;
        self.value("invite-link").await
    }

    /// Makes another link than `before`, from the list.
    pub async fn create_another_link(&self, before: &str) -> Outcome<String> {
        self.click("create-link").await?;
        self.patiently("another link", async || {
            let link = self.value("invite-link").await?;
            let ready = self.attributes("invite", "data-ready").await?;
            Ok((link != before && ready == [Some("true".to_owned())]).then_some(link))
        })
        .await
    }

    /// Opens somebody's link and sees who it is from. Uses nothing up.
    pub async fn open_link(&self, link: &str, from: &str) -> Outcome {
        self.open(link).await?;
        self.sees("card[data-state=\"open\"]").await?;
        self.reads("card-name", from).await
    }

    /// Presses the card's button.
    pub async fn accept(&self, own_name: &str) -> Outcome {
        self.fill("own-name", own_name).await?;
        self.click("start-talking").await?;
        self.sees("chat").await
    }

    /// Sees that somebody came by the link, and confirms them.
    pub async fn confirm(&self, name: &str) -> Outcome {
        self.sees("confirm-banner").await?;
        self.reads("chat-name", name).await?;
        self.click("confirm-contact").await?;
        self.sees("chat[data-standing=\"confirmed\"]").await
    }

    /// Opens a link, or pastes it where it cannot be opened, and sees why it cannot be used.
    pub async fn is_refused(&self, link: &str, reason: &str) -> Outcome {
        if link.starts_with(self.origin()) {
            self.open(link).await?;
        } else {
            self.fill("paste-link", link).await?;
            self.click("open-link").await?;
        }
        self.sees_refusal(reason).await
    }

    /// Sees that the link cannot be used, and why.
    pub async fn sees_refusal(&self, reason: &str) -> Outcome {
        self.patiently(&format!("the refusal {reason}"), async || {
            let seen = self.attributes("card-refusal", "data-reason").await?;
            if seen == [Some(reason.to_owned())] {
                return Ok(Some(()));
            }
            Err(trouble(format!("it is {seen:?}")))
        })
        .await
    }

    /// How many records there are about anybody else, in all stores together.
    pub async fn records_of_others(&self) -> Outcome<u64> {
        let script = "return (async () => {
            const [known] = await indexedDB.databases();
            const answer = (request) => new Promise((resolve, reject) => {
                request.onsuccess = () => resolve(request.result);
                request.onerror = () => reject(request.error);
            });
            const database = await answer(indexedDB.open(known.name));
            const stores = [...database.objectStoreNames].filter((name) => name !== 'account' && name !== 'keyring');
            if (stores.length < 7) throw new Error(`only these stores: ${stores}`);
            const reading = database.transaction(stores);
            const counts = await Promise.all(stores.map((name) => answer(reading.objectStore(name).count())));
            database.close();
            return counts.reduce((all, count) => all + count, 0);
        })()";
        Ok(self.driver().await?.execute(script, vec![]).await?.convert()?)
    }

    /// Writes a message and sends it.
    pub async fn say(&self, text: &str) -> Outcome {
        self.type_into("composer", text).await?;
        self.click("send").await?;
        self.has_said(text, "").await
    }

    /// Waits until what was said stands there with this delivery, whatever it is when empty.
    pub async fn has_said(&self, text: &str, state: &str) -> Outcome {
        self.has_message("true", text, state).await
    }

    /// Waits until the other has said this.
    pub async fn hears(&self, text: &str) -> Outcome {
        self.has_message("false", text, "incoming").await
    }

    /// Every text of the open conversation in the order of the screen, the own ones marked by `>`.
    pub async fn conversation(&self) -> Outcome<Vec<String>> {
        let script = "return [...document.querySelectorAll('[data-testid=message]')].flatMap((message) => {
            const text = message.querySelector('[data-testid=message-text]');
            return text ? [(message.dataset.mine === 'true' ? '> ' : '') + text.textContent.trim()] : [];
        })";
        Ok(self.driver().await?.execute(script, vec![]).await?.convert()?)
    }

    /// Waits until the open conversation consists of exactly these lines, see [`Person::conversation`].
    pub async fn sees_conversation(&self, lines: &[&str]) -> Outcome {
        self.patiently(&format!("the conversation {lines:?}"), async || {
            let seen = self.conversation().await?;
            if seen == lines { Ok(Some(())) } else { Err(trouble(format!("there stands {seen:?}"))) }
        })
        .await
    }

    /// Waits until the status line tells this route.
    pub async fn sees_route(&self, route: &str) -> Outcome {
        self.patiently(&format!("the route {route}"), async || {
            let seen = self.attributes("status", "data-route").await?;
            if seen == [Some(route.to_owned())] {
                return Ok(Some(()));
            }
            Err(trouble(format!("it is {seen:?}")))
        })
        .await
    }

    /// Waits until the status line tells any route but this one.
    pub async fn loses_route(&self, route: &str) -> Outcome {
        self.patiently(&format!("lost the route {route}"), async || {
            let seen = self.attributes("status", "data-route").await?;
            Ok(seen.iter().flatten().any(|seen| seen != route).then_some(()))
        })
        .await
    }

    async fn has_message(&self, mine: &str, text: &str, state: &str) -> Outcome {
        let script =
            "return [...document.querySelectorAll(`[data-testid=message][data-mine=${arguments[0]}]`)]
            .filter((message) =>
                message.querySelector('[data-testid=message-text]')?.textContent.trim() === arguments[1])
            .map((message) => message.dataset.state)";
        let driver = self.driver().await?;
        self.patiently(&format!("{text:?} {state}"), async || {
            let seen: Vec<String> =
                driver.execute(script, vec![json!(mine), json!(text)]).await?.convert()?;
            match seen.as_slice() {
                [one] if state.is_empty() || one == state => Ok(Some(())),
                other => Err(trouble(format!("it is {other:?}"))),
            }
        })
        .await
    }
}

/// Two people meet by a link: afterwards both have the conversation open, and the direct path stands.
pub async fn meet(inviter: &Person, invitee: &Person) -> Outcome {
    meet_by(inviter, invitee, "direct").await
}

/// Like [`meet`], where another path stands afterwards.
pub async fn meet_by(inviter: &Person, invitee: &Person, route: &str) -> Outcome {
    get_to_know(inviter, invitee).await?;
    inviter.sees_route(route).await?;
    invitee.sees_route(route).await
}

/// Like [`meet`], where it does not matter yet by which path.
pub async fn get_to_know(inviter: &Person, invitee: &Person) -> Outcome {
    let link = inviter.create_link(&inviter.name).await?;
    // Where one of them reaches the server through a proxy, the link leads there.
    let link = link.replacen(inviter.origin(), invitee.origin(), 1);
    invitee.open_link(&link, &inviter.name).await?;
    invitee.accept(&invitee.name).await?;
    inviter.confirm(&invitee.name).await?;
    invitee.sees("chat[data-standing=\"confirmed\"]").await
}
