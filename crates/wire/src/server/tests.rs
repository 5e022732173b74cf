use core::fmt::Debug;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn round_trip<T: Message + PartialEq + Debug>(message: &T) {
    let bytes = message.encode();
    assert_eq!(T::decode(&bytes).as_ref(), Ok(message));
    for cut in 0..bytes.len() {
        assert!(T::decode(&bytes[..cut]).is_err(), "cut at {cut}: {message:?}");
    }
    let mut longer = bytes;
    longer.push(0);
    assert_eq!(T::decode(&longer), Err(FrameError::Malformed));
}

fn authentication() -> Authentication {
    Authentication {
        version: limits::VERSION,
        device_id: DeviceId::from_bytes([1; 16]),
        signing_key: [2; 33].into(),
        mailbox: MailboxId::from_bytes([3; 16]),
        client_nonce: Nonce([4; 32]),
        signature: [5; 64].into(),
    }
}

fn client_frames() -> Vec<ClientFrame> {
    let hashes = || {
        TokenHashes::new([6, 7].map(|byte| ListedToken(TokenHash::from_bytes([byte; 32]))).to_vec()).unwrap()
    };
    vec![
        ClientFrame::Authenticate(authentication()),
        ClientFrame::Credit { n: 64 },
        ClientFrame::acknowledge(vec![Sequence(1), Sequence(u64::MAX)]).unwrap(),
        ClientFrame::AddTokens { request: 1, hashes: hashes() },
        ClientFrame::RevokeTokens { request: 2, hashes: hashes() },
        ClientFrame::PublishPreKeys {
            request: 3,
            bundle: BundleBytes::new(vec![8; 300]).unwrap(),
            one_time: OneTimePreKeys::new(vec![OneTimePreKeyEntry { id: 9, key: [2; 33].into() }]).unwrap(),
        },
        ClientFrame::Ping { n: 5 },
    ]
}

#[test]
fn frames_round_trip_and_nothing_shorter_or_longer_does() {
    client_frames().iter().for_each(round_trip);
    let blob = Blob::new(vec![1; 1024]).unwrap();
    for frame in [
        ServerFrame::Challenge { version: limits::VERSION, nonce: Nonce([1; 32]) },
        ServerFrame::Welcome { acknowledged_through: Sequence(3), one_time_left: 4, waiting: 5 },
        ServerFrame::Deliver { sequence: Sequence(1), envelope_id: blob.id(), class: Class::Stored, blob },
        ServerFrame::Done { request: 1 },
        ServerFrame::Failed { request: 2, code: ErrorCode::Quota },
        ServerFrame::Pong { n: 1 },
        ServerFrame::Drained {},
    ] {
        round_trip(&frame);
    }
}

#[test]
fn bodies_round_trip() {
    round_trip(&Accepted {});
    round_trip(&CreateInvite {
        invite_id: InviteId::from_bytes([1; 16]),
        owner_hash: OwnerSecret::from_bytes([2; 32]).hash(),
        expires_at: 1_800_000_000,
        card: InviteCard::new(vec![3; limits::INVITE_CARD_MAX]).unwrap(),
        bundle: InviteBundle::new(vec![4; limits::INVITE_BUNDLE_MAX]).unwrap(),
    });
    round_trip(&RedeemInvite { invite_id: InviteId::from_bytes([1; 16]), redeem_id: RedeemId([2; 16]) });
    round_trip(&FetchedPreKeys { bundle: BundleBytes::new(vec![1]).unwrap(), one_time: None });
    round_trip(&Failure {
        code: ErrorCode::RateLimited,
        request_id: RequestId([1; 8]),
        retry_after_s: Some(2),
    });
}

fn turn_answer() -> TurnAnswer {
    let url = |url: &str| IceUrl::new(url.to_owned()).unwrap();
    let text = |text: &str| Some(TurnText::new(text.to_owned()).unwrap());
    let stun = TurnServer {
        urls: List::new(vec![url("stun:a.example")]).unwrap(),
        username: None,
        credential: None,
    };
    let turn = TurnServer {
        urls: List::new(vec![url("turn:a.example:3478?transport=udp"), url("turns:[2001:db8::1]:5349")])
            .unwrap(),
        username: text("1800000000:0011223344556677"),
        credential: text("c2VjcmV0IG9mIFRVUk4="),
    };
    TurnAnswer { servers: List::new(vec![stun, turn]).unwrap(), lifetime_s: 3_600 }
}

