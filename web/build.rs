//! Turns the locale files into the typed `i18n` module.

#[cfg(feature = "page")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    use leptos_i18n_build::{Config, ParseOptions, TranslationsInfos, options::CodegenOptions};

    println!("cargo::rerun-if-changed=build.rs");
    let texts = TranslationsInfos::parse(
        Config::new("en")?.parse_options(ParseOptions::new().interpolate_display(true)),
    )?;
    texts.emit_diagnostics();
    texts.rerun_if_locales_changed();
    let attributes = "#![allow(warnings, clippy::all, clippy::pedantic, clippy::restriction)]".parse()?;
    let options = CodegenOptions::new().top_level_attributes(Some(attributes)).gen_docs(false);
    let directory =
        std::path::PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?).join("i18n");
    texts.generate_i18n_module_with_options(directory, options)?;
    Ok(())
}

#[cfg(not(feature = "page"))]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}
