//! A caller of the API.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Speaks to one process, with or without a token.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    pub base: String,
    pub bearer: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub asked: String,
    pub status: u16,
    pub headers: HeaderMap,
    /// Null if there was no body or it is no JSON.
    pub body: Value,
}

impl Answer {
    /// The body, if the status is the expected one.
    ///
    /// # Panics
    /// With the answer, if it is another.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "it is called for its check as often as for the body")]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.body);
        self.body
    }

    /// The problem's kind, if the answer is a problem document of this status.
    ///
    /// # Panics
    /// With the answer, if it is something else.
    #[must_use]
    #[track_caller]
    pub fn problem(self, status: u16) -> String {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.body);
        assert_eq!(self.headers["content-type"], "application/problem+json", "{}", self.asked);
        assert!(self.body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{}", self.body);
        assert!(self.body["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{}", self.body);
        self.body["type"].as_str().unwrap_or_default().trim_start_matches("/problems/").to_owned()
    }

    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.headers.get("location").and_then(|value| value.to_str().ok())
    }
}

impl Client {
    #[must_use]
    /// # Panics
    /// If this machine has no way to make one.
    pub fn new(base: &str) -> Self {
        // All is plain HTTP, so no certificate is trusted and none need be read.
        let plain = reqwest::Client::builder().tls_certs_only([]);
        let http = plain.redirect(reqwest::redirect::Policy::none()).build();
        Self { http: http.expect("a client"), base: base.to_owned(), bearer: None }
    }

    /// The same without a token.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        Self { bearer: None, ..self.clone() }
    }

    /// The same with another token or key.
    #[must_use]
    pub fn with_bearer(&self, bearer: &str) -> Self {
        Self { bearer: Some(bearer.to_owned()), ..self.clone() }
    }

    /// # Panics
    /// If the login is refused.
    pub async fn login(&self, tenant: &str, email: &str, password: &str) -> Self {
        let answer = self.try_login(tenant, email, password).await.expect(200);
        self.with_bearer(answer["token"].as_str().expect("a token"))
    }

    /// What a login is answered.
    pub async fn try_login(&self, tenant: &str, email: &str, password: &str) -> Answer {
        let body = json!({"tenant": tenant, "email": email, "password": password});
        self.post("/api/v1/auth/login", &body).await
    }

    /// A request to be added to.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.bearer {
            Some(bearer) => request.bearer_auth(bearer),
            None => request,
        }
    }

    /// Sends a request.
    ///
    /// # Panics
    /// If the connection breaks.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        self.try_send(request).await.unwrap_or_else(|error| panic!("{error}"))
    }

    async fn try_send(&self, request: RequestBuilder) -> Result<Answer, reqwest::Error> {
        let request = request.build()?;
        let asked = format!("{} {}", request.method(), request.url());
        let response = self.http.execute(request).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await?;
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(Answer { asked, status, headers, body })
    }

    /// Posts to a process that may be gone.
    ///
    /// # Errors
    /// If the connection breaks.
    pub async fn try_post(&self, path: &str, body: &Value) -> Result<Answer, reqwest::Error> {
        self.try_send(self.request(Method::POST, path).json(body)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Waits until the operation of an answer has ended, and gives its last state.
    ///
    /// # Panics
    /// If there is none, or it does not end.
    pub async fn ended(&self, accepted: Answer) -> Value {
        let location = accepted.location().expect("a Location").to_owned();
        let _ = accepted.expect(202);
        let until = tokio::time::Instant::now() + Duration::from_mins(2);
        loop {
            let operation = self.get(&location).await.expect(200);
            if !["pending", "running"].contains(&operation["status"].as_str().expect("a status")) {
                return operation;
            }
            assert!(tokio::time::Instant::now() < until, "it does not end: {operation}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Every item of a list, page by page.
    ///
    /// # Panics
    /// If a page is refused.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let mut page = self.get(&format!("{path}{joint}limit=200{cursor}")).await.expect(200);
            items.append(page["items"].as_array_mut().expect("items"));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }
}

/// An id of whatever kind, as an answer names it.
///
/// # Panics
/// If it is none.
#[must_use]
pub fn id<T: DeserializeOwned>(named: &Value) -> T {
    serde_json::from_value(named.clone()).expect("an id")
}

/// The smallest body that an operation of the description accepts in form: required fields only.
/// Null if it takes none.
///
/// # Panics
/// If the description refers to something it does not hold.
#[must_use]
pub fn example(description: &Value, path: &str, method: &Method) -> Value {
    let operation = &description["paths"][path][method.as_str().to_lowercase()];
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    if schema.is_null() { Value::Null } else { value_of(description, schema) }
}

fn value_of(description: &Value, schema: &Value) -> Value {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.trim_start_matches("#/components/schemas/");
        return value_of(description, &description["components"]["schemas"][name]);
    }
    if let Some(first) = schema["oneOf"].get(0) {
        return value_of(description, first);
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    match schema["type"].as_str() {
        Some("string") if schema["format"] == "uuid" => json!(uuid::Uuid::nil()),
        Some("string") => json!("text"),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        Some("array") => json!([]),
        _ => {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let fields =
                required.map(|name| (name.to_owned(), value_of(description, &schema["properties"][name])));
            Value::Object(fields.collect())
        }
    }
}
