//! Malicious or invalid uploads: each gets a clear answer, and no browser runs any of them.

use std::{sync::Arc, time::Duration};

use futures_util::stream;
use mongodb::bson::{Document, doc};
use reqwest::{
    Body,
    multipart::{Form, Part},
};
use serde_json::json;
use wardline::domain::SystemClock;

use crate::support::{
    Person, TestApp, eventually,
    files::{form, noise, photo, png},
    settings, text,
};

/// Nothing is stored of what was refused.
async fn nothing_is_left(app: &TestApp) {
    let database = app.database().await;
    eventually(async || {
        for name in ["files", "blobs.files", "blobs.chunks"] {
            if database
                .collection::<Document>(name)
                .count_documents(doc! {})
                .await
                .unwrap()
                > 0
            {
                return None;
            }
        }
        Some(())
    })
    .await;
}

#[tokio::test]
async fn what_a_browser_would_run_is_only_ever_an_attachment_of_bytes() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let html = "<!DOCTYPE html><script>alert(document.cookie)</script>";
    let svg = "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>";
    let xml =
        "<?xml version='1.0'?><x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>";
    for (name, content, kind) in [
        ("x.png", html.as_bytes(), "text/html"),
        ("x.jpg", svg.as_bytes(), "image/svg+xml"),
        (
            "x.svg",
            &[b"\xef\xbb\xbf <?xml version='1.0'?>", svg.as_bytes()].concat(),
            "image/svg+xml",
        ),
        ("x.xml", xml.as_bytes(), "text/xml"),
        ("x.txt", b"hello\n<script>alert(1)</script>", "text/html"),
        ("x.sh", b"#!/bin/sh\nrm -rf /\n", "text/x-shellscript"),
        (
            "x.gif",
            b"MZ\x90\0\x03\0\0\0",
            "application/vnd.microsoft.portable-executable",
        ),
        (
            "x.html",
            b"\x7fELF\x02\x01\x01\0 and more of it than a head needs, to be sure of it",
            "application/x-executable",
        ),
    ] {
        // Whatever type the part claims.
        let claimed = Part::bytes(content.to_vec())
            .file_name(name)
            .mime_str("image/png")
            .unwrap();
        let file = li
            .post_form(Form::new().part("file", claimed))
            .await
            .expect(201);
        assert_eq!(file["mimeType"], kind, "{name}");
        li.send_file(&session, "file", &file).await;
        let fetched = chen.fetch(&text(&file["fileUrl"]), &[]).await;
        assert_eq!(
            (fetched.status, fetched.bytes.as_slice()),
            (200, content),
            "{name}"
        );
        assert_eq!(
            fetched.header("content-type"),
            "application/octet-stream",
            "{name}"
        );
        assert!(
            fetched
                .header("content-disposition")
                .starts_with("attachment;"),
            "{name}"
        );
        assert_eq!(fetched.header("x-content-type-options"), "nosniff");
        assert_eq!(
            fetched.header("content-security-policy"),
            "sandbox; default-src 'none'"
        );
    }
    let pdf = li.uploaded("x.pdf", b"%PDF-1.7\n%%EOF".to_vec()).await;
    let fetched = li.fetch(&text(&pdf["fileUrl"]), &[]).await;
    assert_eq!(fetched.header("content-type"), "application/pdf");
    assert!(
        fetched
            .header("content-disposition")
            .starts_with("attachment;")
    );
    app.stop().await;
}

