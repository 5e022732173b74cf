//! Files the user picked, dropped or pasted.

use js_sys::Array;
use wasm_bindgen::JsCast;

use crate::js;

/// Files taken from one picking; more are left out, so that a folder full of files does not stall the page.
const MAX_AT_ONCE: usize = 1000;

/// A file the user picked; only a handle, its content is read when it is sent.
#[derive(Clone, Debug)]
pub struct PickedFile {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its media type as the browser guesses it, may be empty.
    pub mime: String,
    pub(crate) file: web_sys::File,
}

/// What was handed over at once.
#[derive(Clone, Debug, Default)]
pub struct HandedFiles {
    /// The files.
    pub files: Vec<PickedFile>,
    /// Whether there was a folder as well, which is left out.
    pub has_folder: bool,
}

impl HandedFiles {
    /// Whether there was nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && !self.has_folder
    }
}

impl PickedFile {
    fn new(file: web_sys::File) -> Self {
        Self { name: file.name(), size: js::whole(file.size()), mime: file.type_(), file }
    }
}

/// The files of an `<input type=file>` that changed. Clears it, so that the same file can be picked again.
#[must_use]
pub fn picked_files(event: &web_sys::Event) -> HandedFiles {
    let Some(input) = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlInputElement>().ok())
    else {
        return HandedFiles::default();
    };
    let files = list(input.files());
    input.set_value("");
    HandedFiles { files, has_folder: false }
}

/// The files of a drop.
#[must_use]
pub fn dropped_files(event: &web_sys::DragEvent) -> HandedFiles {
    event.data_transfer().map(|data| transferred(&data)).unwrap_or_default()
}

/// The files of a paste, for instance a picture.
#[must_use]
pub fn pasted_files(event: &web_sys::ClipboardEvent) -> HandedFiles {
    event.clipboard_data().map(|data| transferred(&data)).unwrap_or_default()
}

fn list(files: Option<web_sys::FileList>) -> Vec<PickedFile> {
    let Some(files) = files else { return Vec::new() };
    Array::from(&files)
        .iter()
        .filter_map(|file| file.dyn_into().ok())
        .take(MAX_AT_ONCE)
        .map(PickedFile::new)
        .collect()
}

fn transferred(data: &web_sys::DataTransfer) -> HandedFiles {
    let items = data.items();
    let mut handed = HandedFiles::default();
    for index in 0..items.length() {
        let Some(item) = items.get(index).filter(|item| item.kind() == "file") else { continue };
        // A folder is listed as a file that cannot be read.
        if matches!(item.webkit_get_as_entry(), Ok(Some(entry)) if entry.is_directory()) {
            handed.has_folder = true;
            continue;
        }
        if let Ok(Some(file)) = item.get_as_file() {
            handed.files.push(PickedFile::new(file));
        }
        if handed.files.len() == MAX_AT_ONCE {
            break;
        }
    }
    handed
}
