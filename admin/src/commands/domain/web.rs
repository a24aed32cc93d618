//! Pages of a domain, by HTTP.

use std::time::Duration;

use crate::failure::Problem;

/// How long a page may take, and how much of it is read.
const PATIENCE: Duration = Duration::from_secs(10);
const MOST: usize = 256 * 1024;

/// How many redirects are followed.
const REDIRECTS: usize = 5;

/// Who fetches pages.
pub(super) struct Web(reqwest::Client);

impl Web {
    pub(super) fn new(proxy: Option<&str>) -> anyhow::Result<Self> {
        // A redirect to another host says nothing of this one.
        let within = reqwest::redirect::Policy::custom(|attempt| {
            let from = attempt.previous().first().and_then(|url| url.host_str());
            if attempt.url().host_str() == from && attempt.previous().len() <= REDIRECTS {
                attempt.follow()
            } else {
                attempt.stop()
            }
        });
        let builder = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(within)
            .no_proxy();
        let builder = match proxy {
            Some(url) => {
                let proxy = reqwest::Proxy::all(url).map_err(|_| {
                    Problem::refused(
                        format!("{url:?} is no address of a proxy"),
                        "such as http://proxy.internal:3128",
                    )
                })?;
                builder.proxy(proxy)
            }
            None => builder,
        };
        Ok(Self(builder.build()?))
    }

    /// The beginning of a page; nothing where there is none. An error says why it is not known.
    pub(super) async fn text(&self, url: &str) -> Result<Option<String>, String> {
        let failed = |error: reqwest::Error| {
            let error = error.without_url();
            let mut told = error.to_string();
            let mut cause = std::error::Error::source(&error);
            while let Some(next) = cause {
                told = format!("{told}: {next}");
                cause = next.source();
            }
            told
        };
        let mut response = self.0.get(url).send().await.map_err(failed)?;
        let status = response.status();
        if status.is_server_error() {
            return Err(format!("answered {status}"));
        }
        if !status.is_success() {
            return Ok(None);
        }
        let mut read = Vec::new();
        while read.len() < MOST {
            let Some(chunk) = response.chunk().await.map_err(failed)? else {
                break;
            };
            read.extend_from_slice(&chunk);
        }
        read.truncate(MOST);
        Ok(Some(String::from_utf8_lossy(&read).into_owned()))
    }
}
