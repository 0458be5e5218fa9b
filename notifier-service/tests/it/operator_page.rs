//! The operator's page as an operator uses it: the whole service, and Chromium in front of it.

use std::path::Path;

use notifier_service::composition;
use notifier_service::config::OperatorConfig;
use notifier_service::data_sources::TableBrokerDeadLetters;
use notifier_service::repositories::{DeadLetter, DeadLetters, LedgerCounts};
use notifier_service::transport::http::OperatorToken;
use shared_kernel::{CDC_PARTITIONS, CDC_TOPIC, dead_letter_topic};
use table_broker::TableBroker;
use thirtyfour::error::WebDriverResult;
use thirtyfour::{By, WebDriver};
use tokio_util::sync::CancellationToken;

use crate::composition::{append, config};
use crate::support::browser::Browser;
use crate::support::events::{junk, record};
use crate::support::eventually;
use crate::support::smtp_server::SmtpServer;

const TOKEN: &str = "an-operators-token-of-the-tests-0123456789";
const UNKNOWN: &str = "550 5.1.1 no <b>such</b> mailbox";

async fn click(driver: &WebDriver, text: &str) -> WebDriverResult<()> {
    let path = format!("//button[contains(., '{text}')] | //a[contains(., '{text}')]");
    driver.find(By::XPath(path)).await?.click().await
}

/// What a page says, once it is there whole and holds those words: a click does not wait for the page that it leads to.
async fn shown(driver: &WebDriver, words: &str) -> String {
    let script = "return document.readyState == 'complete' ? document.body.innerText : ''";
    eventually(words, async || {
        let text = driver.execute(script, vec![]).await.ok()?.json().as_str()?.to_owned();
        text.contains(words).then_some(text)
    })
    .await
}

/// Nothing is wider than the window, so nobody has to scroll sideways.
async fn fits(driver: &WebDriver) -> WebDriverResult<()> {
    let script = "return document.documentElement.scrollWidth - window.innerWidth";
    let over = driver.execute(script, vec![]).await?.json().as_i64();
    assert!(over.is_some_and(|over| over <= 0), "{over:?} px too wide at {}", driver.current_url().await?);
    Ok(())
}

/// A letter that this version can read, and one that nobody can.
async fn set_aside(folder: &Path) {
    let broker = TableBroker::open_sqlite(&folder.join("broker.db")).await.unwrap();
    broker.create_topic(&dead_letter_topic(CDC_TOPIC), CDC_PARTITIONS).await.unwrap();
    let letters = TableBrokerDeadLetters::new(broker.clone());
    for (received, reason) in [(record(7, 7), "of a type not known to 0.9"), (junk(8), "poison")] {
        letters.put(&DeadLetter { received, reason: reason.to_owned() }).await.unwrap();
    }
    broker.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_mends_what_is_dead_in_a_browser() {
    let folder = tempfile::tempdir().unwrap();
    let Some(browser) = Browser::start(folder.path(), 1280, 900).await else { return };
    let server = SmtpServer::start([]).await;
    server.answer_rcpt("user1@example.org", UNKNOWN);
    let listen = "127.0.0.1:0".parse().unwrap();
    let mut config = config(folder.path(), &server);
    config.operator = Some(OperatorConfig { listen, token: OperatorToken::parse(TOKEN).unwrap() });
    composition::migrate(&config.database).await.unwrap();
    set_aside(folder.path()).await;
    let notifier = composition::build(config).await.unwrap();
    let (handle, address) = (notifier.handle(), notifier.operator_address().unwrap());
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(notifier.run(shutdown.clone()));
    append(folder.path(), [record(1, 1).record, record(2, 2).record]).await;
    let counts = async |sent, dead| {
        let expected = LedgerCounts { queued: 0, sent, dead };
        eventually("the mails", async || (handle.counts().await.unwrap() == expected).then_some(())).await;
    };
    counts(1, 1).await;

    let used = tokio::spawn({
        let driver = browser.driver.clone();
        async move { find_read_and_resend(&driver, &format!("http://{address}"), &server).await }
    });
    let used = used.await;
    if matches!(used, Ok(Ok(()))) {
        // The mail that was resent, and that of the letter.
        counts(3, 0).await;
    }
    browser.close().await;
    shutdown.cancel();
    running.await.unwrap();
    used.unwrap().unwrap();
}

async fn find_read_and_resend(driver: &WebDriver, origin: &str, server: &SmtpServer) -> WebDriverResult<()> {
    driver.goto(origin).await?;
    shown(driver, "The operator's token").await;
    driver.find(By::Id("token")).await?.send_keys(TOKEN).await?;
    click(driver, "Log in").await?;
    shown(driver, "1\ndead").await;

    driver.goto(format!("{origin}/?state=dead")).await?;
    let list = shown(driver, UNKNOWN).await;
    assert!(list.contains("user1@example.org") && !list.contains("user2@example.org"), "{list}");
    fits(driver).await?;
    driver.find(By::Css("td[data-label=Recorded] a")).await?.click().await?;
    let mail = shown(driver, "What was tried").await;
    assert!(mail.contains(UNKNOWN) && mail.contains("rcpt"), "{mail}");
    fits(driver).await?;

    server.answer_rcpt("user1@example.org", "250 welcome back");
    click(driver, "Send again").await?;
    shown(driver, "put back 1×").await;
    eventually("the mail to be sent", async || {
        driver.refresh().await.ok()?;
        driver.find(By::Css("h1 .state.sent")).await.ok()
    })
    .await;
    driver.goto(format!("{origin}/?state=dead")).await?;
    shown(driver, "No mail fits.").await;

    click(driver, "Dead letters").await?;
    let letters = shown(driver, "of a type not known to 0.9").await;
    assert!(letters.contains("poison"), "{letters}");
    fits(driver).await?;
    click(driver, "Record the open ones").await?;
    shown(driver, "Would be recorded\n1,").await;
    click(driver, "Record 1").await?;
    let done = shown(driver, "New mails\n1").await;
    assert!(done.contains("Recorded\n1,"), "{done}");
    fits(driver).await?;
    driver.goto(format!("{origin}/dead-letters")).await?;
    let letters = shown(driver, "of a type not known to 0.9").await;
    assert!(letters.contains("0\nopen") && letters.contains("1\nunreadable still"), "{letters}");
    assert!(letters.contains("1\nrecorded by now"), "{letters}");
    click(driver, "Log out").await?;
    shown(driver, "The operator's token").await;
    Ok(())
}
