//! The program: reads its configuration, serves until it is told to stop.

use std::alloc::System;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use sotto_server::{Running, config};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use zeroizing_alloc::ZeroAlloc;

/// Requests bring addresses and delivery tokens through buffers of libraries that do not wipe them.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to tell if this fails.
            drop(writeln!(std::io::stderr(), "sotto-server: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let loaded = config::load(std::env::args_os(), utf8_environment())?;
    if loaded.check_only {
        write!(std::io::stdout(), "{}", loaded.explanation)?;
        return Ok(());
    }
    let filter = EnvFilter::try_new(&loaded.config.log)?;
    let ansi = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(ansi).with_writer(std::io::stderr).init();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(loaded.config))
}

/// Variables that are not text are not ours.
fn utf8_environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

async fn serve(config: config::Config) -> Result<(), Box<dyn std::error::Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let server = Running::start(config).await?;
    writeln!(std::io::stdout(), "Sotto is at {}", server.origin())?;
    std::io::stdout().flush()?;
    tracing::info!(address = %server.health_address(), "health and metrics");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    server.stop().await;
    Ok(())
}
