//! Somebody at the dashboard, with a browser that runs no scripts.

use std::collections::BTreeMap;

use reqwest::{
    Method,
    header::{HeaderMap, SET_COOKIE},
};

use crate::{Client, PASSWORD, TestApp};

/// Keeps cookies, and the token of the page it saw last, which it sends with forms.
pub struct Browser {
    client: Client,
    pub cookies: BTreeMap<String, String>,
    pub csrf: String,
    /// As which site it sends forms.
    pub origin: String,
    /// What else it sends.
    pub more: Vec<(&'static str, String)>,
}

/// A page.
#[derive(Debug)]
pub struct Shown {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    asked: String,
}

impl Shown {
    /// # Panics
    /// If it has another status.
    #[track_caller]
    #[expect(
        clippy::must_use_candidate,
        clippy::return_self_not_must_use,
        reason = "it is called for its check as often as for the page"
    )]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text);
        self
    }

    /// Where it leads.
    ///
    /// # Panics
    /// If it leads nowhere.
    #[must_use]
    #[track_caller]
    pub fn leads(self) -> String {
        let page = self.expect(303);
        let location = page.headers.get("location").and_then(|to| to.to_str().ok());
        location.expect("a location").to_owned()
    }

    #[must_use]
    pub fn says(&self, text: &str) -> bool {
        self.text.contains(text)
    }
}

impl Browser {
    #[must_use]
    pub fn new(app: &TestApp) -> Self {
        let client = app.acme.admin.anonymous();
        let origin = client.base.clone();
        Self { client, cookies: BTreeMap::new(), csrf: String::new(), origin, more: Vec::new() }
    }

    /// One that a user of a tenant is logged in by.
    ///
    /// # Panics
    /// If they are not let in.
    pub async fn of(app: &TestApp, tenant: &str, email: &str) -> Self {
        let mut browser = Self::new(app);
        let who = [("tenant", tenant), ("email", email), ("password", PASSWORD)];
        assert_eq!(browser.post("/ops/login", &who).await.leads(), "/ops");
        browser
    }

    /// # Panics
    /// If the connection breaks.
    pub async fn get(&mut self, path: &str) -> Shown {
        self.ask(Method::GET, path, None).await
    }

    /// Sends a form, with the token of the page that was seen last.
    ///
    /// # Panics
    /// If the connection breaks.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let csrf = self.csrf.clone();
        let all = fields.iter().copied().chain([("csrf", csrf.as_str())]);
        let form = reqwest::Url::parse_with_params("http://form", all).expect("a form");
        self.ask(Method::POST, path, Some(form.query().unwrap_or_default().to_owned())).await
    }

    async fn ask(&mut self, method: Method, path: &str, form: Option<String>) -> Shown {
        let asked = format!("{method} {path}");
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = self.client.request(method, path).header("cookie", cookies.join("; "));
        request = request.header("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        if let Some(form) = form {
            let kind = "application/x-www-form-urlencoded";
            request = request.header("origin", &self.origin).header("content-type", kind).body(form);
        }
        for (name, value) in &self.more {
            request = request.header(*name, value);
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{asked}: {error}"));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for cookie in headers.get_all(SET_COOKIE) {
            let cookie = cookie.to_str().expect("text");
            let (name, value) =
                cookie.split(';').next().and_then(|pair| pair.split_once('=')).expect("a pair");
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let text = response.text().await.unwrap_or_else(|error| panic!("{asked}: {error}"));
        let token = text.split_once("data-csrf=\"").and_then(|(_, rest)| rest.split_once('"'));
        if let Some((token, _)) = token {
            token.clone_into(&mut self.csrf);
        }
        Shown { status, headers, text, asked }
    }
}
