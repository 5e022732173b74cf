//! STUN and TURN servers, and credentials for them.

use sotto_server::config::Secret;
use sotto_server::store::Timestamp;
use sotto_wire::server::{CONTENT_TYPE, ErrorCode, FetchTurn, Message, TurnAnswer, path};

use crate::support::{Server, get, post, request};

async fn with_turn() -> Server {
    Server::with(|config| {
        config.stun_urls = vec!["stun:turn.example:3478".to_owned()];
        config.turn_urls =
            vec!["turn:turn.example:3478?transport=udp".to_owned(), "turns:turn.example:5349".to_owned()];
        config.turn_secret = Some(Secret::new("north-wind-and-the-sun".to_owned()));
        config.turn_lifetime_s = 600;
        config.address_meetings_burst = 4;
        config.address_meetings_per_min = 1;
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_end_and_differ() {
    let server = with_turn().await;
    let before = Timestamp::now();
    let mut names = Vec::new();
    for _ in 0..2 {
        let response = server.post(path::TURN, &FetchTurn {}).await;
        assert_eq!((response.status, response.header("cache-control")), (200, Some("no-store")));
        let answer: TurnAnswer = response.decode();
        assert_eq!(answer.lifetime_s, 600);
        let [stun, turn] = answer.servers.as_slice() else { panic!("{answer:?}") };
        assert!(stun.username.is_none() && stun.credential.is_none());
        assert_eq!(turn.urls.as_slice().len(), 2);
        let username = turn.username.as_ref().unwrap().as_str().to_owned();
        let ends: u64 = username.split_once(':').unwrap().0.parse().unwrap();
        assert!((before.plus(600).0..=Timestamp::now().plus(600).0).contains(&ends));
        // The base64 of twenty bytes; what they are is tested beside the code.
        assert_eq!(turn.credential.as_ref().unwrap().as_str().len(), 28);
        names.push(username);
    }
    assert_ne!(names[0], names[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_configuration_there_are_none() {
    let server = Server::start().await;
    let answer: TurnAnswer = server.post(path::TURN, &FetchTurn {}).await.decode();
    assert!(answer.servers.as_slice().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_counted_and_other_pages_refused() {
    let server = with_turn().await;
    let at = server.address;
    get(at, path::TURN, "").await.refused(ErrorCode::MethodNotAllowed);
    post(at, path::TURN, &[0xa1, 0x00]).await.refused(ErrorCode::Malformed);
    post(at, path::TURN, &[0; FetchTurn::MAX + 1]).await.refused(ErrorCode::TooLarge);
    let foreign = format!("content-type: {CONTENT_TYPE}\r\norigin: https://evil.example\r\n");
    request(at, "POST", path::TURN, &foreign, &FetchTurn {}.encode()).await.refused(ErrorCode::WrongOrigin);
    for _ in 0..4 {
        assert_eq!(server.post(path::TURN, &FetchTurn {}).await.status, 200);
    }
    let refused = server.post(path::TURN, &FetchTurn {}).await.refused(ErrorCode::RateLimited);
    assert!(refused.retry_after_s.is_some());
}
