//! Pages as a browser asks for them, without one: what it makes of them is not ours to measure.

use std::time::{Duration, Instant};

use reqwest::{StatusCode, Url, header, redirect};

use crate::{
    Outcome,
    access::house::{EMAIL, PASSWORD, SLUG},
};

/// Somebody who is logged in.
pub struct Visitor {
    http: reqwest::Client,
    base: String,
    cookie: String,
}

/// A page that was looked at.
pub struct Seen {
    /// What the server says that it took, or else how long it was until the last byte was here.
    pub took: Duration,
    /// Pages that it leads to.
    pub links: Vec<String>,
}

impl Visitor {
    /// Logs in by the form.
    pub async fn login(base: &str) -> Outcome<Self> {
        Self::login_to(base, SLUG).await
    }

    /// The same to a tenant.
    pub async fn login_to(base: &str, slug: &str) -> Outcome<Self> {
        let http = reqwest::Client::builder().no_proxy().redirect(redirect::Policy::none()).build()?;
        let fields = [("tenant", slug), ("email", EMAIL), ("password", PASSWORD), ("next", "/ops")];
        let form = Url::parse_with_params(base, fields)?.query().unwrap_or_default().to_owned();
        let sent = http.post(format!("{base}/ops/login")).header(header::ORIGIN, base);
        let sent = sent.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        let answer = sent.send().await?;
        let cookies = answer.headers().get_all(header::SET_COOKIE).iter();
        let mut pairs = cookies.filter_map(|line| line.to_str().ok()?.split(';').next());
        let cookie = pairs.find(|pair| pair.starts_with("switchboard-local="));
        let cookie = cookie.ok_or_else(|| format!("the login answered {}", answer.status()))?.to_owned();
        Ok(Self { http, base: base.to_owned(), cookie })
    }

    /// The pages of the navigation.
    pub async fn navigation(&self) -> Outcome<Vec<String>> {
        // The beginning may lead on to the first page.
        let mut path = "/ops".to_owned();
        loop {
            let answer = self.get(&path).await?;
            match answer.headers().get(header::LOCATION) {
                Some(next) => next.to_str()?.clone_into(&mut path),
                None => return Ok(hrefs(between(&answer.text().await?, "<nav class=\"side\"", "</nav>"))),
            }
        }
    }

    /// Looks at a page once. None if it is no page: a file, or the way to another page.
    pub async fn look(&self, path: &str) -> Outcome<Option<Seen>> {
        let began = Instant::now();
        let answer = self.get(path).await?;
        let (status, said) = (answer.status(), told(&answer));
        let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let is_page = kind.is_some_and(|kind| kind.starts_with("text/html"));
        if status.is_redirection() || (status == StatusCode::OK && !is_page) {
            return Ok(None);
        }
        let text = answer.text().await?;
        let took = said.unwrap_or_else(|| began.elapsed());
        if status != StatusCode::OK {
            let detail = between(between(&text, "<h1", "</main>"), ">", "</p>");
            return Err(format!("{path} answered {status}: {detail}").into());
        }
        if !text.contains("<h1") {
            return Err(format!("{path} is a page without a heading").into());
        }
        let links = hrefs(between(&text, "<main", "</main>"));
        Ok(Some(Seen { took, links }))
    }

    async fn get(&self, path: &str) -> Outcome<reqwest::Response> {
        let asked = self.http.get(format!("{}{path}", self.base)).header(header::COOKIE, &self.cookie);
        Ok(asked.header(header::ACCEPT, "text/html").send().await?)
    }
}

/// What kind of page an address is: numbered segments are all the same to it, and so are filters.
pub fn kind(path: &str) -> String {
    let (path, query) = path.split_once('?').map_or((path, ""), |(path, _)| (path, "?"));
    let numbered = |part: &str| part.bytes().any(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = path.split('/').map(|part| if numbered(part) { "*" } else { part }).collect();
    format!("{}{query}", parts.join("/"))
}

/// `Server-Timing: …;dur=<milliseconds>`, the first there is.
fn told(answer: &reqwest::Response) -> Option<Duration> {
    let line = answer.headers().get("server-timing")?.to_str().ok()?;
    let (_, after) = line.split_once("dur=")?;
    let number = after.split([',', ';', ' ']).next()?;
    Some(Duration::from_secs_f64(number.parse::<f64>().ok()?.max(0.0) / 1e3))
}

fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let after = text.split_once(from).map_or("", |(_, after)| after);
    after.split_once(to).map_or(after, |(before, _)| before)
}

/// Links to pages, without those to files.
fn hrefs(text: &str) -> Vec<String> {
    let tags = text.split("<a ").skip(1).filter_map(|tag| tag.split('>').next());
    let tags = tags.filter(|tag| !tag.contains(" download"));
    let links = tags.filter_map(|tag| tag.split_once("href=\"")?.1.split('"').next());
    let read = |link: &str| link.replace("&amp;", "&").replace("&#38;", "&");
    links.map(read).filter(|link| link == "/ops" || link.starts_with("/ops/")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_and_sorted_by_kind() {
        let page = r#"<main><a href="/ops/jobs?q=a&#38;b=1">x</a><a class="b" href="/ops/jobs/0199-a">y</a>
                      <a href="/ops/file" download>z</a><a href="https://example.com/ops">o</a></main>"#;
        let links = hrefs(between(page, "<main", "</main>"));
        assert_eq!(links, ["/ops/jobs?q=a&b=1", "/ops/jobs/0199-a"]);
        assert_eq!(links.iter().map(|link| kind(link)).collect::<Vec<_>>(), ["/ops/jobs?", "/ops/jobs/*"]);
    }
}
