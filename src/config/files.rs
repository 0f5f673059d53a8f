//! Uploads: how large, how many, and where they are kept.

use super::{Reader, Section, Setting, Variable, forms};
use crate::domain::file::BlobLocation;

const MAX_UPLOAD: Setting<u64> = Setting {
    variable: Variable {
        name: "MAX_UPLOAD",
        default: "25MB",
        form: "a size such as 25MB",
        meaning: "the largest file",
    },
    parse: forms::bytes,
};

const UPLOAD_QUOTA: Setting<u64> = Setting {
    variable: Variable {
        name: "UPLOAD_QUOTA",
        default: "2GB",
        form: "a size such as 2GB",
        meaning: "what all files of one person may take up together",
    },
    parse: forms::bytes,
};

const UPLOAD_TOTAL: Setting<u64> = Setting {
    variable: Variable {
        name: "UPLOAD_TOTAL",
        default: "",
        form: "a size such as 2TB",
        meaning: "what all files may take up together; without it there is no bound",
    },
    parse: forms::bytes,
};

const FILE_STORE: Setting<BlobLocation> = Setting {
    variable: Variable {
        name: "FILE_STORE",
        default: "gridfs",
        form: "gridfs, file:///folder or s3://bucket/prefix",
        meaning: "where files are kept",
    },
    parse: blob_location,
};

/// An S3 client reads its settings under its own names.
const fn aws(name: &'static str, form: &'static str, meaning: &'static str) -> Variable {
    Variable {
        name,
        default: "",
        form,
        meaning,
    }
}

const AWS_ACCESS_KEY_ID: Variable =
    aws("AWS_ACCESS_KEY_ID", "3 letters or more", "for s3: the key");
const AWS_SECRET_ACCESS_KEY: Variable = aws(
    "AWS_SECRET_ACCESS_KEY",
    "8 letters or more",
    "for s3: its secret",
);
const AWS_SESSION_TOKEN: Variable = aws(
    "AWS_SESSION_TOKEN",
    forms::TEXT,
    "for s3: with temporary keys",
);
const AWS_REGION: Variable = aws("AWS_REGION", forms::TEXT, "for s3: the bucket's region");
const AWS_ENDPOINT_URL: Variable = aws(
    "AWS_ENDPOINT_URL",
    "an http:// or https:// address",
    "for s3: another service that speaks it, such as MinIO",
);
const AWS_ALLOW_HTTP: Setting<bool> = Setting {
    variable: aws(
        "AWS_ALLOW_HTTP",
        "true or false",
        "for s3: true lets that service be without TLS",
    ),
    parse: |text| forms::one_of(text, [("true", true), ("false", false)]),
};
const AWS_VARIABLES: [Variable; 6] = [
    AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY,
    AWS_SESSION_TOKEN,
    AWS_REGION,
    AWS_ENDPOINT_URL,
    AWS_ALLOW_HTTP.variable,
];

/// The settings of files.
#[derive(Clone)]
pub struct FileSettings {
    /// Bytes.
    pub max_upload: u64,
    /// In bytes, for one user.
    pub upload_quota: u64,
    /// In bytes, for all users together; `None` without a bound.
    pub upload_total: Option<u64>,
    pub store: BlobLocation,
}

impl Section for FileSettings {
    const TITLE: &'static str = "Files";
    const VARIABLES: &'static [Variable] = &[
        MAX_UPLOAD.variable,
        UPLOAD_QUOTA.variable,
        UPLOAD_TOTAL.variable,
        FILE_STORE.variable,
        AWS_ACCESS_KEY_ID,
        AWS_SECRET_ACCESS_KEY,
        AWS_SESSION_TOKEN,
        AWS_REGION,
        AWS_ENDPOINT_URL,
        AWS_ALLOW_HTTP.variable,
    ];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let max_upload = reader.value(&MAX_UPLOAD);
        let upload_quota = reader.value(&UPLOAD_QUOTA);
        if let (Some(largest), Some(quota)) = (max_upload, upload_quota)
            && quota < largest
        {
            reader.add_problem("UPLOAD_QUOTA must not be less than MAX_UPLOAD");
        }
        let upload_total = reader.optional(&UPLOAD_TOTAL);
        if let (Some(largest), Some(Some(total))) = (max_upload, upload_total)
            && total < largest
        {
            reader.add_problem("UPLOAD_TOTAL must not be less than MAX_UPLOAD");
        }
        let store = read_store(reader);
        Some(Self {
            max_upload: max_upload?,
            upload_quota: upload_quota?,
            upload_total: upload_total?,
            store: store?,
        })
    }
}

/// Parses a location; the options of an S3 client are still missing.
fn blob_location(text: &str) -> Option<BlobLocation> {
    if text == "gridfs" {
        return Some(BlobLocation::GridFs);
    }
    if let Some(folder) = text.strip_prefix("file://") {
        return (folder.starts_with('/') && !folder.trim_matches('/').is_empty())
            .then(|| BlobLocation::Folder(folder.into()));
    }
    let (bucket, prefix) = text
        .strip_prefix("s3://")
        .map(|path| path.split_once('/').unwrap_or((path, "")))?;
    let (bucket, prefix) = (bucket.to_owned(), prefix.trim_matches('/').to_owned());
    (!bucket.is_empty()).then(|| BlobLocation::S3 {
        bucket,
        prefix,
        options: Vec::new(),
    })
}

fn read_store(reader: &mut Reader<'_>) -> Option<BlobLocation> {
    let given: Vec<(String, String)> = AWS_VARIABLES
        .iter()
        .filter_map(|variable| Some((variable.name.to_ascii_lowercase(), reader.text(variable)?)))
        .collect();
    let mut store = reader.value(&FILE_STORE)?;
    if let BlobLocation::S3 { options, .. } = &mut store {
        check_s3(reader)?;
        *options = given;
    }
    Some(store)
}

/// Checks the variables that an S3 client requires.
fn check_s3(reader: &mut Reader<'_>) -> Option<()> {
    let mut is_good = true;
    for (variable, min_bytes) in [(AWS_ACCESS_KEY_ID, 3), (AWS_SECRET_ACCESS_KEY, 8)] {
        let name = variable.name;
        let problem = match reader.text(&variable) {
            None => format!("{name} is required with FILE_STORE=s3://…"),
            Some(key) if key.len() < min_bytes => format!("{name} is too short for a key"),
            Some(_) => continue,
        };
        reader.add_problem(problem);
        is_good = false;
    }
    if let Some(endpoint) = reader.text(&AWS_ENDPOINT_URL)
        && !endpoint.starts_with("https://")
        && !endpoint.starts_with("http://")
    {
        reader.add_problem("AWS_ENDPOINT_URL must be an http:// or https:// address");
        is_good = false;
    }
    reader.optional(&AWS_ALLOW_HTTP)?;
    is_good.then_some(())
}
