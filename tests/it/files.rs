//! Files: a picture, a voice note and a letter are uploaded, sent and fetched, in whole and in
//! part, in every blob store.

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

    // A picture is upright, has a small version, and contains no location.
    let taken = photo(640, 480);
    assert!(holds(&taken, PLACE));
    let picture = li.uploaded("胸片.jpg", taken).await;
    assert_eq!(picture["mimeType"], "image/jpeg");
    assert_eq!(picture["fileName"], "胸片.jpg");
    assert_eq!(
        (&picture["width"], &picture["height"]),
        (&json!(480), &json!(640))
    );
    assert_eq!(
        picture["fileUrl"],
        json!(format!("/api/chat/files/{}", text(&picture["fileId"])))
    );
    let sent = li.send_file(&session, "image", &picture).await;
    assert_eq!(sent["fileSize"], picture["fileSize"]);
    let heard = at_chen.next("message:receive").await["message"].clone();
    assert_eq!(heard["fileUrl"], picture["fileUrl"]);
    let fetched = chen.fetch(&text(&heard["fileUrl"]), &[]).await;
    assert_eq!(
        (fetched.status, fetched.header("content-type")),
        (200, "image/jpeg")
    );
    assert_eq!(json!(fetched.bytes.len()), picture["fileSize"]);
    assert!(
        fetched
            .header("content-disposition")
            .starts_with("inline; filename=\"__.jpg\"")
    );
    assert!(
        fetched
            .header("content-disposition")
            .ends_with("filename*=UTF-8''%E8%83%B8%E7%89%87.jpg")
    );
    assert!(
        !holds(&fetched.bytes, PLACE),
        "where it was taken is nobody's business"
    );
    let small = chen
        .fetch(&format!("{}/thumbnail", text(&heard["fileUrl"])), &[])
        .await;
    assert_eq!(
        (small.status, small.header("content-type")),
        (200, "image/jpeg")
    );
    let small = image::load_from_memory(&small.bytes).unwrap();
    assert_eq!((small.width(), small.height()), (240, 320));

    // A voice note has a length; the size that its sender claims is ignored.
    let mut voice = li.uploaded("note.wav", wav()).await;
    assert_eq!(
        (&voice["mimeType"], &voice["duration"]),
        (&json!("audio/wav"), &json!(1.0))
    );
    voice["fileSize"] = json!(7);
    let sent = li.send_file(&session, "voice", &voice).await;
    assert_eq!(sent["fileSize"], json!(16_044));
    let fetched = chen.fetch(&text(&voice["fileUrl"]), &[]).await;
    assert_eq!(
        (fetched.status, fetched.header("content-type")),
        (200, "audio/wav")
    );
    assert_eq!(fetched.bytes, wav());

    // A letter is text whatever its name is, and is served as an attachment.
    let letter = li
        .uploaded("letter.exe", "Entlassung: Bett 12 ist frei.".into())
        .await;
    assert_eq!(letter["mimeType"], "text/plain");
    assert!(letter.get("width").is_none() && letter.get("duration").is_none());
    li.send_file(&session, "file", &letter).await;
    let fetched = chen.fetch(&text(&letter["fileUrl"]), &[]).await;
    assert_eq!(fetched.header("content-type"), "text/plain; charset=utf-8");
    assert!(
        fetched
            .header("content-disposition")
            .starts_with("attachment")
    );
    let thumbnail = chen
        .fetch(&format!("{}/thumbnail", text(&letter["fileUrl"])), &[])
        .await;
    assert_eq!(thumbnail.status, 404, "a letter has no thumbnail");
    app.stop().await;
}

