//! One file for each scenario; one binary, because linking the machinery takes longer than running it.

mod about;
mod away;
mod bad_links;
mod files;
mod focus;
mod held_files;
mod internet;
mod network_loss;
mod nothing_readable;
mod page_opens;
mod phone;
mod reload;
mod second_tab;
mod server_killed;
mod sleep;
mod swapped_bundle;
mod talking;
mod tampered_page;
mod through_server;
mod written;
