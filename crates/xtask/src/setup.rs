//! Set-up: what is missing is installed, in exact versions, below the target directory and not in anybody's home.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::apt;
use crate::step::{Failure, Outcome, lines_of, quiet_output, step};
use crate::workspace::{Workspace, read_text};

/// A tool that cargo can install.
struct CargoTool {
    name: &'static str,
    /// The program that tells the version.
    program: &'static str,
    version: &'static str,
    arguments: &'static [&'static str],
}

/// Must equal the version of the crate `wasm-bindgen` in `Cargo.toml`.
const WASM_BINDGEN: CargoTool =
    CargoTool { name: "wasm-bindgen-cli", program: "wasm-bindgen", version: "0.2.129", arguments: &[] };

/// Its optimised build takes three times as long and makes nothing faster here: cargo and rustc do the work.
const TRUNK: CargoTool = CargoTool {
    name: "trunk",
    program: "trunk",
    version: "0.21.14",
    arguments: &["--debug", "--no-default-features", "--features", "rustls"],
};

const GECKODRIVER: CargoTool =
    CargoTool { name: "geckodriver", program: "geckodriver", version: "0.37.1", arguments: &["--debug"] };

const CARGO_DENY: CargoTool = CargoTool {
    name: "cargo-deny",
    program: "cargo-deny",
    version: "0.20.2",
    arguments: &["--debug", "--no-default-features"],
};

const CARGO_FUZZ: CargoTool =
    CargoTool { name: "cargo-fuzz", program: "cargo-fuzz", version: "0.13.2", arguments: &["--debug"] };

/// It names a newer Rust than ours, and builds with ours.
const VERIFPAL: CargoTool = CargoTool {
    name: "verifpal",
    program: "verifpal",
    version: "1.6.7",
    arguments: &["--ignore-rust-version"],
};

/// A package that npm can install.
struct NpmPackage {
    name: &'static str,
    version: &'static str,
    /// What is wanted of it.
    purpose: &'static str,
}

const BINARYEN: NpmPackage = NpmPackage { name: "binaryen", version: "132.0.0", purpose: "wasm-opt" };

/// Checks accessibility inside the page; `tests/src/look.rs` reads it from here.
const AXE: NpmPackage = NpmPackage { name: "axe-core", version: "4.14.1", purpose: "axe" };

/// The tools that build the page.
pub struct PageTools {
    /// `PATH` for everything that is started: our own tools first.
    pub path: OsString,
    /// Without it the page is built unoptimised.
    pub wasm_opt: Option<PathBuf>,
}

/// Everything the page's build needs.
pub fn for_page(workspace: &Workspace) -> Outcome<PageTools> {
    wasm_target()?;
    cargo_tool(workspace, &WASM_BINDGEN)?;
    cargo_tool(workspace, &TRUNK)?;
    Ok(PageTools { path: path_with_tools(workspace), wasm_opt: wasm_opt(workspace)? })
}

/// What only the tests need: two browsers and their drivers, the checker of accessibility, and what networks of our own
/// are made with.
pub fn for_tests(workspace: &Workspace) -> Outcome<()> {
    browsers()?;
    networks()?;
    axe(workspace)?;
    cargo_tool(workspace, &GECKODRIVER)
}

/// The checker of licences and sources.
pub fn cargo_deny(workspace: &Workspace) -> Outcome<()> {
    cargo_tool(workspace, &CARGO_DENY)
}

/// What runs fuzz targets.
pub fn cargo_fuzz(workspace: &Workspace) -> Outcome<()> {
    cargo_tool(workspace, &CARGO_FUZZ)
}

/// The checker of models.
pub fn verifpal(workspace: &Workspace) -> Outcome<()> {
    cargo_tool(workspace, &VERIFPAL)
}

/// `PATH` with the project's own tools before all others.
pub fn path_with_tools(workspace: &Workspace) -> OsString {
    let mut path = OsString::from(workspace.tools().join("bin"));
    if let Some(inherited) = env::var_os("PATH") {
        path.push(":");
        path.push(inherited);
    }
    path
}

/// The target the page is compiled for.
pub fn wasm_target() -> Outcome<()> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let library = quiet_output(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]));
    if library.is_some_and(|directory| Path::new(directory.trim()).exists()) {
        return Ok(());
    }
    step("install the wasm32 target (rustup target add)", || {
        lines_of(Command::new("rustup").args(["target", "add", TARGET])).map(|_| ()).map_err(|_| {
            Failure::new(
                "the wasm32 target is missing and rustup could not add it: run \
                 `rustup target add wasm32-unknown-unknown` where its downloads can be reached, or see \
                 \"Without rustup's downloads\" in CONTRIBUTING.md for Debian's packages",
            )
        })
    })
}

