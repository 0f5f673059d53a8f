//! Uploads and downloads of files, and test pictures.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbImage};
use reqwest::{
    Body, RequestBuilder,
    header::{HeaderMap, HeaderName, HeaderValue},
    multipart::{Form, Part},
};
use serde_json::{Value, json};

use super::{Person, Reply, document, text};

/// What a served picture must not contain.
pub const PLACE: &[u8] = b"GPS 31.2304N 121.4737E";

/// An answer that is not JSON.
#[derive(Debug)]
pub struct Fetched {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Fetched {
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// A PNG of this size.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    encoded(width, height, ImageFormat::Png)
}

/// A JPEG as a phone takes it: lying on its side, with its location.
pub fn photo(width: u32, height: u32) -> Vec<u8> {
    let plain = encoded(width, height, ImageFormat::Jpeg);
    let turned = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let length = u16::try_from(2 + turned.len() + PLACE.len())
        .unwrap()
        .to_be_bytes();
    [
        &plain[..2],
        &[0xff, 0xe1],
        &length,
        turned,
        PLACE,
        &plain[2..],
    ]
    .concat()
}

fn encoded(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let pixels = RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([
            u8::try_from(x % 256).unwrap(),
            u8::try_from(y % 256).unwrap(),
            90,
        ])
    });
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(pixels)
        .write_to(&mut bytes, format)
        .unwrap();
    bytes.into_inner()
}

/// Bytes of no known format, all different.
pub fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    [
        &[0xfe, 0xed, 0, 1][..],
        &std::iter::repeat_with(next)
            .take(size - 4)
            .collect::<Vec<u8>>(),
    ]
    .concat()
}

/// One second of silence.
pub fn wav() -> Vec<u8> {
    let head =
        b"RIFF\xa4\x3e\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x80\x3e\0\0";
    [&head[..], &[0; 16_000]].concat()
}

/// A form with one file.
pub fn form(name: &str, bytes: impl Into<Body>) -> Form {
    Form::new().part("file", Part::stream(bytes).file_name(name.to_owned()))
}

impl Person {
    /// Sends any form.
    pub async fn post_form(&self, form: Form) -> Reply {
        self.post_to_files(|request| request.multipart(form)).await
    }

    /// Sends a raw form.
    pub async fn post_raw_form(&self, boundary: &str, body: Vec<u8>) -> Reply {
        let kind = format!("multipart/form-data; boundary={boundary}");
        self.post_to_files(|request| request.header("content-type", kind).body(body))
            .await
    }

    async fn post_to_files(
        &self,
        with_form: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Reply {
        let request = self
            .client
            .post(format!("http://{}/api/chat/files", self.address));
        let response = with_form(request.bearer_auth(&self.token))
            .send()
            .await
            .expect("an answer");
        let status = response.status().as_u16();
        let retry_after = response.headers().contains_key("retry-after");
        assert_eq!(
            matches!(status, 429 | 503),
            retry_after,
            "who is to come back is told when"
        );
        let headers = response.headers().clone();
        let body = response.bytes().await.expect("the answer arrives");
        document::check(
            &self.address,
            ("POST", "/api/chat/files"),
            status,
            &headers,
            &body,
        );
        Reply {
            status,
            body: serde_json::from_slice(&body).expect("JSON"),
        }
    }

    /// Uploads a file.
    pub async fn upload(&self, name: &str, bytes: Vec<u8>) -> Reply {
        self.post_form(form(name, bytes)).await
    }

    /// Uploads a file that is accepted.
    pub async fn uploaded(&self, name: &str, bytes: Vec<u8>) -> Value {
        self.upload(name, bytes).await.expect(201)
    }

    /// Fetches a path with a token.
    pub async fn fetch(&self, path: &str, headers: &[(&str, &str)]) -> Fetched {
        self.fetch_as("GET", path, Some(&self.token), headers).await
    }

    /// Fetches a signed address, without a token.
    pub async fn follow(&self, link: &Value) -> Fetched {
        self.fetch_as("GET", &text(link), None, &[]).await
    }

    pub async fn fetch_as(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
    ) -> Fetched {
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            all.insert(
                HeaderName::try_from(*name).unwrap(),
                HeaderValue::try_from(*value).unwrap(),
            );
        }
        let url = format!("http://{}{path}", self.address);
        let mut request = self
            .client
            .request(method.parse().unwrap(), url)
            .headers(all);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.expect("all of it").to_vec();
        document::check(&self.address, (method, path), status, &headers, &bytes);
        Fetched {
            status,
            headers,
            bytes,
        }
    }

    /// The message that sends a file.
    pub fn file_message(&self, session: &str, kind: &str, file: &Value) -> Value {
        let mut message = self.message(session, "");
        message["messageType"] = json!(kind);
        for field in ["fileUrl", "fileName", "fileSize"] {
            message[field] = file[field].clone();
        }
        message
    }

    /// Sends a file that is accepted.
    pub async fn send_file(&self, session: &str, kind: &str, file: &Value) -> Value {
        self.call(
            "POST",
            "/api/chat/messages",
            self.file_message(session, kind, file),
        )
        .await
        .expect(201)
    }

    /// The status of a file's download.
    pub async fn sees(&self, file: &Value) -> u16 {
        self.fetch(&text(&file["fileUrl"]), &[]).await.status
    }
}