/// In every blob store: ranges, conditions and headers are the same.
async fn in_parts(app: TestApp) {
    let li = app.nurse("Li").await;
    // More than two of GridFS's chunks, and of the chunks of other stores.
    let bytes = noise(2_500_000);
    let file = li.uploaded("scan.dcm", bytes.clone()).await;
    assert_eq!(file["mimeType"], "application/octet-stream");
    let path = text(&file["fileUrl"]);
    let whole = li.fetch(&path, &[]).await;
    assert!(whole.status == 200 && whole.bytes == bytes);
    assert_eq!(whole.header("accept-ranges"), "bytes");
    assert_eq!(whole.header("cache-control"), "private, no-store");
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
        assert_eq!(
            (beyond.status, beyond.header("content-range")),
            (416, "bytes */2500000"),
            "{range}"
        );
        assert!(String::from_utf8_lossy(&beyond.bytes).contains("VALIDATION_FAILED"));
    }
    for range in ["bytes=0-1,5-6", "bytes=9-1", "pages=1-2"] {
        let all = li.fetch(&path, &[("range", range)]).await;
        assert!(
            all.status == 200 && all.bytes.len() == bytes.len(),
            "{range} is as if nothing were said"
        );
    }
    let tag = whole.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'));
    let known = li.fetch(&path, &[("if-none-match", &tag)]).await;
    assert_eq!(
        (known.status, known.bytes.len(), known.header("etag")),
        (304, 0, tag.as_str())
    );
    let part = li
        .fetch(&path, &[("range", "bytes=0-9"), ("if-range", &tag)])
        .await;
    assert_eq!(part.status, 206);
    let changed = li
        .fetch(
            &path,
            &[("range", "bytes=0-9"), ("if-range", "\"another\"")],
        )
        .await;
    assert_eq!(changed.status, 200);
    let head = li.fetch_as("HEAD", &path, Some(&li.token), &[]).await;
    assert_eq!((head.status, head.bytes.len()), (200, 0));
    assert_eq!(
        (head.header("content-length"), head.header("etag")),
        ("2500000", tag.as_str())
    );
    assert_eq!(li.fetch_as("HEAD", &path, None, &[]).await.status, 401);

    let picture = li.uploaded("x.jpg", photo(800, 600)).await;
    let shown = li.fetch(&text(&picture["fileUrl"]), &[]).await;
    assert_eq!(
        (shown.status, json!(shown.bytes.len())),
        (200, picture["fileSize"].clone())
    );
    let small = li
        .fetch(
            &format!("{}/thumbnail", text(&picture["fileUrl"])),
            &[("range", "bytes=0-1")],
        )
        .await;
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
    std::fs::create_dir_all(&folder).unwrap();
    let place = format!("file://{}", folder.display());
    let settings = settings(&[("FILE_STORE", &place), ("RATE_LIMIT", "off")]);
    let app = TestApp::with(settings, std::sync::Arc::new(wardline::domain::SystemClock)).await;
    let database = app.database().await;
    in_parts(app).await;
    let chunks = database.collection::<mongodb::bson::Document>("blobs.chunks");
    assert_eq!(
        chunks
            .count_documents(mongodb::bson::doc! {})
            .await
            .unwrap(),
        0,
        "nothing is in GridFS"
    );
    // Two files of one blob, and a picture with its small version.
    let blobs: usize = std::fs::read_dir(&folder)
        .unwrap()
        .map(|file| std::fs::read_dir(file.unwrap().path()).unwrap().count())
        .sum();
    assert_eq!(
        blobs, 3,
        "and what a picture was before it was cleaned is gone"
    );
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_message_says_of_its_file_what_the_file_is() {
    let app = TestApp::start().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let at_chen = chen.join().await;
    let program = li
        .uploaded(
            "setup.exe",
            [b"MZ\x90\0\x03".to_vec(), vec![0; 200]].concat(),
        )
        .await;
    for (given, told) in [
        ("harmless.pdf", "setup.exe"),
        ("\u{202e}gpj.exe", "setup.exe"),
        ("../../etc/passwd.exe", "setup.exe"),
        ("a\nb.exe", "setup.exe"),
        ("\u{200b}", "setup.exe"),
        ("Update for bed 4.EXE", "Update for bed 4.EXE"),
    ] {
        let mut message = li.file_message(&session, "file", &program);
        message["fileName"] = json!(given);
        let sent = li
            .call("POST", "/api/chat/messages", message)
            .await
            .expect(201);
        let heard = at_chen.next("message:receive").await["message"].clone();
        for message in [&sent, &heard] {
            assert_eq!(message["fileName"], json!(told), "{given:?}");
            assert_eq!(message["mimeType"], program["mimeType"]);
            assert_eq!(message["fileDigest"].as_str().map(str::len), Some(64));
        }
        // Forwarded, alone and among others, it keeps its type.
        for mode in ["each", "merged"] {
            let body =
                json!({ "messageIds": [sent["_id"]], "toSessionIds": [session], "mode": mode });
            let forwarded = li
                .call("POST", "/api/chat/messages/forward", body)
                .await
                .expect(201);
            let first = &forwarded["messages"][0];
            let message = if mode == "each" {
                first
            } else {
                &first["merged"][0]
            };
            assert_eq!(
                (&message["fileName"], &message["mimeType"]),
                (&json!(told), &program["mimeType"])
            );
            at_chen.next("message:receive").await;
        }
    }

    // A picture and a voice note keep their types.
    let letter = li.uploaded("letter.txt", b"Bed 4 is free.".to_vec()).await;
    let notes = li
        .uploaded(
            "tune.mid",
            b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk\0\0\0\x04\0\xff\x2f\0".to_vec(),
        )
        .await;
    let drawing = li
        .uploaded(
            "a.svg",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(),
        )
        .await;
    for (kind, file) in [
        ("image", &program),
        ("image", &letter),
        ("image", &drawing),
        ("voice", &program),
        ("voice", &letter),
        ("voice", &notes),
    ] {
        let refused = li
            .call(
                "POST",
                "/api/chat/messages",
                li.file_message(&session, kind, file),
            )
            .await;
        assert!(
            refused.body["details"]["messageType"].is_string(),
            "{}",
            refused.body
        );
        assert_eq!(refused.refused(400), "INVALID_MESSAGE");
        li.send_file(&session, "file", file).await;
    }
    app.stop().await;
}

