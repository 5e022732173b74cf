//! One device that talks over lines, for other implementations to talk with: a JSON object a line on standard input, an
//! answer a line on standard output. `tests/second-implementation/README.md` lists the lines.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test tool: it stops at the first thing that is not as it should be"
)]

mod contact;
mod device;
mod line;

use std::io::{self, BufRead, Write};

use serde_json::{Value, json};

use crate::device::Device;
use crate::line::{Answer, Line, Refusal};

fn main() -> io::Result<()> {
    let mut device = None;
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let answer = match answer(&mut device, &line?) {
            Ok(value) => json!({ "ok": value }),
            Err(Refusal(rule)) => json!({ "error": rule }),
        };
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}

fn answer(device: &mut Option<Device>, line: &str) -> Answer {
    let line = Line(serde_json::from_str::<Value>(line)?);
    if line.text("do")? == "new" {
        let mut made = Device::new(line.array("seed")?, line.number("now")?)?;
        let told = made.told();
        *device = Some(made);
        return Ok(told);
    }
    let device = device.as_mut().ok_or_else(|| Refusal::of("not-made-yet"))?;
    match line.text("do")? {
        "clock" => device.set_clock(line.number("now")?),
        "opk" => Ok(device.one_time_prekey()),
        "invite" => device.invite(line.text("origin")?, line.text("name")?),
        "meet" => device.meet(&line),
        "begin" => device.begin(&line),
        "say" => device.say(line.text("text")?),
        "whisper" => device.whisper(line.number("attempt")?),
        "hear" => device.hear(&line.bytes("blob")?),
        "state" => Ok(json!({ "hash": device.state() })),
        "send_file" => device.send_file(&line.bytes("content")?, line.text("name")?),
        "receive_file" => device::receive_file(&line),
        "safety_number" => device.safety_number(&line.array("account")?),
        "scan" => device.scan(&line.array("account")?, &line.bytes("qr")?),
        other => Err(Refusal(format!("no such line: {other}"))),
    }
}
