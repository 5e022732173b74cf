//! The page paints, mounts, and nobody's console complains.

use sotto_e2e::{Kind, Outcome, scenario};

fn opens(name: &str, kind: Kind) -> Outcome {
    scenario(name, async |stage| {
        let anna = stage.person("Anna", kind).await?;
        anna.open("/").await?;
        anna.sees_no("shell").await?;
        anna.sees("app").await?;
        anna.picture("opened").await?;
        Ok(())
    })
}

#[test]
fn page_opens_in_chromium() -> Outcome {
    opens("page_opens_in_chromium", Kind::Chromium)
}

#[test]
fn page_opens_in_firefox() -> Outcome {
    opens("page_opens_in_firefox", Kind::Firefox)
}
