//! The page's files: headers, lifetimes, compression, routes.

use std::path::Path;

use crate::support::{Server, get, request};

const POLICY: &str = "default-src 'none'; script-src 'self' 'sha256-abc'";

fn build(directory: &Path) {
    std::fs::create_dir(directory.join("assets")).unwrap();
    for (name, content) in [
        ("index.html", "<!doctype html>"),
        ("index.html.br", "compressed document"),
        ("assets/app-123.js", "export {}"),
        ("assets/app-123.js.br", "compressed script"),
        ("icon.svg", "<svg/>"),
        ("immutable.txt", "assets/app-123.js\n"),
        ("csp.txt", &format!("{POLICY}\n")),
    ] {
        std::fs::write(directory.join(name), content).unwrap();
    }
}

async fn server_with_page() -> (Server, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    build(directory.path());
    let path = directory.path().to_owned();
    (Server::with(|config| config.page = Some(path)).await, directory)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_have_their_lifetimes_and_every_answer_its_security_headers() {
    let (server, _directory) = server_with_page().await;
    let index = get(server.address, "/", "").await;
    assert_eq!((index.status, index.body.as_slice()), (200, b"<!doctype html>".as_slice()));
    assert_eq!(index.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(index.header("cache-control"), Some("no-cache"));
    let script = get(server.address, "/assets/app-123.js", "").await;
    assert_eq!(script.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    let icon = get(server.address, "/icon.svg", "").await;
    assert_eq!(icon.header("cache-control"), Some("no-cache"));
    let api = get(server.address, "/v1/envelopes", "").await;
    for response in [&index, &script, &icon, &api, &get(server.address, "/nothing", "").await] {
        for (name, value) in [
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            (
                "permissions-policy",
                "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
            ),
        ] {
            assert_eq!(response.header(name), Some(value), "{response:?}");
        }
        assert!(response.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
        assert_eq!(response.header("strict-transport-security"), None, "not without TLS");
    }
    assert_eq!(index.header("content-security-policy"), Some(POLICY));
    assert_eq!(script.header("content-security-policy"), Some(POLICY));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn brotli_goes_to_those_who_take_it() {
    let (server, _directory) = server_with_page().await;
    for (accept, compressed) in [
        ("accept-encoding: gzip, deflate, br, zstd\r\n", true),
        ("accept-encoding: br;q=0.5\r\n", true),
        ("accept-encoding: br;q=0\r\n", false),
        ("accept-encoding: gzip\r\n", false),
        ("", false),
    ] {
        let response = get(server.address, "/assets/app-123.js", accept).await;
        let body: &[u8] = if compressed { b"compressed script" } else { b"export {}" };
        assert_eq!(response.body, body, "{accept}");
        assert_eq!(response.header("content-encoding"), compressed.then_some("br"));
        assert_eq!(response.header("vary"), Some("accept-encoding"));
    }
    assert_eq!(
        get(server.address, "/icon.svg", "accept-encoding: br\r\n").await.header("content-encoding"),
        None
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unchanged_file_is_not_sent_again() {
    let (server, _directory) = server_with_page().await;
    for accept in ["", "accept-encoding: br\r\n"] {
        let first = get(server.address, "/", accept).await;
        let etag = first.header("etag").unwrap();
        let again = get(server.address, "/", &format!("{accept}if-none-match: \"x\", {etag}\r\n")).await;
        assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, Some(etag)));
        let changed = get(server.address, "/", &format!("{accept}if-none-match: \"x\"\r\n")).await;
        assert_eq!(changed.status, 200);
    }
    let head = request(server.address, "HEAD", "/", "", &[]).await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("15"), 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_routes_of_the_page_lead_to_it() {
    let (server, _directory) = server_with_page().await;
    for (path, status) in [
        ("/", 200),
        ("/?x=1", 200),
        ("/i", 200),
        ("/settings", 200),
        ("/c/0123456789abcdef", 200),
        ("/c/x.js", 404),
        ("/index.html.br", 404),
        ("/csp.txt", 404),
        ("/immutable.txt", 404),
        ("/assets", 404),
        ("/../Cargo.toml", 404),
        ("/anything", 404),
    ] {
        assert_eq!(get(server.address, path, "").await.status, status, "{path}");
    }
    assert_eq!(request(server.address, "POST", "/", "", b"x").await.status, 405);
    assert_eq!(get(server.address, "/", "host: evil.example\r\n").await.status, 421);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configured_origin_is_the_only_one_and_tls_is_insisted_on() {
    let directory = tempfile::tempdir().unwrap();
    build(directory.path());
    let server = Server::with(|config| {
        config.page = Some(directory.path().to_owned());
        config.origins = vec!["https://sotto.example".into()];
    })
    .await;
    let response = get(server.address, "/", "host: sotto.example\r\n").await;
    assert_eq!(response.status, 200);
    assert!(response.header("strict-transport-security").unwrap().starts_with("max-age="));
    assert_eq!(get(server.address, "/", "").await.status, 421);
}
