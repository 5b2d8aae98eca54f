//! A certificate for a front end, and a client that trusts it.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore, crypto};

use super::Stage;

/// A certificate of one name, made for one test.
#[derive(Debug)]
pub struct Certificate {
    /// Its file, and that of its key, in PEM.
    pub file: PathBuf,
    pub key: PathBuf,
    der: CertificateDer<'static>,
}

impl Certificate {
    pub fn new(stage: &Stage, name: &str) -> Self {
        Self::in_files(stage, "certificate", name)
    }

    /// One of several on a stage, in files that are called so.
    pub fn in_files(stage: &Stage, file: &str, name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a name");
        Self {
            file: stage.write(&format!("{file}.pem"), made.cert.pem()),
            key: stage.write(&format!("{file}.key"), made.signing_key.serialize_pem()),
            der: made.cert.der().clone(),
        }
    }

    /// A client that trusts this certificate and no other.
    pub fn client(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).expect("a certificate");
        let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().expect("TLS 1.2 and 1.3");
        Arc::new(config.with_root_certificates(roots).with_no_client_auth())
    }
}