#[test]
fn turn_bodies_round_trip_and_print_no_credential() {
    round_trip(&FetchTurn {});
    assert_eq!(FetchTurn {}.encode(), [0xa0]);
    let answer = turn_answer();
    round_trip(&answer);
    round_trip(&TurnAnswer { servers: List::new(Vec::new()).unwrap(), lifetime_s: 3_600 });
    let printed = format!("{answer:?}");
    assert!(printed.contains("stun:a.example"), "{printed}");
    assert!(!printed.contains("c2Vj") && !printed.contains("0011"), "{printed}");
}

#[test]
fn the_largest_turn_answer_fits_its_limit() {
    let url = format!("turn:{}?transport=tcp", "h".repeat(limits::ICE_TEXT_MAX - 19));
    let url = IceUrl::new(url).unwrap();
    assert_eq!(url.as_str().len(), limits::ICE_TEXT_MAX);
    let text = || Some(TurnText::new("t".repeat(limits::ICE_TEXT_MAX)).unwrap());
    let urls = List::new(vec![url; limits::ICE_URLS_MAX]).unwrap();
    let server = TurnServer { urls, username: text(), credential: text() };
    let servers = List::new(vec![server; limits::ICE_SERVERS_MAX]).unwrap();
    let answer = TurnAnswer { servers, lifetime_s: u32::MAX };
    assert_eq!(TurnAnswer::decode(&answer.encode()), Ok(answer));
    assert_eq!(TurnText::new("t".repeat(limits::ICE_TEXT_MAX + 1)), Err(FrameError::OutOfBounds));
}

#[test]
fn only_urls_of_stun_and_turn_are_taken() {
    for good in [
        "stun:a",
        "stuns:a.example:5349",
        "turn:192.0.2.1",
        "turn:a_b.example:1?transport=udp",
        "turns:[::1]:65535?transport=tcp",
        "turn:[2001:db8::1]",
    ] {
        let url = IceUrl::new(good.to_owned()).unwrap();
        assert_eq!(url.is_turn(), good.starts_with("turn"), "{good}");
    }
    let long = format!("turn:{}", "h".repeat(limits::ICE_TEXT_MAX));
    for bad in [
        "",
        "a.example",
        "http://a.example",
        "TURN:a.example",
        "stun:",
        "turn::3478",
        "turn:a.example:",
        "turn:a.example:0",
        "turn:a.example:65536",
        "turn:a.example:+1",
        "turn:a.example:1:2",
        "turn://a.example",
        "turn:user@a.example",
        "turn:a example",
        "turn:a.example?transport=sctp",
        "turn:a.example?",
        "stun:a.example?transport=udp",
        "turn:[::1",
        "turn:[a.example]",
        "turn:[::1]3478",
        "turn:\u{e4}.example",
        &long,
    ] {
        assert_eq!(IceUrl::new(bad.to_owned()), Err(FrameError::OutOfBounds), "{bad}");
    }
}

#[test]
fn the_largest_frames_fit_their_limits() {
    for size in limits::ENVELOPE_SIZES {
        let blob = Blob::new(vec![0xff; size]).unwrap();
        let put = PutEnvelope {
            mailbox: MailboxId::from_bytes([0xff; 16]),
            token: DeliveryToken::from_bytes(&[0xff; 32]),
            envelope_id: blob.id(),
            class: Class::Stored,
            lifetime_s: u32::MAX,
            blob,
        };
        let bytes = put.encode();
        assert!(bytes.len() <= PutEnvelope::MAX);
        assert_eq!(PutEnvelope::decode(&bytes).unwrap().blob, put.blob);
    }
    let frame = ClientFrame::PublishPreKeys {
        request: u32::MAX,
        bundle: BundleBytes::new(vec![1; limits::BUNDLE_MAX]).unwrap(),
        one_time: OneTimePreKeys::new(vec![
            OneTimePreKeyEntry { id: u32::MAX, key: [3; 33].into() };
            limits::ONE_TIME_PREKEYS_MAX
        ])
        .unwrap(),
    };
    round_trip_size(&frame);
    let sequences = vec![Sequence(u64::MAX); limits::ACKNOWLEDGE_MAX];
    round_trip_size(&ClientFrame::acknowledge(sequences).unwrap());
}

