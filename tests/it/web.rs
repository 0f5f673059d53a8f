//! The web client as the binary serves it: its page, its files, its own addresses, and others.
//!
//! Whether the client is in this binary depends on whether it was built before (`make test` does
//! so); both cases are tested.

use axum::http::header;
use reqwest::{Method, Response};
use wardline::gateway::web;

use crate::support::TestApp;

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

async fn ask(app: &TestApp, method: Method, path: &str, lines: &[(&str, &str)]) -> Response {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let request = client.request(method, format!("http://{}{path}", app.address));
    let request = lines.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    request.send().await.unwrap()
}

async fn get(app: &TestApp, path: &str, lines: &[(&str, &str)]) -> Response {
    ask(app, Method::GET, path, lines).await
}

fn line<'a>(response: &'a Response, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn the_page_may_load_nothing_from_elsewhere() {
    let app = TestApp::start().await;
    // A browser's first visit, a probe without headers, and a page that only the client knows.
    for (path, accept) in [
        ("/", BROWSER),
        ("/", "*/*"),
        ("/chat/0123456789abcdef01234567", BROWSER),
        ("/admin/users", BROWSER),
    ] {
        let page = get(&app, path, &[("accept", accept)]).await;
        assert_eq!(
            (page.status().as_u16(), line(&page, "content-type")),
            (200, "text/html; charset=utf-8")
        );
        let policy = line(&page, "content-security-policy");
        let mut rules = vec![
            "default-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ];
        if web::is_built() {
            rules.extend([
                "script-src 'self'",
                "style-src 'self'",
                "connect-src 'self'",
            ]);
            assert!(
                !policy.contains("unsafe")
                    && line(&page, "permissions-policy").contains("microphone=(self)")
            );
        }
        for rule in rules {
            assert!(
                policy.split("; ").any(|part| part == rule),
                "{rule} in {policy}"
            );
        }
        assert_eq!(line(&page, "x-content-type-options"), "nosniff");
        assert_eq!(line(&page, "referrer-policy"), "no-referrer");
        let text = page.text().await.unwrap();
        assert!(
            text.contains("Wardline") && !text.contains("http://") && !text.contains("https://"),
            "{text}"
        );
    }
    let head = ask(&app, Method::HEAD, "/", &[]).await;
    assert_eq!(
        (head.status().as_u16(), head.text().await.unwrap().len()),
        (200, 0)
    );
    app.stop().await;
}

#[tokio::test]
async fn wrong_addresses_and_other_routes_keep_their_answers() {
    let app = TestApp::start().await;
    let not_found = [
        (Method::GET, "/api/nowhere", BROWSER),
        (Method::GET, "/assets/of-an-older-build.js", BROWSER),
        (Method::GET, "/docs/../../etc/passwd", "*/*"),
        (Method::GET, "/%2e%2e/Cargo.toml", "*/*"),
        (Method::GET, "/somewhere", "application/json"),
        (Method::POST, "/chat", BROWSER),
    ];
    for (method, path, accept) in not_found {
        let answer = ask(&app, method.clone(), path, &[("accept", accept)]).await;
        assert_eq!(answer.status(), 404, "{method} {path}");
        let body: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(body["code"], "NOT_FOUND", "{method} {path}");
    }
    let docs = get(&app, "/docs/", &[("accept", BROWSER)]).await;
    assert!(line(&docs, "content-security-policy").contains("default-src 'self'"));
    assert!(docs.text().await.unwrap().contains("swagger"));
    let health = get(&app, "/health", &[("accept", BROWSER)]).await;
    assert_eq!(line(&health, "content-type"), "application/json");
    app.stop().await;
}

#[tokio::test]
async fn files_are_packed_and_kept_and_the_page_is_asked_for_anew() {
    let app = TestApp::start().await;
    let page = get(&app, "/", &[("accept", BROWSER)]).await;
    if !web::is_built() {
        assert_eq!(line(&page, "cache-control"), "no-store");
        let text = page.text().await.unwrap();
        assert!(
            text.contains("was not built") && text.contains("scripts/build-web"),
            "{text}"
        );
        app.stop().await;
        return;
    }
    assert_eq!(line(&page, "cache-control"), "no-cache");
    let tag = line(&page, header::ETAG.as_str()).to_owned();
    let text = page.text().await.unwrap();
    let known = get(&app, "/", &[("accept", BROWSER), ("if-none-match", &tag)]).await;
    assert_eq!(
        (known.status().as_u16(), line(&known, "etag")),
        (304, &*tag)
    );
    assert!(line(&known, "content-security-policy").contains("script-src 'self'"));

    let named = text
        .split('"')
        .filter_map(|part| part.strip_prefix('.'))
        .filter(|part| part.starts_with("/assets/"));
    let kind = |path: &str| {
        path.rsplit('.')
            .next()
            .map(str::to_owned)
            .unwrap_or_default()
    };
    let scripts: Vec<&str> = named
        .filter(|path| ["js", "css"].contains(&&*kind(path)))
        .collect();
    assert!(scripts.iter().any(|path| kind(path) == "js"), "{text}");
    for path in scripts {
        let plain = get(&app, path, &[]).await;
        assert_eq!(
            line(&plain, "cache-control"),
            "public, max-age=31536000, immutable"
        );
        let size = plain.bytes().await.unwrap().len();
        let head = ask(&app, Method::HEAD, path, &[]).await;
        assert_eq!(line(&head, "content-length"), size.to_string());
        assert!(head.bytes().await.unwrap().is_empty());
        // A very small file may not be worth compressing.
        for coding in if size > 4_096 {
            &["br", "gzip"][..]
        } else {
            &[]
        } {
            let packed = get(&app, path, &[("accept-encoding", coding)]).await;
            assert_eq!(
                (line(&packed, "content-encoding"), line(&packed, "vary")),
                (*coding, "accept-encoding")
            );
            let packed = packed.bytes().await.unwrap().len();
            assert!(
                packed * 2 < size,
                "{path}: {packed} bytes of {size} with {coding}"
            );
        }
        assert_eq!(get(&app, &format!("{path}.br"), &[]).await.status(), 404);
    }
    app.stop().await;
}
