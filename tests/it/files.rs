//! Files on a ward: a picture, a voice note and a letter are taken in, sent and fetched, in whole and in part,
//! wherever their bytes are kept.

use serde_json::json;

use crate::support::{
    TestApp,
    files::{PLACE, noise, photo, wav},
    settings, text,
};

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn a_picture_a_voice_and_a_letter() {
    let app = TestApp::start().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let at_chen = chen.join().await;

    // A picture stands upright, is small beside itself, and does not tell where it was taken.
    let taken = photo(640, 480);
    assert!(holds(&taken, PLACE));
    let picture = li.uploaded("胸片.jpg", taken).await;
    assert_eq!(picture["mimeType"], "image/jpeg");
    assert_eq!(picture["fileName"], "胸片.jpg");
    assert_eq!((&picture["width"], &picture["height"]), (&json!(480), &json!(640)));
    assert_eq!(picture["fileUrl"], json!(format!("/api/chat/files/{}", text(&picture["fileId"]))));
    let sent = li.send_file(&session, "image", &picture).await;
    assert_eq!(sent["fileSize"], picture["fileSize"]);
    let heard = at_chen.next("message:receive").await["message"].clone();
    assert_eq!(heard["fileUrl"], picture["fileUrl"]);
    let fetched = chen.fetch(&text(&heard["fileUrl"]), &[]).await;
    assert_eq!((fetched.status, fetched.header("content-type")), (200, "image/jpeg"));
    assert_eq!(json!(fetched.bytes.len()), picture["fileSize"]);
    assert!(fetched.header("content-disposition").starts_with("inline; filename=\"__.jpg\""));
    assert!(fetched.header("content-disposition").ends_with("filename*=UTF-8''%E8%83%B8%E7%89%87.jpg"));
    assert!(!holds(&fetched.bytes, PLACE), "where it was taken is nobody's business");
    let small = chen.fetch(&format!("{}/thumbnail", text(&heard["fileUrl"])), &[]).await;
    assert_eq!((small.status, small.header("content-type")), (200, "image/jpeg"));
    let small = image::load_from_memory(&small.bytes).unwrap();
    assert_eq!((small.width(), small.height()), (240, 320));

    // A voice note has a length; the size that its sender claims is not believed.
    let mut voice = li.uploaded("note.wav", wav()).await;
    assert_eq!((&voice["mimeType"], &voice["duration"]), (&json!("audio/wav"), &json!(1.0)));
    voice["fileSize"] = json!(7);
    let sent = li.send_file(&session, "voice", &voice).await;
    assert_eq!(sent["fileSize"], json!(16_044));
    let fetched = chen.fetch(&text(&voice["fileUrl"]), &[]).await;
    assert_eq!((fetched.status, fetched.header("content-type")), (200, "audio/wav"));
    assert_eq!(fetched.bytes, wav());

    // A letter is text whatever it is called, and comes as an attachment.
    let letter = li.uploaded("letter.exe", "Entlassung: Bett 12 ist frei.".into()).await;
    assert_eq!(letter["mimeType"], "text/plain");
    assert!(letter.get("width").is_none() && letter.get("duration").is_none());
    li.send_file(&session, "file", &letter).await;
    let fetched = chen.fetch(&text(&letter["fileUrl"]), &[]).await;
    assert_eq!(fetched.header("content-type"), "text/plain; charset=utf-8");
    assert!(fetched.header("content-disposition").starts_with("attachment"));
    let thumbnail = chen.fetch(&format!("{}/thumbnail", text(&letter["fileUrl"])), &[]).await;
    assert_eq!(thumbnail.status, 404, "a letter has no thumbnail");
    app.stop().await;
}

