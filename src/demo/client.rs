//! The demo speaks to the product as any program would: over HTTP, with a token.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::Failure;

/// Somebody who is logged in.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    pub base: String,
    token: String,
}

impl Client {
    /// Logs in.
    ///
    /// # Errors
    /// If the login is refused.
    pub async fn login(base: String, login: &Value) -> Result<Self, Failure> {
        // It speaks plain HTTP to this machine and trusts no certificate, so none need be read.
        let http = reqwest::Client::builder().tls_certs_only([]).build()?;
        let mut client = Self { http, base, token: String::new() };
        let answer = client.post("/api/v1/auth/login", login).await?;
        answer["token"].as_str().unwrap_or_default().clone_into(&mut client.token);
        Ok(client)
    }

    /// A request with the token, not sent yet; `path` begins with `/api/v1`.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    /// Sends a request and answers the body.
    ///
    /// # Errors
    /// With the problem's own words, if it is refused.
    pub async fn send(&self, request: RequestBuilder) -> Result<Value, Failure> {
        let response = request.send().await?;
        let (status, url) = (response.status(), response.url().path().to_owned());
        let body: Value = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
        if status.is_success() {
            return Ok(body);
        }
        Err(format!("{url} answered {status}: {}", body["detail"].as_str().unwrap_or_default()).into())
    }

    /// Reads a path and answers the body; fails as [`send`](Self::send).
    pub async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.send(self.request(Method::GET, path)).await
    }

    /// Sends JSON to a path and answers the body; fails as [`send`](Self::send).
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// Every item of a list, page by page.
    pub async fn all(&self, path: &str) -> Result<Vec<Value>, Failure> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let mut page = self.get(&format!("{path}?limit=200{cursor}")).await?;
            if let Some(found) = page["items"].as_array_mut() {
                items.append(found);
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(items),
            }
        }
    }
}
