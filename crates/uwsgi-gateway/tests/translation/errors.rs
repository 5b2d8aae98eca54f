//! Why heads are refused, and what the log says.

use uwsgi::framing::FramingError;
use uwsgi::gateway::PathError;
use uwsgi_gateway::{FrontAddresses, HeadError, Translation};

/// A method, a target, headers, and the error. These requests do not come from hyper, so that errors of hyper's are found too.
type Row = (&'static str, &'static str, &'static [(&'static str, &'static str)], HeadError);

const HOST: (&str, &str) = ("host", "app.example");

const ROWS: &[Row] = &[
    ("GET", "*", &[HOST], HeadError::Asterisk),
    ("GET", "app.example", &[HOST], HeadError::AuthorityForm),
    ("CONNECT", "app.example:443", &[HOST], HeadError::ConnectMethod),
    ("GET", "/", &[HOST, ("content-length", "+5")], HeadError::ContentLength(FramingError::InvalidLength)),
    ("GET", "/", &[HOST, ("content-length", "5, 5")], HeadError::ContentLength(FramingError::InvalidLength)),
    (
        "GET",
        "/",
        &[HOST, ("content-length", "18446744073709551616")],
        HeadError::ContentLength(FramingError::LengthOverflow),
    ),
    (
        "GET",
        "/",
        &[HOST, ("content-length", "5"), ("content-length", "6")],
        HeadError::ContentLength(FramingError::ConflictingLengths),
    ),
    ("GET", "/", &[HOST, ("expect", "200-ok")], HeadError::Expectation),
    ("GET", "/", &[HOST, ("x-a", "1"), ("x_a", "2")], HeadError::FoldedNames),
    ("GET", "/", &[("host", "a b")], HeadError::InvalidHost),
    ("GET", "/", &[], HeadError::MissingHost),
    ("GET", "/../a", &[HOST], HeadError::Path(PathError::AboveRoot)),
    ("GET", "/%00", &[HOST], HeadError::Path(PathError::Nul)),
    ("GET", "/%zz", &[HOST], HeadError::Path(PathError::Percent)),
    ("GET", "ftp://app.example/", &[HOST], HeadError::Scheme),
    ("TRACE", "/", &[HOST, ("content-length", "5")], HeadError::TraceWithBody),
    ("TRACE", "/", &[HOST, ("transfer-encoding", "chunked")], HeadError::TraceWithBody),
    ("POST", "/", &[HOST, ("transfer-encoding", "gzip, chunked")], HeadError::TransferCoding),
    ("POST", "/", &[HOST, ("transfer-encoding", "identity")], HeadError::TransferCoding),
    ("GET", "/", &[HOST, HOST], HeadError::TwoHosts),
    ("GET", "http://user@app.example/", &[HOST], HeadError::UserInfo),
];

/// Reads a request that did not come from hyper.
fn read(method: &str, target: &str, version: http::Version, headers: &[(&str, &str)]) -> Result<(), HeadError> {
    let mut request = http::Request::builder().method(method).uri(target).version(version);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    Translation::new().with_underscores(true).read(&parts, &FrontAddresses::unix()).map(drop)
}

#[test]
fn errors() {
    for (method, target, headers, expected) in ROWS {
        let got = read(method, target, http::Version::HTTP_11, headers);
        assert_eq!(got, Err(*expected), "{method} {target} {headers:?}");
    }
    let chunked = [HOST, ("transfer-encoding", "chunked")];
    assert_eq!(read("POST", "/", http::Version::HTTP_10, &chunked), Err(HeadError::TransferEncodingInHttp10));
}

#[test]
fn errors_have_different_texts_of_one_line() {
    let texts: alloc::collections::BTreeSet<String> = ROWS.iter().map(|row| format!("{:#}", row.3)).collect();
    let errors: std::collections::HashSet<String> = ROWS.iter().map(|row| format!("{:?}", row.3)).collect();
    assert_eq!(texts.len(), errors.len(), "{texts:?}");
    assert!(texts.iter().all(|text| !text.contains('\n') && !text.ends_with('.')));
}
