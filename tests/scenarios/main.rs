//! One file for each scenario; one binary, because linking the machinery takes longer than running it.

mod page_opens;
mod talking;
mod tampered_page;