fn round_trip_size(frame: &ClientFrame) {
    let bytes = frame.encode();
    assert!(bytes.len() <= ClientFrame::MAX);
    assert_eq!(ClientFrame::decode(&bytes).as_ref(), Ok(frame));
}

#[test]
fn bounds_are_told_from_malformed_bytes() {
    assert_eq!(Blob::new(vec![0; 1025]), Err(FrameError::OutOfBounds));
    assert_eq!(ClientFrame::decode(&[0x82, 0x18, 0x63, 0xa0]), Err(FrameError::UnknownType));
    assert_eq!(ClientFrame::decode(&[]), Err(FrameError::Malformed));
    assert_eq!(ClientFrame::decode(&vec![0; limits::SOCKET_MESSAGE_MAX + 1]), Err(FrameError::TooLarge));
    // [2, {0: [257 × 0]}], and a list that only announces 2⁶³ items
    let mut many = vec![0x82, 0x02, 0xa1, 0x00, 0x99, 0x01, 0x01];
    many.extend([0; 257]);
    assert_eq!(ClientFrame::decode(&many), Err(FrameError::OutOfBounds));
    let huge = [0x82, 0x02, 0xa1, 0x00, 0x9b, 0x80, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(ClientFrame::decode(&huge), Err(FrameError::OutOfBounds));
}

#[test]
fn unknown_keys_are_ignored() {
    // [6, {0: 5, 9: "x"}]
    let bytes = [0x82, 0x06, 0xa2, 0x00, 0x05, 0x09, 0x61, 0x78];
    assert_eq!(ClientFrame::decode(&bytes), Ok(ClientFrame::Ping { n: 5 }));
}

#[test]
fn a_frame_is_written_in_one_way_only() {
    assert_eq!(ClientFrame::Ping { n: 5 }.encode(), [0x82, 0x06, 0xa1, 0x00, 0x05]);
    assert_eq!(ServerFrame::Drained {}.encode(), [0x82, 0x06, 0xa0]);
    // A frame without fields is an empty map, not anything at all.
    assert_eq!(ServerFrame::decode(&[0x82, 0x06, 0x06]), Err(FrameError::Malformed));
}

#[test]
fn what_is_signed_names_origin_key_and_both_nonces() {
    let base = authentication();
    let challenge = Nonce([9; 32]);
    let bytes = challenge_bytes("https://a.example", &challenge, &base);
    assert_ne!(bytes, challenge_bytes("https://b.example", &challenge, &base));
    assert_ne!(bytes, challenge_bytes("https://a.example", &Nonce([8; 32]), &base));
    let variants = [
        Authentication { device_id: DeviceId::from_bytes([0; 16]), ..base.clone() },
        Authentication { mailbox: MailboxId::from_bytes([0; 16]), ..base.clone() },
        Authentication { signing_key: [0; 33].into(), ..base.clone() },
        Authentication { client_nonce: Nonce([0; 32]), ..base.clone() },
        Authentication { version: 2, ..base.clone() },
    ];
    for variant in variants {
        assert_ne!(bytes, challenge_bytes("https://a.example", &challenge, &variant));
    }
    let other_signature = Authentication { signature: [0; 64].into(), ..base };
    assert_eq!(bytes, challenge_bytes("https://a.example", &challenge, &other_signature));
}

#[test]
fn secrets_do_not_appear_in_debug_output() {
    assert_eq!(format!("{:?}", OwnerSecret::from_bytes([0xab; 32])), "OwnerSecret(…)");
}

#[test]
fn mutated_frames_never_panic_and_decode_to_what_they_encode() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut below = |bound: usize| usize::try_from(next() % u64::try_from(bound).unwrap()).unwrap();
    let frames: Vec<_> = client_frames().iter().map(Message::encode).collect();
    for _ in 0..20_000 {
        let mut bytes = frames[below(frames.len())].clone();
        for _ in 0..=below(3) {
            let at = below(bytes.len());
            bytes[at] = u8::try_from(below(256)).unwrap();
        }
        if let Ok(frame) = ClientFrame::decode(&bytes) {
            assert_eq!(ClientFrame::decode(&frame.encode()), Ok(frame));
        }
    }
}
