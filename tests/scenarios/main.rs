//! One file for each scenario; one binary, because linking the machinery takes longer than running it.

mod about;
mod away;
mod bad_links;
mod crashed;
mod dropped_files;
mod files;
mod focus;
mod held_files;
mod internet;
mod keeping_order;
mod keyboard;
mod network_loss;
mod nothing_readable;
mod page_opens;
mod phone;
mod reading_back;
mod reload;
mod second_tab;
mod server_killed;
mod sharing_links;
mod sleep;
mod swapped_bundle;
mod talking;
mod tampered_page;
mod through_server;
mod written;
