//! Pieces that pages are made of.

mod announcer;
mod avatar;
mod banner;
mod bar;
mod brand;
mod dialog;
mod drop;
mod icon;
mod name_field;
mod notices;
mod paste_link;
mod qr;
mod rich_text;
mod switch;
mod ticks;

pub use announcer::Announcer;
pub use avatar::Avatar;
pub use banner::Banner;
pub use bar::Bar;
pub use brand::{Brand, Pair};
pub use dialog::{Confirm, Dialog};
pub use drop::DropTarget;
pub use icon::{Glyph, Icon};
pub use name_field::NameField;
pub use notices::NoticeBoard;
pub use paste_link::PasteLink;
pub use qr::Qr;
pub use rich_text::RichText;
pub use switch::Switch;
pub use ticks::Ticks;
