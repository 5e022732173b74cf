//! What is known of the way to a contact, for whoever wants to know why it is as it is.

use super::Client;
use crate::turn::Turn;
use crate::{ContactId, Event, Examination, LinkAction, LinkFigures, Output};

impl Client {
    /// Tells what is known; where there is a link, as soon as the browser has said what it moved.
    pub(super) fn examine(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        match self.links.open(id) {
            Some(link) => turn.output(Output::Link(link, LinkAction::Examine)),
            None => self.tell_examination(id, None, turn),
        }
    }

    pub(super) fn examined(&mut self, id: ContactId, figures: LinkFigures, turn: &mut Turn<'_>) {
        self.tell_examination(id, Some(figures), turn);
    }

    fn tell_examination(&mut self, id: ContactId, figures: Option<LinkFigures>, turn: &mut Turn<'_>) {
        let Some(view) = self.contacts.get(&id).map(|contact| self.view_of(contact)) else { return };
        let way = self.links.way(id);
        let (own, theirs, failures) = (way.own, way.theirs, way.failures);
        turn.event(Event::Examined(Examination {
            contact: id,
            route: view.route,
            path: view.path,
            figures,
            own,
            theirs,
            turn: self.ice.known(turn.now),
            relay_only: self.settings.relay_only,
            linking: self.linking(turn),
            failures,
        }));
    }
}
