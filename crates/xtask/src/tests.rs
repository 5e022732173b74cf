//! `cargo xtask test`: everything.

use std::process::Command;

use crate::check::{self, BROWSER_CRATES};
use crate::models::Extent;
use crate::page;
use crate::setup::{self, path_with_tools};
use crate::step::{Outcome, lines_of};
use crate::suite::Suite;
use crate::workspace::{Workspace, write};
use crate::{fuzz, models, second};

/// How many scenarios run at once: each has up to three browsers.
const SCENARIOS_AT_ONCE: &str = "--test-threads=2";

/// Seconds that each fuzz target runs here; `cargo xtask fuzz` runs them longer.
const SMOKE: u64 = 5;

/// What wasm-bindgen's test runner asks the driver for.
const HEADLESS_CHROMIUM: &str = r#"{ "goog:chromeOptions": { "args": ["headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu"] } }"#;

/// Sets up what is missing, then runs checks, native tests, wasm tests and scenarios.
pub fn test(workspace: &Workspace) -> Outcome<()> {
    let mut suite = Suite::default();
    suite.work("set up browsers and their drivers", || setup::for_tests(workspace).map(|()| Vec::new()));
    suite.work("set up the page's tools and build the page", || {
        let tools = setup::for_page(workspace)?;
        page::build(workspace, &tools, page::Quality::Release).map(|()| Vec::new())
    });
    check::run(workspace, &mut suite);

    let cargo = |arguments: &[&str]| {
        let mut command = Command::new("cargo");
        command.args(["test", "--locked"]).args(arguments).current_dir(&workspace.root);
        command.env("PATH", path_with_tools(workspace));
        command
    };
    // Both select the whole workspace, so that nothing is compiled twice for other features.
    suite.command("unit, property and integration tests", &mut cargo(&["--workspace", "--no-fail-fast"]));
    // Again, for what they say: how many cases of each published set ran, and which our own rules refuse.
    suite.command(
        "published test vectors, counted",
        &mut cargo(&["--workspace", "--lib", "vectors::", "--", "--nocapture", "--test-threads=2"]),
    );
    suite.work("second implementation (Python)", || second::test(workspace));
    suite.work("models (Verifpal)", || models::verify(workspace, Extent::Quick));
    suite.work("fuzz targets, a few seconds each", || fuzz::smoke(workspace, SMOKE));
    suite.work("wasm tests in Chromium", || {
        let mut command = wasm_tests(workspace)?;
        command.args(["--no-fail-fast", "--lib", "--tests"]);
        for package in BROWSER_CRATES.iter().filter(|package| **package != "sotto-web") {
            command.args(["--package", package]);
        }
        lines_of(&mut command)
    });
    suite.command(
        "scenarios in Chromium and Firefox",
        &mut cargo(&["--workspace", "--test", "e2e", "--", SCENARIOS_AT_ONCE]),
    );
    suite.finish()
}

/// `cargo test` for wasm32 in headless Chromium, to which packages and targets are to be added.
pub fn wasm_tests(workspace: &Workspace) -> Outcome<Command> {
    let capabilities = workspace.target.join("webdriver.json");
    write(&capabilities, HEADLESS_CHROMIUM.as_bytes())?;
    let mut command = Command::new("cargo");
    command
        .args(["test", "--locked", "--target", "wasm32-unknown-unknown"])
        .current_dir(&workspace.root)
        .env("PATH", path_with_tools(workspace))
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", "wasm-bindgen-test-runner")
        .env("CHROMEDRIVER", "chromedriver")
        .env("WASM_BINDGEN_TEST_ONLY_WEB", "1")
        .env("WASM_BINDGEN_TEST_TIMEOUT", "600")
        .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", &capabilities);
    Ok(command)
}
