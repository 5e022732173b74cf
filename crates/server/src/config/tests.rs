use super::*;

fn load_with(flags: &[&str], environment: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    let arguments = std::iter::once("sotto-server").chain(flags.iter().copied()).map(OsString::from);
    load(arguments, environment.iter().map(|(name, value)| ((*name).into(), (*value).into())))
}

#[test]
fn flags_win_over_environment_over_file_over_defaults() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("sotto.toml");
    std::fs::write(&file, "mailbox_envelopes = 1\nconnections = 2\nheader_timeout_s = 3\n").unwrap();
    let secret = directory.path().join("secret");
    std::fs::write(&secret, "debug\n").unwrap();
    let loaded = load_with(
        &[
            "--config",
            file.to_str().unwrap(),
            "--header-timeout-s",
            "5",
            "--origins",
            "https://a.example, http://b.example:81",
        ],
        &[
            ("SOTTO_CONNECTIONS", "4"),
            ("SOTTO_HEADER_TIMEOUT_S", "4"),
            ("SOTTO_LOG_FILE", secret.to_str().unwrap()),
            ("SOTTO_SOMETHING_ELSE", "x"),
            ("SOTTO_HEALTH_LISTEN", ""),
        ],
    )
    .unwrap();
    let config = &loaded.config;
    assert_eq!((config.mailbox_envelopes, config.connections, config.header_timeout_s), (1, 4, 5));
    assert_eq!(config.origins, ["https://a.example", "http://b.example:81"]);
    assert_eq!(config.log, "debug");
    assert_eq!(config.health_listen, None);
    let text = &loaded.explanation;
    assert!(text.contains("header_timeout_s = 5    (flag)"), "{text}");
    assert!(text.contains("connections = 4    (environment)"), "{text}");
    assert!(text.contains("mailbox_envelopes = 1    (TOML file)"), "{text}");
    assert!(text.contains("ping_interval_s = 30    (default)"), "{text}");
    assert_eq!(text.lines().count(), SETTINGS.len() * 2);
}

#[test]
fn nonsense_is_refused_with_its_name() {
    for (flag, value) in [
        ("--origins", "sotto.example"),
        ("--origins", "https://sotto.example/"),
        ("--origins", "https://Sotto.example"),
        ("--connections", "0"),
        ("--connections", "many"),
        ("--mailbox-idle-days", "6"),
        ("--address-store-percent", "101"),
        ("--address-store-percent", "0"),
        ("--ban-max-s", "86401"),
        ("--ban-max-s", "59"),
        ("--listen", "8080"),
        ("--trusted-proxies", "10.0.0.0/99"),
    ] {
        let error = load_with(&[flag, value], &[]).unwrap_err().to_string();
        assert!(error.contains(&flag[2..].replace('-', "_")), "{flag} {value}: {error}");
    }
}

#[test]
fn secrets_come_without_flags_and_are_shown_nowhere() {
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret");
    std::fs::write(&secret, "9876543210987654321\n").unwrap();
    let file = directory.path().join("sotto.toml");
    std::fs::write(&file, "turn_secret = \"overridden-overridden\"\n").unwrap();
    let urls = ["--config", file.to_str().unwrap(), "--turn-urls", "turn:a.example:3478"];
    let loaded = load_with(&urls, &[("SOTTO_TURN_SECRET_FILE", secret.to_str().unwrap())]).unwrap();
    // A number too, which would be one for any other setting.
    assert_eq!(loaded.config.turn_secret.as_ref().unwrap().expose(), "9876543210987654321");
    assert!(loaded.explanation.contains("turn_secret = (set, not shown)    (environment)"));
    for shown in [loaded.explanation.clone(), format!("{loaded:?}"), toml(&loaded.config)] {
        assert!(!shown.contains("987654321") && !shown.contains("overridden"), "{shown}");
    }
    assert!(command().try_get_matches_from(["sotto-server", "--turn-secret", "x"]).is_err());
    for wrong in ["1234567890123456789", "true", "1.5", "[\"a\"]"] {
        std::fs::write(&file, format!("turn_secret = {wrong}\n")).unwrap();
        let refused = load_with(&urls, &[]).unwrap_err().to_string();
        assert!(refused.contains("turn_secret") && !refused.contains("123456789"), "{refused}");
    }
}

/// What it would be written as.
fn toml(config: &Config) -> String {
    format!("{:?}", Figment::from(Serialized::defaults(config)).extract::<Dict>())
}

#[test]
fn turn_servers_need_their_secret_and_the_secret_its_servers() {
    let missing = load_with(&["--turn-urls", "turn:a.example"], &[]).unwrap_err().to_string();
    assert!(missing.contains("SOTTO_TURN_SECRET_FILE"), "{missing}");
    let nowhere = load_with(&[], &[("SOTTO_TURN_SECRET_FILE", "/nowhere")]).unwrap_err().to_string();
    assert!(nowhere.contains("/nowhere") && nowhere.contains("SOTTO_TURN_SECRET_FILE"), "{nowhere}");
    let alone = load_with(&[], &[("SOTTO_TURN_SECRET", "north-wind-and-the-sun")]).unwrap_err().to_string();
    assert!(alone.contains("turn_urls") && !alone.contains("north"), "{alone}");
    let loaded = load_with(&[], &[("SOTTO_TURN_SECRET", "")]).unwrap();
    assert!(loaded.config.turn_secret.is_none(), "empty stands for not set");
}
