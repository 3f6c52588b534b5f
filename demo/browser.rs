//! Just enough of a browser to sign in: pages, cookies, redirects and forms.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use reqwest::{Client, Method, Response, Url, header};

pub struct Browser {
    runtime: tokio::runtime::Runtime,
    client: Client,
    cookies: RefCell<BTreeMap<String, String>>,
}

struct Page {
    url: Url,
    html: String,
}

struct Form {
    action: Url,
    fields: BTreeMap<String, String>,
    /// Name and value of each button and choice.
    choices: Vec<(String, String)>,
}

impl Browser {
    /// Trusts this authority alone, and no proxy.
    pub fn new(ca: &Path) -> Result<Self> {
        let ca = reqwest::Certificate::from_pem(&fs::read(ca)?)?;
        let client = Client::builder()
            .tls_certs_only([ca])
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(std::time::Duration::from_secs(20))
            .build()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Browser { runtime, client, cookies: RefCell::default() })
    }

    pub fn answers(&self, url: &str) -> bool {
        self.runtime.block_on(async { self.client.get(url).send().await }).is_ok_and(|r| r.status().is_success())
    }

    /// Opens the address that `portcullis login` prints, signs in as `who` where asked, and confirms.
    pub fn confirm_device(&self, address: &str, who: &str) -> Result<()> {
        let mut page = self.get(Url::parse(address)?)?;
        for _ in 0..5 {
            let Some(form) = page.forms()?.into_iter().find(|form| !form.action.path().contains("logout")) else {
                return Ok(());
            };
            let mut fields = form.fields;
            fields.extend(form.choices.into_iter().filter(|(_, value)| value == who || value == "yes"));
            page = self.post(form.action, &fields)?;
        }
        bail!("the pages do not come to an end; the last was {}", page.url)
    }

    fn get(&self, url: Url) -> Result<Page> {
        self.follow(Method::GET, url, None)
    }

    fn post(&self, url: Url, fields: &BTreeMap<String, String>) -> Result<Page> {
        self.follow(Method::POST, url, Some(fields))
    }

    fn follow(&self, mut method: Method, mut url: Url, mut fields: Option<&BTreeMap<String, String>>) -> Result<Page> {
        for _ in 0..10 {
            let cookies: Vec<String> = self.cookies.borrow().iter().map(|(n, v)| format!("{n}={v}")).collect();
            let mut request =
                self.client.request(method.clone(), url.clone()).header(header::COOKIE, cookies.join("; "));
            request = request.header(header::ORIGIN, url.origin().ascii_serialization());
            if let Some(fields) = fields {
                request = request.form(fields);
            }
            let response = self.runtime.block_on(async { request.send().await })?;
            self.remember(&response);
            if response.status().is_redirection() {
                let to =
                    response.headers().get(header::LOCATION).context("a redirect to nowhere")?.to_str()?.to_owned();
                url = url.join(&to)?;
                method = Method::GET;
                fields = None;
                continue;
            }
            let status = response.status();
            let html = self.runtime.block_on(async { response.text().await })?;
            if !status.is_success() {
                bail!("{url} answers {status}: {}", portcullis::model::visible::line(html.as_bytes(), 300));
            }
            return Ok(Page { url, html });
        }
        bail!("{url} redirects without end")
    }

    fn remember(&self, response: &Response) {
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let first = cookie.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
            if let Some((name, value)) = first.split_once('=') {
                self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

impl Page {
    /// The POST forms of a page that our own server wrote: attributes quoted, nothing nested.
    fn forms(&self) -> Result<Vec<Form>> {
        let mut forms = Vec::new();
        for piece in self.html.split("<form").skip(1) {
            let (tag, rest) = piece.split_once('>').context("an open form")?;
            let body = rest.split("</form>").next().unwrap_or_default();
            if !attribute(tag, "method").is_some_and(|m| m.eq_ignore_ascii_case("post")) {
                continue;
            }
            let action = attribute(tag, "action").map_or(Ok(self.url.clone()), |a| self.url.join(&a))?;
            let mut form = Form { action, fields: BTreeMap::new(), choices: Vec::new() };
            for input in body.split('<').filter(|t| t.starts_with("input") || t.starts_with("button")) {
                let tag = input.split('>').next().unwrap_or_default();
                let (Some(name), value) = (attribute(tag, "name"), attribute(tag, "value").unwrap_or_default()) else {
                    continue;
                };
                let kind = attribute(tag, "type").unwrap_or_default();
                if tag.starts_with("button") || kind == "radio" || kind == "submit" {
                    form.choices.push((name, value));
                } else {
                    form.fields.insert(name, value);
                }
            }
            forms.push(form);
        }
        Ok(forms)
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let rest = tag.split_once(&format!(" {name}=\""))?.1;
    Some(rest.split('"').next()?.replace("&#38;", "&").replace("&amp;", "&"))
}
