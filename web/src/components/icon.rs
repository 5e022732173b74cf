//! Icons, drawn on a grid of 24.

use leptos::prelude::*;

/// What an icon shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    Archive,
    Attach,
    Back,
    Check,
    Clock,
    Close,
    Copy,
    DoubleCheck,
    Down,
    Download,
    File,
    Image,
    Link,
    Lock,
    More,
    Pencil,
    Plus,
    Send,
    Share,
    Shield,
    ShieldCheck,
    Sliders,
    Sound,
    Trash,
    Video,
    Warning,
}

impl Glyph {
    fn path(self) -> &'static str {
        match self {
            Self::Archive => "M4 5h16v4H4zM5.5 9v10h13V9M10 13h4",
            Self::Attach => {
                "m20 11.3-8.3 8.3a5.1 5.1 0 0 1-7.2-7.2l8.5-8.5a3.4 3.4 0 0 1 4.8 4.8l-8.4 8.4a1.7 1.7 0 0 1-2.4-2.4l7.6-7.6"
            }
            Self::Back => "m14.5 5-7 7 7 7",
            Self::Check => "m5 12.5 4.5 4.5L19 7.5",
            Self::Clock => "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17M12 7.5V12l3 2",
            Self::Close => "m6 6 12 12M18 6 6 18",
            Self::Copy => "M9 9h10.5v10.5H9zM15 9V4.5H4.5V15H9",
            Self::DoubleCheck => "m1.5 12.5 4.5 4.5 9.5-9.5M11.5 15.5 13 17l9.5-9.5",
            Self::Down => "m5.5 9.5 6.5 6.5 6.5-6.5",
            Self::Download => "M12 4v11.5m-4.5-4.5L12 15.5l4.5-4.5M5 20h14",
            Self::File => "M13.5 3.5h-7v17h11v-13zM13.5 3.5v4h4",
            Self::Image => "M4 5h16v14H4zM4 16l5-4.5 4 3.5 2.5-2 4.5 3.5M15.5 8.5h.01",
            Self::Link => {
                "M10 14a4 4 0 0 0 5.7 0l3.2-3.2a4 4 0 1 0-5.7-5.7l-1.2 1.2M14 10a4 4 0 0 0-5.7 0l-3.2 3.2a4 4 0 1 0 5.7 5.7l1.2-1.2"
            }
            Self::Lock => "M6 10.5h12v9H6zM8.5 10.5V8a3.5 3.5 0 0 1 7 0v2.5",
            Self::More => {
                "M12 4.75a.75.75 0 1 1 0 1.5.75.75 0 0 1 0-1.5M12 11.25a.75.75 0 1 1 0 1.5.75.75 0 0 1 0-1.5M12 17.75a.75.75 0 1 1 0 1.5.75.75 0 0 1 0-1.5"
            }
            Self::Pencil => "m4.5 19.5.8-4L16 4.8l3.2 3.2L8.5 18.7z",
            Self::Plus => "M12 5v14M5 12h14",
            Self::Send => "M20.5 3.5 3.5 10l7 3.5 3.5 7zM20.5 3.5l-10 10",
            Self::Share => "M12 15V4m-4 4 4-4 4 4M6.5 11.5H5v9h14v-9h-1.5",
            Self::Shield => "M12 3.5 5 6v5.5c0 4.2 2.8 7.4 7 9 4.2-1.6 7-4.8 7-9V6z",
            Self::ShieldCheck => {
                "M12 3.5 5 6v5.5c0 4.2 2.8 7.4 7 9 4.2-1.6 7-4.8 7-9V6zM9 12l2.2 2.2L15.3 10"
            }
            Self::Sliders => {
                "M4 7.5h8m5 0h3M4 16.5h3m5 0h8M14.5 5.25a2.25 2.25 0 1 1 0 4.5 2.25 2.25 0 0 1 0-4.5M9.5 14.25a2.25 2.25 0 1 1 0 4.5 2.25 2.25 0 0 1 0-4.5"
            }
            Self::Sound => {
                "M9 18V6l10-2v12M9 18a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0M19 16a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0"
            }
            Self::Trash => "M4.5 7h15M9.5 7V4.5h5V7M6.5 7l1 13h9l1-13M10.5 11v5M13.5 11v5",
            Self::Video => "M3.5 6.5h12v11h-12zM15.5 11l5-3v8l-5-3",
            Self::Warning => "M12 4 3 19.5h18zM12 10v4.5M12 17h.01",
        }
    }

    /// The icon for a file of this media type.
    pub fn of_file(mime: &str) -> Self {
        match mime.split('/').next().unwrap_or_default() {
            "image" => Self::Image,
            "audio" => Self::Sound,
            "video" => Self::Video,
            _ if mime.contains("zip") || mime.contains("tar") || mime.contains("compressed") => Self::Archive,
            _ => Self::File,
        }
    }
}

/// An icon. It says nothing to screen readers: the button or text beside it does.
#[component]
pub fn Icon(#[prop(into)] glyph: Signal<Glyph>) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
            <path d=move || glyph.get().path() />
        </svg>
    }
}
