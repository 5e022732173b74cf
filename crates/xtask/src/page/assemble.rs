//! From what trunk built to what is served: every script, style sheet and wasm file is named by its final bytes and
//! named together with them, from the leaves up to `index.html`, so that the policy's one hash vouches for all.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use serde_json::Value;

use super::Quality;
use super::digest::{integrity, policy_source, short};
use crate::step::{Failure, Outcome};
use crate::workspace::{Workspace, files_below, read, read_text, remove_directory, write};

/// The page's policy; `{scripts}` takes the import map's hash. Workers are started from blobs whose bytes were
/// checked (see `static/boot.js`), never from an address, because no browser checks the bytes of the latter.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval' {scripts}; style-src 'self'; \
    img-src 'self' blob:; media-src 'self' blob:; font-src 'self'; connect-src 'self'; worker-src blob:; \
    manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types default";

/// Files of these kinds are handed out compressed.
const COMPRESSIBLE: [&str; 9] = ["css", "ftl", "html", "js", "json", "svg", "txt", "wasm", "webmanifest"];

/// Files in `static/` that are parts of others and not served by their own names.
const PARTS: [&str; 2] = ["boot.js", "worker.js"];

/// A file that was given its final name.
struct Named {
    /// Its address on the server, with the leading slash.
    address: String,
    integrity: String,
}

/// `dist/` while it grows.
struct Dist {
    directory: PathBuf,
    /// What the import map says of modules: address and integrity.
    modules: Vec<(String, String)>,
    /// Addresses that can be cached for ever, without the leading slash.
    immutable: Vec<String>,
}

/// Makes `dist/` from the output of trunk, the style sheets and `static/`.
pub fn assemble(workspace: &Workspace, quality: Quality) -> Outcome<()> {
    let stage = workspace.page().join("trunk");
    remove_directory(&workspace.dist())?;
    let mut dist = Dist { directory: workspace.dist(), modules: Vec::new(), immutable: Vec::new() };

    let style = dist.add("style", "css", &style_sheet(workspace)?)?;
    let page_wasm = dist.add("sotto", "wasm", &read(&workspace.page().join("sotto-web_bg.wasm"))?)?;
    let worker_wasm = dist.add("worker", "wasm", &read(&workspace.page().join("worker_bg.wasm"))?)?;
    let glue = add_glue(&mut dist, &stage)?;

    let worker = fill(
        &format!("{}\n{}", read_text(&stage.join("worker.js"))?, read_text(&stage.join("static/worker.js"))?),
        &[("{{worker wasm}}", &worker_wasm.address), ("{{worker wasm integrity}}", &worker_wasm.integrity)],
    )?;
    let worker = dist.add("worker", "js", worker.as_bytes())?;

    let texts: Value = serde_json::from_str(&read_text(&workspace.root.join("web/locales/en.json"))?)
        .map_err(|error| Failure::new(format!("web/locales/en.json: {error}")))?;
    let boot = fill(
        &fill_texts(&read_text(&stage.join("static/boot.js"))?, &texts, in_script)?,
        &[
            ("{{page glue}}", &glue.address),
            ("{{page wasm}}", &page_wasm.address),
            ("{{page wasm integrity}}", &page_wasm.integrity),
            ("{{worker script}}", &worker.address),
            ("{{worker script integrity}}", &worker.integrity),
        ],
    )?;
    let boot = dist.add_module("boot", boot.as_bytes())?;

    let import_map = import_map(&dist.modules);
    let index = fill(
        &fill_texts(&read_text(&stage.join("index.html"))?, &texts, in_markup)?,
        &[
            ("{{style}}", &style.address),
            ("{{style integrity}}", &style.integrity),
            ("{{import map}}", &import_map),
            ("{{boot}}", &boot.address),
            ("{{boot integrity}}", &boot.integrity),
        ],
    )?;
    // trunk leaves its own instructions behind.
    let index: Vec<&str> =
        index.lines().filter(|line| !line.contains("data-trunk") && !line.trim().is_empty()).collect();
    write(&dist.directory.join("index.html"), (index.join("\n") + "\n").as_bytes())?;

    copy_static(&stage.join("static"), &dist.directory)?;
    if quality == Quality::Release {
        compress(&dist.directory)?;
    }

    // Read by the server, not handed out.
    let policy = POLICY.replace("{scripts}", &policy_source(import_map.as_bytes()));
    write(&dist.directory.join("csp.txt"), policy.as_bytes())?;
    write(&dist.directory.join("immutable.txt"), (dist.immutable.join("\n") + "\n").as_bytes())
}

impl Dist {
    /// Writes a file under a name made of its bytes.
    fn add(&mut self, stem: &str, extension: &str, bytes: &[u8]) -> Outcome<Named> {
        let name = format!("{stem}-{}.{extension}", short(bytes));
        write(&self.directory.join(&name), bytes)?;
        let named = Named { address: format!("/{name}"), integrity: integrity(bytes) };
        self.immutable.push(name);
        Ok(named)
    }

    /// Writes a script that is imported by its address: the import map vouches for it.
    fn add_module(&mut self, stem: &str, bytes: &[u8]) -> Outcome<Named> {
        let named = self.add(stem, "js", bytes)?;
        self.modules.push((named.address.clone(), named.integrity.clone()));
        Ok(named)
    }
}

