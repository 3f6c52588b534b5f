//! A browser as far as our pages and a provider's need one: cookies, redirects, forms. No script, as our pages promise.

use std::collections::BTreeMap;

use reqwest::{Client, Response, StatusCode, Url, header};

#[derive(Default)]
pub struct Browser {
    /// By host and port, then by name.
    cookies: BTreeMap<String, BTreeMap<String, String>>,
}

pub struct Page {
    pub url: Url,
    pub status: StatusCode,
    pub headers: header::HeaderMap,
    pub body: String,
}

impl Page {
    /// The value of a form's field.
    pub fn field(&self, name: &str) -> String {
        let (_, rest) = self.body.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| {
            panic!("no field {name} on the page {} ({}):\n{}", self.url, self.status, self.body);
        });
        rest.split('"').next().unwrap().to_owned()
    }
}

fn client() -> Client {
    Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

fn place(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap(), url.port_or_known_default().unwrap())
}

impl Browser {
    pub async fn get(&mut self, url: &str) -> Page {
        self.go(Url::parse(url).unwrap(), None).await
    }

    /// Posts a form as a page of the same site would.
    pub async fn post(&mut self, url: &str, form: &[(&str, &str)]) -> Page {
        self.go(Url::parse(url).unwrap(), Some(form)).await
    }

    /// One request, no redirects followed.
    pub async fn once(&mut self, url: &Url, form: Option<&[(&str, &str)]>) -> Response {
        let mut request = match form {
            Some(form) => client().post(url.clone()).form(form).header("origin", url.origin().ascii_serialization()),
            None => client().get(url.clone()),
        };
        if let Some(jar) = self.cookies.get(&place(url)) {
            let line: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(header::COOKIE, line.join("; "));
        }
        let response = request.send().await.unwrap();
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let text = cookie.to_str().unwrap();
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            let jar = self.cookies.entry(place(url)).or_default();
            if value.is_empty() {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        response
    }

    async fn go(&mut self, url: Url, form: Option<&[(&str, &str)]>) -> Page {
        let mut url = url;
        let mut response = self.once(&url, form).await;
        for _ in 0..20 {
            if !response.status().is_redirection() {
                let (status, headers) = (response.status(), response.headers().clone());
                return Page { url, status, headers, body: response.text().await.unwrap() };
            }
            url = url.join(response.headers()[header::LOCATION].to_str().unwrap()).unwrap();
            response = self.once(&url, None).await;
        }
        panic!("redirected without end: {url}");
    }
}