#[tokio::test]
async fn pictures_that_are_none_or_too_much_are_refused() {
    let app = TestApp::unlimited().await;
    let li = app.nurse("Li").await;
    // A header that promises 60,000 × 60,000 pixels.
    let bomb = png_head(60_000, 60_000);
    let mut cut = png(200, 200);
    cut.truncate(300);
    let mut bent = png(200, 200);
    bent[60..300].fill(7);
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec();
    // Behind a stray byte it would preserve its location.
    let hidden = [&[0][..], &photo(64, 48)[..600]].concat();
    for (what, bytes) in [
        ("a bomb", bomb),
        ("half a picture", cut),
        ("a bent one", bent),
        ("half a HEIC", heic),
        ("half a hidden one", hidden),
    ] {
        let refused = li.upload("x.png", bytes).await;
        assert_eq!(refused.refused(400), "FILE_REJECTED", "{what}");
    }
    for (what, bytes) in [
        ("AVIF", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf".to_vec()),
        ("TIFF", b"II*\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec()),
    ] {
        assert_eq!(
            li.upload("x.png", bytes).await.refused(415),
            "FILE_REJECTED",
            "{what}"
        );
    }
    let huge = png_head(8_100, 8_000);
    let refused = li.upload("x.png", huge).await;
    assert_eq!(
        (
            &refused.body["details"]["limit"],
            &refused.body["details"]["unit"]
        ),
        (&json!(64_000_000), &json!("pixels"))
    );
    assert_eq!(refused.refused(400), "FILE_REJECTED");
    nothing_is_left(&app).await;
    app.stop().await;
}

/// A picture whose header promises another size.
fn png_head(width: u32, height: u32) -> Vec<u8> {
    let mut picture = png(8, 8);
    picture[16..20].copy_from_slice(&width.to_be_bytes());
    picture[20..24].copy_from_slice(&height.to_be_bytes());
    let check = crc(&picture[12..29]).to_be_bytes();
    picture[29..33].copy_from_slice(&check);
    picture
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |mut check, byte| {
        check ^= u32::from(*byte);
        for _ in 0..8 {
            check = if check & 1 == 0 {
                check >> 1
            } else {
                (check >> 1) ^ 0xedb8_8320
            };
        }
        check
    })
}

#[tokio::test]
async fn names_lead_nowhere() {
    let app = TestApp::unlimited().await;
    let li = app.nurse("Li").await;
    for (name, clean) in [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("出院小结 (1).docx", "出院小结 (1).docx"),
        ("scan\u{202e}gnp.exe", "scangnp.exe"),
    ] {
        let file = li.uploaded(name, b"text".to_vec()).await;
        assert_eq!(file["fileName"], clean, "{name}");
    }
    let long = li
        .uploaded(&format!("{}.txt", "病".repeat(300)), b"text".to_vec())
        .await;
    assert!(text(&long["fileName"]).len() <= 255 && text(&long["fileName"]).ends_with("病.txt"));
    for name in ["..", "/", "a/..", "\u{202e}"] {
        assert_eq!(
            li.upload(name, b"text".to_vec()).await.refused(400),
            "VALIDATION_FAILED",
            "{name}"
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn a_form_has_one_file_and_some_sense() {
    let app = TestApp::unlimited().await;
    let li = app.nurse("Li").await;
    let file = |name: &'static str| Part::bytes(b"text".to_vec()).file_name(name);
    for (what, form) in [
        ("no file", Form::new().text("note", "x")),
        (
            "an empty file",
            Form::new().part("file", Part::bytes(Vec::new()).file_name("x.txt")),
        ),
        (
            "two files",
            Form::new()
                .part("file", file("1.txt"))
                .part("file", file("2.txt")),
        ),
        (
            "a file without a name",
            Form::new().part("file", Part::bytes(b"text".to_vec())),
        ),
        (
            "a file under another name",
            Form::new().part("upload", file("1.txt")),
        ),
    ] {
        let refused = li.post_form(form).await;
        assert!(
            refused.body["details"]["file"].is_string(),
            "{what}: {}",
            refused.body
        );
        assert_eq!(refused.refused(400), "VALIDATION_FAILED", "{what}");
    }
    let fields = (0..20).fold(Form::new(), |form, number| {
        form.text(format!("f{number}"), "x")
    });
    assert_eq!(
        li.post_form(fields.part("file", file("x.txt")))
            .await
            .refused(400),
        "VALIDATION_FAILED"
    );
    let around = Form::new()
        .text("before", "x")
        .part("file", file("x.txt"))
        .text("after", "y");
    li.post_form(around).await.expect(201);

    let url = format!("http://{}/api/chat/files", app.address);
    let client = reqwest::Client::new();
    let raw = async |kind: &str, body: Vec<u8>| {
        let request = client
            .post(&url)
            .bearer_auth(&li.token)
            .header("content-type", kind);
        request.body(body).send().await.unwrap().status().as_u16()
    };
    let kind = "multipart/form-data; boundary=X";
    let head = "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n";
    for (what, kind, body, status) in [
        ("JSON", "application/json", b"{}".to_vec(), 415),
        ("no boundary", "multipart/form-data", b"--X--".to_vec(), 400),
        ("nothing", kind, Vec::new(), 400),
        ("noise", kind, noise(5_000), 400),
        ("much noise", kind, noise(3_000_000), 400),
        ("no end", kind, format!("{head}\r\ntext").into(), 400),
        (
            "a head without an end",
            kind,
            [head.as_bytes(), b"X-Long: ", &b"a".repeat(2_000_000)].concat(),
            400,
        ),
        (
            "a broken head",
            kind,
            b"--X\r\n\xff\xfe:\0\r\n\r\ntext\r\n--X--".to_vec(),
            400,
        ),
        (
            "another boundary",
            kind,
            format!("{head}\r\ntext\r\n--Y--\r\n").into(),
            400,
        ),
    ] {
        assert_eq!(raw(kind, body).await, status, "{what}");
    }
    let nobody = client
        .post(&url)
        .multipart(form("x.txt", b"text".to_vec()))
        .send()
        .await
        .unwrap();
    assert_eq!(nobody.status(), 401);
    let packed = client
        .post(&url)
        .bearer_auth(&li.token)
        .header("content-encoding", "gzip");
    assert_eq!(
        packed
            .multipart(form("x.txt", b"text".to_vec()))
            .send()
            .await
            .unwrap()
            .status(),
        415
    );
    let database = app.database().await;
    eventually(async || {
        let files = database
            .collection::<Document>("files")
            .count_documents(doc! {})
            .await
            .unwrap();
        (files == 1).then_some(())
    })
    .await;
    app.stop().await;
}

#[tokio::test]
async fn a_file_has_a_largest_size() {
    let settings = settings(&[("MAX_UPLOAD", "1MB"), ("RATE_LIMIT", "off")]);
    let app = TestApp::with(settings, Arc::new(SystemClock)).await;
    let li = app.nurse("Li").await;
    // Whether its length is declared or not.
    let streamed = |bytes: Vec<u8>| {
        let pieces: Vec<Result<Vec<u8>, std::io::Error>> = bytes
            .chunks(50_000)
            .map(|piece| Ok(piece.to_vec()))
            .collect();
        form("x.bin", Body::wrap_stream(stream::iter(pieces)))
    };
    li.upload("x.bin", noise(1_000_000)).await.expect(201);
    li.post_form(streamed(noise(1_000_000))).await.expect(201);
    for size in [1_000_001, 1_500_000, 5_000_000] {
        assert_eq!(
            li.upload("x.bin", noise(size)).await.refused(413),
            "MESSAGE_TOO_LARGE",
            "{size}"
        );
        assert_eq!(
            li.post_form(streamed(noise(size))).await.refused(413),
            "MESSAGE_TOO_LARGE",
            "{size}"
        );
    }
    let database = app.database().await;
    eventually(async || {
        let chunks = database
            .collection::<Document>("blobs.chunks")
            .count_documents(doc! {})
            .await
            .unwrap();
        (chunks == 8).then_some(())
    })
    .await;
    app.stop().await;
}

#[tokio::test]
async fn who_stalls_or_leaves_leaves_nothing() {
    let mut settings = settings(&[("RATE_LIMIT", "off")]);
    settings.timings.upload_stall = Duration::from_millis(300);
    let app = TestApp::with(settings, Arc::new(SystemClock)).await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let stalling = || {
        let piece = stream::iter([Ok::<_, std::io::Error>(noise(1_300_000))]);
        form(
            "x.bin",
            Body::wrap_stream(futures_util::StreamExt::chain(piece, stream::pending())),
        )
    };
    assert_eq!(
        li.post_form(stalling()).await.refused(400),
        "VALIDATION_FAILED"
    );
    nothing_is_left(&app).await;
    // Disconnects in the middle, after bytes were stored.
    let database = app.database().await;
    let leaving = |person: Person| tokio::spawn(async move { person.post_form(stalling()).await });
    let request = leaving(chen);
    eventually(async || {
        let chunks = database
            .collection::<Document>("blobs.chunks")
            .count_documents(doc! {})
            .await
            .unwrap();
        (chunks > 0).then_some(())
    })
    .await;
    request.abort();
    nothing_is_left(&app).await;
    let usage = database.collection::<Document>("file_usage");
    assert!(
        usage
            .find_one(doc! { "used": { "$gt": 0 } })
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(
        li.get("/api/auth/me").await.expect(200)["_id"],
        json!(li.id)
    );
    app.stop().await;
}
