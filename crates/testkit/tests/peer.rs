//! The program that other implementations talk with, talking with itself.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

const ORIGIN: &str = "https://sotto.example";

struct Peer {
    program: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn new(seed: u8) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_peer"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = program.stdin.take().unwrap();
        let output = BufReader::new(program.stdout.take().unwrap());
        let mut peer = Self { program, input, output };
        peer.ok(
            json!({ "do": "new", "seed": format!("{seed:02x}").repeat(32), "now": 1_800_000_000_000_u64 }),
        );
        peer
    }

    fn ask(&mut self, line: &Value) -> Value {
        writeln!(self.input, "{line}").unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    fn ok(&mut self, line: Value) -> Value {
        let answer = self.ask(&line);
        assert!(answer["error"].is_null(), "{line}: {answer}");
        answer["ok"].clone()
    }

    fn refuses(&mut self, line: Value, rule: &str) {
        let before = self.ok(json!({ "do": "state" }));
        assert_eq!(self.ask(&line)["error"], rule);
        assert_eq!(self.ok(json!({ "do": "state" })), before, "refused, but changed something");
    }

    fn say(&mut self, text: &str) -> Value {
        self.ok(json!({ "do": "say", "text": text }))["blob"].clone()
    }

    fn hear(&mut self, blob: &Value) -> Value {
        self.ok(json!({ "do": "hear", "blob": blob }))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[test]
fn two_peers_talk() {
    let (mut anna, mut ben) = (Peer::new(1), Peer::new(2));
    let made = ben.ok(json!({ "do": "invite", "origin": ORIGIN, "name": "Ben" }));
    let begin = json!({
        "do": "begin", "origin": ORIGIN, "link": made["link"], "card": made["card"], "box": made["box"],
    });
    assert_eq!(anna.ok(begin)["name"], "Ben");
    let lost = anna.say("lost at first");
    let first = anna.say("hello");
    let mut altered = first.as_str().unwrap().to_owned();
    altered.replace_range(2046.., if altered.ends_with("00") { "01" } else { "00" });
    ben.refuses(json!({ "do": "hear", "blob": altered }), "bad-tag");
    let heard = ben.hear(&first);
    assert_eq!(
        (&heard["text"], &heard["begun"], &heard["previous_fits"]),
        (&json!("hello"), &json!(true), &json!(null))
    );
    let heard = ben.hear(&lost);
    assert_eq!((&heard["text"], &heard["sequence"]), (&json!("lost at first"), &json!(1)));
    ben.refuses(json!({ "do": "hear", "blob": lost }), "key-gone");
    let answer = ben.say("hello to you");
    assert_eq!(anna.hear(&answer)["text"], "hello to you");
    let again = anna.say("again");
    assert_eq!(ben.hear(&again)["previous_fits"], true);
    let whispered = anna.ok(json!({ "do": "whisper", "attempt": 7 }))["blob"].clone();
    assert_eq!(ben.hear(&whispered)["attempt"], 7);
    anna.refuses(json!({ "do": "hear", "blob": whispered }), "bad-tag");
}

#[test]
fn both_begin_at_once() {
    let (mut anna, mut ben) = (Peer::new(3), Peer::new(4));
    let mut bundles = Vec::new();
    for (peer, seed) in [(&mut anna, "03"), (&mut ben, "04")] {
        let made = peer.ok(json!({ "do": "new", "seed": seed.repeat(32), "now": 1_800_000_000_000_u64 }));
        bundles.push(made);
    }
    let begin = |made: &Value| {
        json!({
            "do": "begin", "device_list": made["device_list"], "bundle": made["bundle"], "opk": made["opk"],
            "mailbox": made["mailbox"],
        })
    };
    let from_ben = {
        ben.ok(begin(&bundles[0]));
        ben.say("from Ben")
    };
    anna.refuses(json!({ "do": "hear", "blob": from_ben }), "unknown-sender");
    anna.ok(begin(&bundles[1]));
    let from_anna = anna.say("from Anna");
    anna.hear(&from_ben);
    ben.hear(&from_anna);
    let (one, other) = (anna.say("which session?"), ben.say("this one"));
    assert_eq!(ben.hear(&one)["session_id"], anna.hear(&other)["session_id"]);
}

#[test]
fn files_and_safety_numbers_cross_over() {
    let (mut anna, mut ben) = (Peer::new(5), Peer::new(6));
    let content = "5a".repeat(65_536 + 1);
    let mut sent = anna.ok(json!({ "do": "send_file", "content": content, "name": "z" }));
    sent["do"] = "receive_file".into();
    assert_eq!(ben.ok(sent.clone())["content"], content);
    sent["root"] = "00".repeat(32).into();
    ben.refuses(sent, "bad-root");
    let told = |seed: &str| json!({ "do": "new", "seed": seed.repeat(32), "now": 0 });
    let accounts = [anna.ok(told("05"))["account"].clone(), ben.ok(told("06"))["account"].clone()];
    let at_anna = anna.ok(json!({ "do": "safety_number", "account": accounts[1] }));
    let at_ben = ben.ok(json!({ "do": "safety_number", "account": accounts[0] }));
    assert_eq!(at_anna["digits"], at_ben["digits"]);
    ben.ok(json!({ "do": "scan", "account": accounts[0], "qr": at_anna["qr"] }));
    ben.refuses(json!({ "do": "scan", "account": accounts[0], "qr": at_ben["qr"] }), "differs");
}
