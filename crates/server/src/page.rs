//! The page: files kept in memory, sent compressed where the browser takes it, with the right lifetimes.
//!
//! The directory a page is built into holds the files, `NAME.br` beside those worth compressing, `immutable.txt`
//! (the paths whose name contains their hash, one a line) and `csp.txt` (the Content-Security-Policy, which
//! contains hashes of the build). The last three are not served.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use bytes::Bytes;
use sha2::{Digest, Sha256};

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/page.rs"));
}

const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const REVALIDATED: HeaderValue = HeaderValue::from_static("no-cache");
const NOT_BUILT: &str = "This server was built without its page. Run `cargo xtask run`, which builds both, \
                         or start the server with --page and the directory of a built page.\n";

/// For error pages and for a page without its own policy: nothing may load.
const STRICTEST: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

struct File {
    raw: Bytes,
    brotli: Option<Bytes>,
    /// Strong, of the raw bytes; the compressed representation has its own.
    etag: HeaderValue,
    brotli_etag: HeaderValue,
    content_type: HeaderValue,
    cache: HeaderValue,
}

/// The files of the page by path, without the leading slash.
pub struct Page {
    files: HashMap<String, File>,
    policy: HeaderValue,
}

/// Why a page cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// A file cannot be read.
    #[error("the page in {directory} cannot be read: {error}")]
    Io {
        /// The directory.
        directory: String,
        /// Why.
        error: std::io::Error,
    },
    /// `csp.txt` is not one header line.
    #[error("csp.txt of the page is not one line of a header")]
    Policy,
}

impl Page {
    /// The page inside this program; without files if it was built without.
    ///
    /// # Errors
    /// [`PageError::Policy`].
    pub fn embedded() -> Result<Self, PageError> {
        Self::from_files(
            embedded::FILES.iter().map(|(path, bytes)| ((*path).into(), Bytes::from_static(bytes))),
        )
    }

    /// A page read from the directory it was built into.
    ///
    /// # Errors
    /// [`PageError`].
    pub fn from_directory(directory: &Path) -> Result<Self, PageError> {
        let mut files = Vec::new();
        read_directory(directory, "", &mut files)
            .map_err(|error| PageError::Io { directory: directory.display().to_string(), error })?;
        Self::from_files(files)
    }

    fn from_files(files: impl IntoIterator<Item = (String, Bytes)>) -> Result<Self, PageError> {
        let mut all: HashMap<String, Bytes> = files.into_iter().collect();
        let immutable = all.remove("immutable.txt").unwrap_or_default();
        let immutable = String::from_utf8_lossy(&immutable).into_owned();
        let immutable: HashSet<&str> =
            immutable.lines().map(|line| line.trim().trim_start_matches('/')).collect();
        let policy = match all.remove("csp.txt") {
            Some(line) => HeaderValue::from_bytes(line.trim_ascii()).map_err(|_| PageError::Policy)?,
            None => STRICTEST,
        };
        let mut files = HashMap::new();
        for (path, raw) in &all {
            if path.strip_suffix(".br").is_some_and(|original| all.contains_key(original)) {
                continue;
            }
            let digest: String =
                Sha256::digest(raw).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
            let etag =
                |suffix| HeaderValue::from_str(&format!("\"{digest}{suffix}\"")).unwrap_or(REVALIDATED);
            files.insert(
                path.clone(),
                File {
                    raw: raw.clone(),
                    brotli: all.get(&format!("{path}.br")).cloned(),
                    etag: etag(""),
                    brotli_etag: etag("-br"),
                    content_type: HeaderValue::from_static(content_type(path)),
                    cache: if immutable.contains(path.as_str()) { IMMUTABLE } else { REVALIDATED },
                },
            );
        }
        Ok(Self { files, policy })
    }

    /// The Content-Security-Policy of every answer.
    #[must_use]
    pub const fn policy(&self) -> &HeaderValue {
        &self.policy
    }

    /// Answers a request for anything that is not the server's own interface.
    #[must_use]
    pub fn respond(&self, method: &Method, path: &str, headers: &HeaderMap) -> Response<Body> {
        if method != Method::GET && method != Method::HEAD {
            let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "Pages can only be read.\n");
            response.headers_mut().insert("allow", HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        if self.files.is_empty() {
            return plain(StatusCode::SERVICE_UNAVAILABLE, NOT_BUILT);
        }
        let name = if is_route(path) { "index.html" } else { path.trim_start_matches('/') };
        match self.files.get(name) {
            Some(file) => file.respond(method, headers),
            None => plain(StatusCode::NOT_FOUND, "There is nothing here.\n"),
        }
    }
}

impl File {
    fn respond(&self, method: &Method, headers: &HeaderMap) -> Response<Body> {
        let compressed = self.brotli.as_ref().filter(|_| accepts_brotli(headers));
        let (body, etag) = match compressed {
            Some(brotli) => (brotli, &self.brotli_etag),
            None => (&self.raw, &self.etag),
        };
        let mut response = Response::new(Body::empty());
        let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        let known =
            known.is_some_and(|tags| tags.split(',').any(|tag| tag.trim().as_bytes() == etag.as_bytes()));
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            response.headers_mut().insert(CONTENT_TYPE, self.content_type.clone());
            if compressed.is_some() {
                response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("br"));
            }
            response.headers_mut().insert("content-length", HeaderValue::from(body.len()));
            if method == Method::GET {
                *response.body_mut() = Body::from(body.clone());
            }
        }
        let answer = response.headers_mut();
        answer.insert(ETAG, etag.clone());
        answer.insert(CACHE_CONTROL, self.cache.clone());
        if self.brotli.is_some() {
            answer.insert(VARY, HeaderValue::from_static("accept-encoding"));
        }
        response
    }
}

/// Paths the page's own router knows; they all begin with the same document.
fn is_route(path: &str) -> bool {
    matches!(path, "/" | "/i" | "/settings")
        || path.strip_prefix("/c/").is_some_and(|rest| !rest.contains('.'))
}

fn accepts_brotli(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let brotli = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("br"));
        let refused = parts.any(|weight| {
            weight.strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0))
        });
        brotli && !refused
    })
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "ico" => "image/x-icon",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

/// A short answer in words, for people who read it in a browser.
pub fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, STRICTEST);
    response
}

fn read_directory(directory: &Path, prefix: &str, files: &mut Vec<(String, Bytes)>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        if entry.file_type()?.is_dir() {
            read_directory(&entry.path(), &path, files)?;
        } else {
            files.push((path, std::fs::read(entry.path())?.into()));
        }
    }
    Ok(())
}