/// The names that a form may give a file, byte by byte, without a client library in between.
#[tokio::test]
async fn a_file_is_called_what_its_sender_calls_it() {
    let app = TestApp::start().await;
    let li = app.nurse("Li").await;
    for (disposition, name) in [
        (&b"filename=\"5%22 scar.txt\""[..], "5\" scar.txt"),
        (b"filename=\"5\\\" scar.txt\"", "5\" scar.txt"),
        (b"filename*=utf-8''%E8%83%B8%E7%89%87.txt", "胸片.txt"),
        (b"filename=\"=?utf-8?B?6IO454mHLnR4dA==?=\"", "胸片.txt"),
        (b"filename=\"C:\\Users\\Li\\ecg.txt\"", "ecg.txt"),
        (b"filename=\"100%25.txt\"", "100%25.txt"),
        (b"filename=bed 4.txt", "bed 4.txt"),
        (b"filename=\"\xd0\xd8\xc6\xac.txt\"", "胸片.txt"),
    ] {
        let body = [
            b"--cut\r\nContent-Disposition: form-data; name=\"file\"; ".as_slice(),
            disposition,
            b"\r\nContent-Type: text/plain\r\n\r\nBed 4\r\n--cut--\r\n",
        ]
        .concat();
        let file = li.post_raw_form("cut", body).await.expect(201);
        assert_eq!(
            file["fileName"],
            json!(name),
            "{}",
            String::from_utf8_lossy(disposition)
        );
    }
    app.stop().await;
}

/// A picture of an iPhone becomes a JPEG, upright, without a location.
#[tokio::test]
async fn a_telephones_heic_becomes_a_picture_that_everybody_sees() {
    let app = TestApp::start().await;
    let li = app.nurse("Li").await;
    let file = li
        .uploaded(
            "IMG_0001.HEIC",
            include_bytes!("support/picture.heic").to_vec(),
        )
        .await;
    assert_eq!(
        (&file["mimeType"], &file["fileName"]),
        (&json!("image/jpeg"), &json!("IMG_0001.jpg"))
    );
    assert_eq!(
        (&file["width"], &file["height"]),
        (&json!(640), &json!(480))
    );
    let whole = li.fetch(&text(&file["fileUrl"]), &[]).await;
    let picture = image::load_from_memory(&whole.bytes).unwrap();
    assert_eq!((picture.width(), picture.height()), (640, 480));
    let small = li
        .fetch(&format!("{}/thumbnail", text(&file["fileUrl"])), &[])
        .await;
    assert_eq!(image::load_from_memory(&small.bytes).unwrap().width(), 320);

    // A stray byte before a picture does not preserve its location.
    let hidden = li
        .uploaded("x.bin", [&[0x13][..], &photo(64, 48)].concat())
        .await;
    assert_eq!(hidden["mimeType"], "image/jpeg");
    let fetched = li.fetch(&text(&hidden["fileUrl"]), &[]).await;
    assert!(fetched.bytes.starts_with(&[0xff, 0xd8]) && !holds(&fetched.bytes, PLACE));

    // A recording keeps its type, in ranges; a format that no browser plays is served as an
    // attachment.
    let amr = [
        b"#!AMR\n".to_vec(),
        [&[0x3c][..], &[0; 31]].concat().repeat(50),
    ]
    .concat();
    let recording = li.uploaded("note.bin", amr).await;
    assert_eq!(
        (&recording["mimeType"], &recording["duration"]),
        (&json!("audio/amr"), &json!(1.0))
    );
    let part = li
        .fetch(&text(&recording["fileUrl"]), &[("range", "bytes=0-5")])
        .await;
    assert_eq!(
        (part.status, part.header("content-type")),
        (206, "audio/amr")
    );
    assert!(part.header("content-disposition").starts_with("attachment"));
    app.stop().await;
}