fn cargo_tool(workspace: &Workspace, tool: &CargoTool) -> Outcome<()> {
    let told =
        quiet_output(Command::new(tool.program).arg("--version").env("PATH", path_with_tools(workspace)));
    let is_there = told
        .is_some_and(|text| text.split_whitespace().any(|word| word.trim_start_matches('v') == tool.version));
    if is_there {
        return Ok(());
    }
    step(&format!("install {} {} (once, into target/tools)", tool.name, tool.version), || {
        let mut command = Command::new("cargo");
        command
            .args(["install", "--locked", "--version", tool.version, "--root"])
            .arg(workspace.tools())
            .args(tool.arguments)
            .arg(tool.name)
            // One directory for all, so that what they share is compiled once; a debug build without symbols.
            .env("CARGO_TARGET_DIR", workspace.tools().join("build"))
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .current_dir(&workspace.root);
        lines_of(&mut command).map(|_| ()).map_err(|_| {
            Failure::new(format!(
                "{} {} is missing and `cargo install` failed, see above; a C compiler and the crate registry are needed",
                tool.name, tool.version
            ))
        })
    })
}

fn wasm_opt(workspace: &Workspace) -> Outcome<Option<PathBuf>> {
    if !has_npm() {
        println!(
            "── no npm: without wasm-opt, which it brings, the page is built unoptimised and about a quarter larger"
        );
        return Ok(None);
    }
    match npm_package(workspace, &BINARYEN) {
        Ok(package) => Ok(Some(package.join("bin/wasm-opt"))),
        Err(_) => {
            println!(
                "── wasm-opt could not be installed: the page is built unoptimised and about a quarter larger"
            );
            Ok(None)
        }
    }
}

fn axe(workspace: &Workspace) -> Outcome<()> {
    if !has_npm() {
        return Err(Failure::new(
            "the browser tests need axe-core, which npm brings: install Node.js with npm (on Debian `apt-get install npm`)",
        ));
    }
    npm_package(workspace, &AXE).map(|_| ())
}

fn has_npm() -> bool {
    quiet_output(Command::new("npm").arg("--version")).is_some()
}

/// Installs a package if it is not there; its directory. Each has a prefix of its own: npm removes what it was not asked
/// for from one that is shared.
fn npm_package(workspace: &Workspace, wanted: &NpmPackage) -> Outcome<PathBuf> {
    let NpmPackage { name, version, purpose } = wanted;
    let prefix = workspace.tools().join("npm").join(name);
    let package = prefix.join("node_modules").join(name);
    let told = format!("\"version\": \"{version}\"");
    if read_text(&package.join("package.json")).is_ok_and(|text| text.contains(&told)) {
        return Ok(package);
    }
    step(&format!("install {purpose} (npm package {name} {version}, once, into target/tools)"), || {
        let mut command = Command::new("npm");
        command
            .args(["install", "--no-audit", "--no-fund", "--no-save", "--ignore-scripts", "--prefix"])
            .arg(&prefix)
            .arg(format!("{name}@{version}"));
        lines_of(&mut command)
    })?;
    Ok(package)
}

fn browsers() -> Outcome<()> {
    const PROGRAMS: [(&str, &str); 3] =
        [("chromium", "chromium"), ("chromedriver", "chromium-driver"), ("firefox-esr", "firefox-esr")];
    let missing = apt::missing(&PROGRAMS);
    if missing.is_empty() {
        return Ok(());
    }
    let advice = Failure::new(format!(
        "the browser tests need {}: on Debian, as root, `apt-get install {}`; elsewhere install Chromium with \
         chromedriver and Firefox ESR so that `chromium`, `chromedriver` and `firefox-esr` are on PATH",
        missing.join(", "),
        missing.join(" ")
    ));
    apt::install(&missing, advice)
}

/// Where we may not install, nothing is said here: the tests that miss something say so when they are skipped.
fn networks() -> Outcome<()> {
    const PROGRAMS: [(&str, &str); 3] = [("ip", "iproute2"), ("nft", "nftables"), ("turnserver", "coturn")];
    let missing = apt::missing(&PROGRAMS);
    if missing.is_empty() || !apt::is_allowed() {
        return Ok(());
    }
    let advice =
        format!("the network tests need {0}, and `apt-get install {0}` failed, see above", missing.join(" "));
    apt::install(&missing, Failure::new(advice))
}
