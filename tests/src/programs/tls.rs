//! A certificate for a front end, and a client that trusts it.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore, crypto};

use super::TestDir;

/// A certificate for one name, made for one test.
#[derive(Debug)]
pub struct Certificate {
    /// The PEM files of the certificate and of its key.
    pub file: PathBuf,
    pub key: PathBuf,
    der: CertificateDer<'static>,
}

impl Certificate {
    pub fn new(test_dir: &TestDir, name: &str) -> Self {
        Self::in_files(test_dir, "certificate", name)
    }

    /// Creates one of several certificates of a test, in files with this name.
    pub fn in_files(test_dir: &TestDir, file: &str, name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a name");
        Self {
            file: test_dir.write(&format!("{file}.pem"), made.cert.pem()),
            key: test_dir.write(&format!("{file}.key"), made.signing_key.serialize_pem()),
            der: made.cert.der().clone(),
        }
    }

    /// Returns the configuration of a client that trusts this certificate and no other.
    pub fn client(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).expect("a certificate");
        let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().expect("TLS 1.2 and 1.3");
        Arc::new(config.with_root_certificates(roots).with_no_client_auth())
    }
}
