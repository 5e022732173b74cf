//! Steps: each says what it does, shows what its command prints while it runs, and says how long it took.

use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// What could not be done, and what helps, in one line.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// A failure told by `message`.
    pub fn new(message: impl Into<String>) -> Failure {
        Failure(message.into())
    }

    /// A failure to read or write `path`.
    pub fn at(path: &Path, error: &io::Error) -> Failure {
        Failure(format!("{}: {error}", path.display()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The result of something that can fail.
pub type Outcome<T> = Result<T, Failure>;

/// A duration as people read it.
pub fn spell(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 60 {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{} min {} s", seconds / 60, seconds % 60)
    }
}

/// Announces `title`, does `work`, tells how long it took.
pub fn step<T>(title: &str, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    println!("── {title}");
    let start = Instant::now();
    let outcome = work();
    let end = if outcome.is_ok() { "done" } else { "FAILED" };
    println!("── {title}: {end} in {}", spell(start.elapsed()));
    outcome
}

/// No single command takes longer than this; one that does is ended and counts as failed.
const LIMIT: Duration = Duration::from_secs(45 * 60);

/// Runs a command, its output shown line by line as it comes, and hands the lines back.
///
/// # Errors
///
/// When it cannot be started or ends with another code than 0.
pub fn lines_of(command: &mut Command) -> Outcome<Vec<String>> {
    let (lines, succeeded) = watch(command)?;
    if succeeded { Ok(lines) } else { Err(Failure::new(format!("`{}` failed", describe(command)))) }
}

/// Like [`lines_of`], but a command that fails still hands back what it printed.
pub fn watch(command: &mut Command) -> Outcome<(Vec<String>, bool)> {
    let failed = |error: io::Error| Failure::new(format!("cannot run {:?}: {error}", command.get_program()));
    let (reader, writer) = io::pipe().map_err(failed)?;
    let errors = writer.try_clone().map_err(failed)?;
    let started = command.stdin(Stdio::null()).stdout(writer).stderr(errors).spawn();
    // The command holds writing ends of the pipe; while it does, reading never ends.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child =
        started.map_err(|error| Failure::new(format!("cannot run {:?}: {error}", command.get_program())))?;

    let (sender, printed) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                break;
            }
        }
    });

    let start = Instant::now();
    let mut lines = Vec::new();
    loop {
        match printed.recv_timeout(Duration::from_secs(2)) {
            Ok(line) => {
                println!("{line}");
                let _ = io::stdout().flush();
                lines.push(line);
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                // Something it started may outlive it and keep the pipe open.
                if !matches!(child.try_wait(), Ok(None)) {
                    break;
                }
                if start.elapsed() > LIMIT {
                    println!("`{}` is ended after {}", describe(command), spell(LIMIT));
                    let _ = child.kill();
                    break;
                }
            }
        }
    }
    let status = child.wait().map_err(|error| Failure::new(error.to_string()))?;
    Ok((lines, status.success()))
}

/// What a command prints on its standard output, or nothing when it cannot be run or fails.
pub fn quiet_output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn describe(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}