/// Whatever keeps the bytes: parts, conditions and heads are the same.
async fn in_parts(app: TestApp) {
    let li = app.nurse("Li").await;
    // More than two of GridFS's chunks, and of the pieces of other places.
    let bytes = noise(2_500_000);
    let file = li.uploaded("scan.dcm", bytes.clone()).await;
    assert_eq!(file["mimeType"], "application/octet-stream");
    let path = text(&file["fileUrl"]);
    let whole = li.fetch(&path, &[]).await;
    assert!(whole.status == 200 && whole.bytes == bytes);
    assert_eq!(whole.header("accept-ranges"), "bytes");
    assert_eq!(whole.header("cache-control"), "private, no-cache");
    for (range, part) in [
        ("bytes=0-0", 0..1),
        ("bytes=261119-261120", 261_119..261_121),
        ("bytes=1048575-1048577", 1_048_575..1_048_578),
        ("bytes=200000-2400000", 200_000..2_400_001),
        ("bytes=2499999-", 2_499_999..2_500_000),
        ("bytes=-3", 2_499_997..2_500_000),
        ("bytes=2000000-9999999999", 2_000_000..2_500_000),
    ] {
        let fetched = li.fetch(&path, &[("range", range)]).await;
        assert_eq!(fetched.status, 206, "{range}");
        assert!(fetched.bytes == bytes[part.clone()], "{range}");
        let place = format!("bytes {}-{}/2500000", part.start, part.end - 1);
        assert_eq!(fetched.header("content-range"), place);
        assert_eq!(fetched.header("content-length"), part.len().to_string());
    }
    for range in ["bytes=2500000-", "bytes=-0"] {
        let beyond = li.fetch(&path, &[("range", range)]).await;
        assert_eq!((beyond.status, beyond.header("content-range")), (416, "bytes */2500000"), "{range}");
        assert!(String::from_utf8_lossy(&beyond.bytes).contains("VALIDATION_FAILED"));
    }
    for range in ["bytes=0-1,5-6", "bytes=9-1", "pages=1-2"] {
        let all = li.fetch(&path, &[("range", range)]).await;
        assert!(all.status == 200 && all.bytes.len() == bytes.len(), "{range} is as if nothing were said");
    }
    let tag = whole.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'));
    let known = li.fetch(&path, &[("if-none-match", &tag)]).await;
    assert_eq!((known.status, known.bytes.len(), known.header("etag")), (304, 0, tag.as_str()));
    let part = li.fetch(&path, &[("range", "bytes=0-9"), ("if-range", &tag)]).await;
    assert_eq!(part.status, 206);
    let changed = li.fetch(&path, &[("range", "bytes=0-9"), ("if-range", "\"another\"")]).await;
    assert_eq!(changed.status, 200);
    let head = li.fetch_as("HEAD", &path, Some(&li.token), &[]).await;
    assert_eq!((head.status, head.bytes.len()), (200, 0));
    assert_eq!((head.header("content-length"), head.header("etag")), ("2500000", tag.as_str()));
    assert_eq!(li.fetch_as("HEAD", &path, None, &[]).await.status, 401);

    let picture = li.uploaded("x.jpg", photo(800, 600)).await;
    let shown = li.fetch(&text(&picture["fileUrl"]), &[]).await;
    assert_eq!((shown.status, json!(shown.bytes.len())), (200, picture["fileSize"].clone()));
    let small =
        li.fetch(&format!("{}/thumbnail", text(&picture["fileUrl"])), &[("range", "bytes=0-1")]).await;
    assert_eq!((small.status, small.bytes), (206, vec![0xff, 0xd8]));
    app.stop().await;
}

#[tokio::test]
async fn a_file_is_fetched_in_parts_from_gridfs() {
    in_parts(TestApp::unlimited().await).await;
}

#[tokio::test]
async fn a_file_is_fetched_in_parts_from_a_folder() {
    let folder = crate::support::mongod::folder("files").join(crate::support::unique("folder"));
    let place = format!("file://{}", folder.display());
    let settings = settings(&[("FILE_STORE", &place), ("RATE_LIMIT", "off")]);
    let app = TestApp::with(settings, std::sync::Arc::new(wardline::domain::SystemClock)).await;
    let database = app.database().await;
    in_parts(app).await;
    let chunks = database.collection::<mongodb::bson::Document>("blobs.chunks");
    assert_eq!(chunks.count_documents(mongodb::bson::doc! {}).await.unwrap(), 0, "nothing is in GridFS");
    // Two files of one blob, and a picture with its small version.
    let blobs: usize = std::fs::read_dir(&folder)
        .unwrap()
        .map(|file| std::fs::read_dir(file.unwrap().path()).unwrap().count())
        .sum();
    assert_eq!(blobs, 3, "and what a picture was before it was cleaned is gone");
    std::fs::remove_dir_all(folder).unwrap();
}
