//! What a browser believes about its network.

use serde_json::{Value, json};
use thirtyfour::common::command::FormatRequestData;
use thirtyfour::{RequestData, SessionId};

use crate::browser::Kind;
use crate::person::Person;
use crate::wait::Outcome;

/// Lets scripts run in Firefox itself, or in the page again.
#[derive(Debug)]
struct Context(&'static str);

impl FormatRequestData for Context {
    fn format_request(&self, session: &SessionId) -> RequestData {
        RequestData::new(http::Method::POST, format!("session/{session}/moz/context"))
            .add_body(json!({ "context": self.0 }))
    }
}

impl Person {
    /// Tells the browser that it has no network, or has one again, and the browser tells the page. Direct paths and
    /// connections over the loopback do not care.
    ///
    /// # Errors
    ///
    /// When the browser cannot be told.
    pub async fn believe_offline(&self, offline: bool) -> Outcome {
        let conditions =
            json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        match self.kind {
            Kind::Chromium => self.devtools("Network.emulateNetworkConditions", conditions).await,
            Kind::Firefox => self.work_offline(offline).await,
        }
    }

    /// What the menu's "Work Offline" does.
    async fn work_offline(&self, offline: bool) -> Outcome {
        self.in_firefox("Services.io.offline = arguments[0]", vec![json!(offline)]).await
    }

    /// Takes WebRTC away from pages that are opened from now on, as some people do; Firefox only.
    ///
    /// # Errors
    ///
    /// When the browser cannot be told.
    pub async fn disable_webrtc(&self) -> Outcome {
        let script = "Services.prefs.setBoolPref('media.peerconnection.enabled', false)";
        self.in_firefox(script, vec![]).await
    }

    /// Runs a script with the rights of Firefox itself.
    async fn in_firefox(&self, script: &str, arguments: Vec<Value>) -> Outcome {
        let driver = self.driver().await?;
        driver.cmd(Context("chrome")).await?;
        let ran = driver.execute(script, arguments).await;
        driver.cmd(Context("content")).await?;
        ran?;
        Ok(())
    }
}
