//! STUN and TURN servers with the credentials for them, as the server named them last.

use core::time::Duration;

use sotto_wire::server::{Message as _, TurnAnswer};

use crate::{IceServer, Response, Timestamp, TurnKnown, policy};

/// What is known of STUN and TURN servers.
#[derive(Debug, Default)]
pub(crate) struct Ice {
    servers: Vec<IceServer>,
    turn: bool,
    /// From when on they are asked for again, and when they end; `None` before the first answer.
    good: Option<(Timestamp, Timestamp)>,
    asking: bool,
    failures: u32,
    not_before: Timestamp,
}

impl Ice {
    /// Those that can be used now.
    pub(crate) fn servers(&self, now: Timestamp) -> Vec<IceServer> {
        if self.good.is_some_and(|(_, end)| now < end) { self.servers.clone() } else { Vec::new() }
    }

    /// Whether one of those that can be used now is a TURN server.
    pub(crate) fn has_turn(&self, now: Timestamp) -> bool {
        self.turn && self.good.is_some_and(|(_, end)| now < end)
    }

    /// Whether the last answer is young enough for a link that begins now.
    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        self.good.is_some_and(|(again, _)| now < again)
    }

    /// Whether the last answer said that there is no TURN server.
    pub(crate) fn lacks_turn(&self, now: Timestamp) -> bool {
        self.is_fresh(now) && !self.turn
    }

    /// Whether it is time to ask; if so, the question is under way from now on.
    pub(crate) fn begin_to_ask(&mut self, now: Timestamp) -> bool {
        let asks = !self.asking && now >= self.not_before;
        self.asking |= asks;
        asks
    }

    /// Takes the answer. `false` if there was none, or none that can be used.
    pub(crate) fn answered(&mut self, response: &Response, now: Timestamp) -> bool {
        self.asking = false;
        let answer = match response {
            Response::Http { status: 200, body, .. } => TurnAnswer::decode(body).ok(),
            _ => None,
        };
        let Some(answer) = answer else {
            self.failures = self.failures.saturating_add(1);
            return false;
        };
        let lifetime = Duration::from_secs(u64::from(answer.lifetime_s))
            .clamp(policy::ICE_LIFETIME_MIN, policy::ICE_LIFETIME_MAX);
        let margin = (lifetime / 4).min(policy::ICE_MARGIN);
        self.failures = 0;
        self.good = Some((now.saturating_add(lifetime.saturating_sub(margin)), now.saturating_add(lifetime)));
        let (mut servers, mut has_turn) = (Vec::new(), false);
        for server in answer.servers.into_vec() {
            let credential = server.username.zip(server.credential);
            let credential = credential.map(|(user, secret)| (user.into_string(), secret.into_string()));
            // A browser refuses the whole configuration for a TURN server without a credential.
            let urls: Vec<String> = server
                .urls
                .into_vec()
                .into_iter()
                .filter(|url| credential.is_some() || !url.is_turn())
                .inspect(|url| has_turn |= url.is_turn())
                .map(sotto_wire::server::IceUrl::into_string)
                .collect();
            if !urls.is_empty() {
                servers.push(IceServer { urls, credential });
            }
        }
        (self.servers, self.turn) = (servers, has_turn);
        true
    }

    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// Not to be asked for again before.
    pub(crate) fn wait_until(&mut self, at: Timestamp) {
        self.not_before = at;
    }

    pub(crate) fn known(&self, now: Timestamp) -> TurnKnown {
        match self.good {
            Some((_, end)) if now < end && self.turn => TurnKnown::Configured,
            Some((_, end)) if now < end => TurnKnown::None,
            _ if self.failures > 0 => TurnKnown::Unanswered,
            _ => TurnKnown::Unasked,
        }
    }

    /// The clock went back by so many milliseconds.
    pub(crate) fn rewind(&mut self, milliseconds: u64) {
        let back = |at: Timestamp| Timestamp(at.0.saturating_sub(milliseconds));
        self.not_before = back(self.not_before);
        self.good = self.good.map(|(again, end)| (back(again), back(end)));
    }
}

#[cfg(test)]
mod tests {
    use sotto_wire::server::{IceUrl, List, TurnServer, TurnText};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn answer(servers: Vec<TurnServer>, lifetime_s: u32) -> Response {
        let body = TurnAnswer { servers: List::new(servers).unwrap(), lifetime_s }.encode();
        Response::Http { status: 200, retry_after: None, body }
    }

    fn server(url: &str, credential: bool) -> TurnServer {
        let text = |text: &str| credential.then(|| TurnText::new(text.to_owned()).unwrap());
        TurnServer {
            urls: List::new(vec![IceUrl::new(url.to_owned()).unwrap()]).unwrap(),
            username: text("1:a"),
            credential: text("b"),
        }
    }

    #[test]
    fn credentials_are_used_until_they_end_and_renewed_before() {
        let mut ice = Ice::default();
        assert_eq!(ice.known(Timestamp(0)), TurnKnown::Unasked);
        assert!(ice.begin_to_ask(Timestamp(0)) && !ice.begin_to_ask(Timestamp(0)), "one question at a time");
        let servers = vec![server("stun:a.example", false), server("turn:a.example", true)];
        assert!(ice.answered(&answer(servers, 3_600), Timestamp(0)));
        assert_eq!(ice.servers(Timestamp(3_599_999)).len(), 2);
        assert!(ice.has_turn(Timestamp(0)) && ice.is_fresh(Timestamp(3_299_999)));
        assert!(!ice.is_fresh(Timestamp(3_300_000)), "a link that begins now may need them for minutes");
        assert!(ice.servers(Timestamp(3_600_000)).is_empty());
        assert_eq!(ice.known(Timestamp(3_600_000)), TurnKnown::Unasked);
    }

    #[test]
    fn what_a_browser_would_refuse_is_left_out() {
        let mut ice = Ice::default();
        ice.answered(
            &answer(vec![server("turn:a.example", false), server("stun:a.example", false)], 60),
            Timestamp(0),
        );
        assert_eq!(ice.servers(Timestamp(0)).len(), 1);
        assert!(ice.lacks_turn(Timestamp(0)));
    }

    #[test]
    fn a_lifetime_is_bounded_from_both_sides() {
        let mut ice = Ice::default();
        ice.answered(&answer(vec![server("turn:a.example", true)], 0), Timestamp(0));
        assert!(ice.is_fresh(Timestamp(0)), "nobody is asked for every link");
        ice.answered(&answer(vec![server("turn:a.example", true)], u32::MAX), Timestamp(0));
        assert!(!ice.has_turn(Timestamp(0).saturating_add(policy::ICE_LIFETIME_MAX)));
    }

    #[test]
    fn an_answer_that_is_none_leaves_what_was_known() {
        let mut ice = Ice::default();
        ice.answered(&answer(vec![server("turn:a.example", true)], 600), Timestamp(0));
        for response in [
            Response::Unreachable,
            Response::Http { status: 404, retry_after: None, body: Vec::new() },
            Response::Http { status: 200, retry_after: None, body: vec![0xa0] },
        ] {
            assert!(!ice.answered(&response, Timestamp(1)));
            assert!(ice.has_turn(Timestamp(2)));
        }
        assert_eq!(ice.failures(), 3);
    }
}
