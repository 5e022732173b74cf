//! `cargo xtask check`: what can be said about the sources without running them.

use std::process::Command;

use crate::setup;
use crate::step::{Failure, Outcome, lines_of, quiet_output, watch};
use crate::suite::Suite;
use crate::workspace::{Workspace, files_below, read_text};

/// Crates that are also compiled for the browser.
pub const BROWSER_CRATES: [&str; 5] =
    ["sotto-crypto", "sotto-wire", "sotto-engine", "sotto-browser", "sotto-web"];

const WASM: &str = "wasm32-unknown-unknown";

/// What a crate may depend on among ours, and what it must not pull in by any way.
struct Direction {
    package: &'static str,
    /// Where it runs; `all` when it must run anywhere.
    target: &'static str,
    ours: &'static [&'static str],
    never: &'static [&'static str],
}

/// Environments and clocks: crates that run anywhere have none of them.
const ENVIRONMENTS: &[&str] = &[
    "web-sys",
    "js-sys",
    "wasm-bindgen",
    "tokio",
    "chrono",
    "time",
    "web-time",
    "instant",
    "jiff",
    "getrandom",
];

const DIRECTIONS: [Direction; 5] = [
    Direction { package: "sotto-crypto", target: "all", ours: &[], never: ENVIRONMENTS },
    Direction { package: "sotto-wire", target: "all", ours: &["sotto-crypto"], never: ENVIRONMENTS },
    Direction {
        package: "sotto-engine",
        target: "all",
        ours: &["sotto-crypto", "sotto-wire"],
        never: ENVIRONMENTS,
    },
    Direction {
        package: "sotto-browser",
        target: WASM,
        ours: &["sotto-crypto", "sotto-wire", "sotto-engine"],
        never: &["tokio", "leptos"],
    },
    Direction {
        package: "sotto-server",
        target: "x86_64-unknown-linux-gnu",
        ours: &["sotto-crypto", "sotto-wire"],
        never: &["web-sys", "js-sys", "leptos"],
    },
];

/// What `sotto-crypto` itself may name: RustCrypto's crates and a few without which there is no Rust code.
const CRYPTO_MAY_NAME: [&str; 16] = [
    "aead-stream",
    "aes-gcm",
    "argon2",
    "ecdsa",
    "elliptic-curve",
    "hkdf",
    "hmac",
    "hpke",
    "p256",
    "rand_core",
    "sha2",
    "signature",
    "subtle",
    "thiserror",
    "unicode-normalization",
    "zeroize",
];

/// Runs all checks.
pub fn check(workspace: &Workspace) -> Outcome<()> {
    setup::wasm_target()?;
    let mut suite = Suite::default();
    run(workspace, &mut suite);
    suite.finish()
}

/// The checks, as steps of a suite.
pub fn run(workspace: &Workspace, suite: &mut Suite) {
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new("cargo");
        command.args(arguments).current_dir(&workspace.root);
        command
    };
    suite.command("format (cargo fmt)", &mut cargo(&["fmt", "--all", "--check"]));
    suite.command(
        "format of the fuzz targets (cargo fmt)",
        &mut cargo(&["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]),
    );
    suite.work("direction of dependencies (cargo tree)", || directions(workspace));
    suite.work("markup that the page's policy refuses", || markup(workspace));
    suite.command(
        "clippy, native",
        &mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
    );
    // `--all-targets` leaves out a test that does not run by default.
    suite.command(
        "clippy, end-to-end tests",
        &mut cargo(&["clippy", "--workspace", "--test", "e2e", "--locked", "--", "-D", "warnings"]),
    );
    let mut wasm = cargo(&["clippy", "--all-targets", "--locked", "--target", WASM]);
    for package in BROWSER_CRATES {
        wasm.args(["--package", package]);
    }
    suite.command("clippy, wasm32", wasm.args(["--", "-D", "warnings"]));
    suite.command(
        "documentation (cargo doc)",
        cargo(&["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings"),
    );
    suite.work("licences, bans and sources (cargo-deny)", || deny(workspace));
}

/// The names in `cargo tree`'s answer about one package, without itself.
fn tree(workspace: &Workspace, package: &str, further: &[&str]) -> Outcome<Vec<String>> {
    let mut command = Command::new("cargo");
    command
        .args([
            "tree",
            "--locked",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{lib}|{p}",
            "--package",
            package,
        ])
        .args(further)
        .current_dir(&workspace.root);
    let told =
        quiet_output(&mut command).ok_or_else(|| Failure::new(format!("cargo tree of {package} failed")))?;
    let names = told.lines().filter_map(|line| line.split_once('|')?.1.split_whitespace().next());
    Ok(names.map(str::to_owned).filter(|name| name != package).collect())
}

fn directions(workspace: &Workspace) -> Outcome<Vec<String>> {
    let mut wrong = Vec::new();
    for direction in &DIRECTIONS {
        for name in tree(workspace, direction.package, &["--target", direction.target])? {
            let is_foreign_of_ours = name.starts_with("sotto-") && !direction.ours.contains(&name.as_str());
            if is_foreign_of_ours || direction.never.contains(&name.as_str()) {
                wrong.push(format!("{} must not pull in {name}", direction.package));
            }
        }
    }
    for name in tree(workspace, "sotto-crypto", &["--depth", "1"])? {
        if !CRYPTO_MAY_NAME.contains(&name.as_str()) {
            wrong.push(format!("sotto-crypto must not name {name}"));
        }
    }
    wrong.sort();
    wrong.dedup();
    verdict(wrong)
}

/// `style` attributes are refused by the Content-Security-Policy, `inner_html` by good sense: text never becomes markup.
fn markup(workspace: &Workspace) -> Outcome<Vec<String>> {
    let mut wrong = Vec::new();
    for file in files_below(&workspace.root.join("web/src"))? {
        let text = read_text(&file)?;
        for (number, line) in text.lines().enumerate() {
            let has_style = line.match_indices("style=").any(|(at, _)| {
                !line.get(..at).is_some_and(|before| {
                    before.ends_with(|sign: char| sign.is_alphanumeric() || sign == '_')
                })
            });
            if has_style || line.contains("inner_html") || line.contains("set_inner_html") {
                wrong.push(format!("{}:{}: {}", file.display(), number.saturating_add(1), line.trim()));
            }
        }
    }
    verdict(wrong)
}

fn verdict(wrong: Vec<String>) -> Outcome<Vec<String>> {
    for line in &wrong {
        println!("{line}");
    }
    if wrong.is_empty() {
        Ok(Vec::new())
    } else {
        Err(Failure::new(format!("{} found, see above", wrong.len())))
    }
}

/// Advisories need a database from the network; without it, that part is skipped and said to be.
fn deny(workspace: &Workspace) -> Outcome<Vec<String>> {
    setup::cargo_deny(workspace)?;
    let deny = |checks: &[&str]| {
        let mut command = Command::new("cargo-deny");
        command
            .args(["--color", "never", "--workspace", "check", "--hide-inclusion-graph"])
            .args(checks)
            .env("PATH", setup::path_with_tools(workspace))
            .current_dir(&workspace.root);
        command
    };
    let mut said = lines_of(&mut deny(&["licenses", "bans", "sources"]))?;
    let (advisories, succeeded) = watch(&mut deny(&["advisories"]))?;
    if !succeeded && advisories.iter().any(|line| line.contains("failed to fetch advisory database")) {
        said.push("advisories skipped: their database could not be reached".to_owned());
    } else if succeeded {
        said.extend(advisories);
    } else {
        return Err(Failure::new("advisories, see above"));
    }
    Ok(said)
}