/// The page's glue, after the snippets which it imports.
fn add_glue(dist: &mut Dist, stage: &Path) -> Outcome<Named> {
    let mut glue = read_text(&stage.join("sotto-web.js"))?;
    let snippets = stage.join("snippets");
    for file in files_below(&snippets)? {
        let text = read_text(&file)?;
        let path = file.strip_prefix(stage).unwrap_or(&file).to_string_lossy().into_owned();
        let import = format!("'./{path}'");
        if !glue.contains(&import) {
            continue; // the worker's, or of no use
        }
        if text.contains("from './") || text.contains("from '../") {
            return Err(Failure::new(format!(
                "{path} imports further modules; assemble.rs must learn to name them"
            )));
        }
        let named = dist.add_module(&path.replace(['/', '.'], "-"), text.as_bytes())?;
        glue = glue.replace(&import, &format!("'.{}'", named.address));
    }
    dist.add_module("sotto", glue.as_bytes())
}

/// All style sheets, in the order of their names, as one.
fn style_sheet(workspace: &Workspace) -> Outcome<Vec<u8>> {
    let mut sheet = Vec::new();
    for file in files_below(&workspace.root.join("web/styles"))? {
        if file.extension().is_some_and(|extension| extension == "css") {
            sheet.extend(read(&file)?);
        }
    }
    Ok(sheet)
}

/// <https://html.spec.whatwg.org/multipage/webappapis.html#import-maps>; names and digests need no escaping.
fn import_map(modules: &[(String, String)]) -> String {
    let entries: Vec<String> =
        modules.iter().map(|(address, integrity)| format!("\"{address}\":\"{integrity}\"")).collect();
    format!("{{\"integrity\":{{{}}}}}", entries.join(","))
}

/// Puts values in the place of words in braces; each must be there.
fn fill(template: &str, values: &[(&str, &str)]) -> Outcome<String> {
    let mut text = template.to_owned();
    for (place, value) in values {
        if !text.contains(place) {
            return Err(Failure::new(format!("the page has no place for {place}")));
        }
        text = text.replace(place, value);
    }
    Ok(text)
}

/// Puts texts in the place of `{{text section.key}}`: what is shown before the program runs, or after it has stopped,
/// comes from the same file as everything else.
fn fill_texts(template: &str, texts: &Value, escape: fn(&str) -> String) -> Outcome<String> {
    let mut parts = template.split("{{text ");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let text = part.split_once("}}").and_then(|(key, rest)| {
            let text = texts.pointer(&format!("/{}", key.replace('.', "/")))?.as_str()?;
            Some((text, rest))
        });
        let Some((text, rest)) = text else {
            let key: String = part.chars().take_while(|character| *character != '}').collect();
            return Err(Failure::new(format!("web/locales/en.json has no text {key}")));
        };
        filled.push_str(&escape(text));
        filled.push_str(rest);
    }
    Ok(filled)
}

fn in_markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Inside double quotes.
fn in_script(text: &str) -> String {
    Value::from(text).to_string().trim_matches('"').to_owned()
}

fn copy_static(from: &Path, to: &Path) -> Outcome<()> {
    for file in files_below(from)? {
        let path = file.strip_prefix(from).unwrap_or(&file);
        if PARTS.iter().all(|part| path != Path::new(part)) {
            write(&to.join(path), &read(&file)?)?;
        }
    }
    Ok(())
}

/// Puts `name.br` beside every file that becomes smaller by it.
fn compress(directory: &Path) -> Outcome<()> {
    let files = files_below(directory)?;
    thread::scope(|scope| {
        let works: Vec<_> = files
            .iter()
            .filter(|file| {
                file.extension().is_some_and(|extension| COMPRESSIBLE.iter().any(|kind| extension == *kind))
            })
            .map(|file| scope.spawn(move || compress_file(file)))
            .collect();
        works
            .into_iter()
            .try_for_each(|work| work.join().unwrap_or_else(|_| Err(Failure::new("compression ended early"))))
    })
}

fn compress_file(file: &Path) -> Outcome<()> {
    let bytes = read(file)?;
    let mut compressed = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    brotli::BrotliCompress(&mut bytes.as_slice(), &mut compressed, &parameters)
        .map_err(|error| Failure::at(file, &error))?;
    if compressed.len() >= bytes.len() {
        return Ok(());
    }
    let mut name = file.as_os_str().to_owned();
    name.push(".br");
    fs::write(PathBuf::from(name), compressed).map_err(|error| Failure::at(file, &error))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_put_in_their_places_and_cannot_leave_them() {
        let texts = json!({ "shell": { "slow": "a < \"b\" & c" }, "app": { "name": "Sotto" } });
        let fill = |template, escape| fill_texts(template, &texts, escape).ok();
        assert_eq!(
            fill("<p>{{text shell.slow}}</p>{{text app.name}}{{boot}}", in_markup).as_deref(),
            Some("<p>a &lt; &quot;b&quot; &amp; c</p>Sotto{{boot}}")
        );
        assert_eq!(fill("\"{{text shell.slow}}\"", in_script).as_deref(), Some(r#""a < \"b\" & c""#));
        assert_eq!(fill("{{text shell.none}}", in_markup), None);
        assert_eq!(fill("{{text shell}}", in_markup), None);
        assert_eq!(fill("{{text shell.slow", in_markup), None);
    }
}
