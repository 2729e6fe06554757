//! AWS clients that start fast (docs/adr/0004, docs/adr/0016): credentials straight from the environment,
//! where Lambda puts them; Amazon's own roots as the only trust store; one TLS set-up for all services.

use std::sync::OnceLock;

use aws::{Client, Config, Credentials, InvalidEndpoint, Service, Trust};

use crate::environment::{Environment, MissingVariable};

/// The roots that AWS endpoints chain to, from <https://www.amazontrust.com/repository/>.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// Why a client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Something is not set.
    #[error(transparent)]
    Missing(#[from] MissingVariable),
    /// An address is none.
    #[error(transparent)]
    Endpoint(#[from] InvalidEndpoint),
    /// `AWS_CA_BUNDLE` names a file that cannot be read.
    #[error("the certificates in {0} (AWS_CA_BUNDLE) cannot be read: {1}")]
    Bundle(String, std::io::Error),
}

impl Environment {
    /// The table's service. Nearly every invocation calls it, so it connects while the function waits
    /// for the first one.
    pub fn dynamodb(&self) -> Result<Client, ClientError> {
        let client = self.aws(Service::DynamoDb)?;
        self.want(&client);
        Ok(client)
    }

    /// Queues.
    pub fn sqs(&self) -> Result<Client, ClientError> {
        self.aws(Service::Sqs)
    }

    /// Buckets.
    pub fn s3(&self) -> Result<Client, ClientError> {
        self.aws(Service::S3)
    }

    /// Mails.
    pub fn ses(&self) -> Result<Client, ClientError> {
        self.aws(Service::Ses)
    }

    /// Keys of other services.
    pub fn secrets_manager(&self) -> Result<Client, ClientError> {
        self.aws(Service::SecretsManager)
    }

    /// A client of `service`, where `AWS_ENDPOINT_URL_<service>` or `AWS_ENDPOINT_URL` says that it
    /// answers, and else at AWS.
    fn aws(&self, service: Service) -> Result<Client, ClientError> {
        let config = Config {
            region: self.require("AWS_REGION")?.to_owned(),
            credentials: Credentials {
                access_key_id: self.require("AWS_ACCESS_KEY_ID")?.to_owned(),
                secret_access_key: self.require("AWS_SECRET_ACCESS_KEY")?.to_owned(),
                session_token: self.get("AWS_SESSION_TOKEN").map(str::to_owned),
            },
            trust: self.trust()?,
            now: crate::now,
        };
        let endpoint = self
            .get(&format!("AWS_ENDPOINT_URL_{}", service.variable()))
            .or_else(|| self.get("AWS_ENDPOINT_URL"));
        Ok(Client::new(service, &config, endpoint)?)
    }

    /// Amazon's roots, and what `AWS_CA_BUNDLE` adds, as in Amazon's other tools. Read once: all clients
    /// of a process share it.
    fn trust(&self) -> Result<Trust, ClientError> {
        static TRUST: OnceLock<Trust> = OnceLock::new();
        if let Some(trust) = TRUST.get() {
            return Ok(trust.clone());
        }
        let trust = match self.get("AWS_CA_BUNDLE") {
            None => Trust::pem(AMAZON_ROOTS),
            Some(path) => {
                let added = std::fs::read(path)
                    .map_err(|error| ClientError::Bundle(path.to_owned(), error))?;
                Trust::pem([AMAZON_ROOTS, &added].concat())
            }
        };
        Ok(TRUST.get_or_init(|| trust).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roots_can_be_read() {
        assert_eq!(Trust::pem(AMAZON_ROOTS).count(), 5);
    }
}
