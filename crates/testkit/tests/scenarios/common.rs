//! Steps that many scenarios share.

use core::time::Duration;

use sotto_engine::{CardView, Command, ContactId, Content, Delivery, InviteId, Standing};
use sotto_testkit::{Who, World};

pub const MINUTE: Duration = Duration::from_secs(60);
pub const ANNA: Who = 0;
pub const BEN: Who = 1;

pub fn set_name(world: &mut World, who: Who, name: &str) {
    world.command(who, Command::SetName(name.to_owned()));
}

/// Makes an invite and gives its link, once it works.
pub fn invite(world: &mut World, who: Who) -> (InviteId, String) {
    let before: Vec<InviteId> = world.people[who].screen.invites.keys().copied().collect();
    world.command(who, Command::CreateInvite);
    let find = |world: &World| {
        let invites = &world.people[who].screen.invites;
        invites.values().find(|invite| !before.contains(&invite.id) && invite.ready).cloned()
    };
    assert!(world.run_until(MINUTE, |world| find(world).is_some()), "the invite becomes ready");
    let view = find(world).unwrap();
    (view.id, view.link)
}

pub fn look(world: &mut World, who: Who, link: &str) -> CardView {
    world.command(who, Command::LookAtInvite(link.to_owned()));
    let settled = |world: &World| !matches!(world.people[who].screen.card, None | Some(CardView::Looking));
    assert!(world.run_until(MINUTE, settled), "the card comes");
    world.people[who].screen.card.clone().unwrap()
}

/// Uses a link up to the conversation.
pub fn accept(world: &mut World, who: Who, link: &str, name: &str) -> ContactId {
    assert!(matches!(look(world, who, link), CardView::Open { .. }));
    world.command(who, Command::AcceptInvite { name: name.to_owned() });
    let accepted = |world: &World| matches!(world.people[who].screen.card, Some(CardView::Accepted(_)));
    assert!(
        world.run_until(MINUTE, accepted),
        "the conversation stands: {:?}",
        world.people[who].screen.card
    );
    let Some(CardView::Accepted(id)) = world.people[who].screen.card else { panic!("accepted") };
    id
}

/// The contact that came and waits to be confirmed.
pub fn arrival(world: &mut World, who: Who) -> ContactId {
    let find = |world: &World| {
        let contacts = &world.people[who].screen.contacts;
        contacts.values().find(|contact| contact.standing == Standing::AwaitingOurs).map(|contact| contact.id)
    };
    assert!(
        world.run_until(MINUTE, |world| find(world).is_some()),
        "somebody comes: {:?}",
        world.people[who].log
    );
    find(world).unwrap()
}

/// Anna invites Ben, he comes, she confirms. Gives (Ben as Anna knows him, Anna as Ben knows her).
pub fn befriend(world: &mut World) -> (ContactId, ContactId) {
    befriend_as(world, ANNA, BEN)
}

pub fn befriend_as(world: &mut World, inviter: Who, invitee: Who) -> (ContactId, ContactId) {
    let (_, link) = invite(world, inviter);
    let inviter_id = accept(world, invitee, &link, "Ben");
    let invitee_id = arrival(world, inviter);
    world.command(inviter, Command::ConfirmContact(invitee_id));
    let confirmed = |world: &World| {
        world.people[invitee].screen.contacts[&inviter_id].standing == Standing::Confirmed
            && world.people[inviter].screen.contacts[&invitee_id].standing == Standing::Confirmed
    };
    assert!(world.run_until(MINUTE, confirmed), "both are confirmed");
    (invitee_id, inviter_id)
}

pub fn say(world: &mut World, who: Who, contact: ContactId, text: &str) {
    world.command(who, Command::SendText { contact, text: text.to_owned() });
}

/// The stored texts with a contact, oldest first.
pub fn told(world: &mut World, who: Who, contact: ContactId) -> Vec<String> {
    world
        .history(who, contact)
        .into_iter()
        .filter_map(|message| match message.content {
            Content::Text(text) => Some(text),
            _ => None,
        })
        .collect()
}

/// Whether everything a person said is delivered.
pub fn all_delivered(world: &World, who: Who) -> bool {
    world.people[who]
        .screen
        .messages
        .values()
        .flatten()
        .all(|(_, message)| matches!(message.delivery, Delivery::Delivered | Delivery::Incoming))
}

pub fn delivered(world: &World, who: Who, contact: ContactId, text: &str) -> bool {
    world.people[who]
        .screen
        .texts(contact)
        .iter()
        .any(|(said, how)| said == text && *how == Delivery::Delivered)
}

pub fn logged(world: &World, who: Who, line: &str) -> bool {
    world.people[who].log.contains(&line)
}
