use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};

/// The password of every account that the tests make, with a mark that a search can find.
pub const PASSWORD: &str = "marked-secret-password";

/// An account with a session, seen through the REST API.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its id.
    pub id: String,
    client: Client,
    access_token: String,
}

impl Account {
    /// Registers an account at the API (`http://…/users`) and logs in. `body` is the registration without the
    /// password.
    ///
    /// # Panics
    ///
    /// When the API refuses.
    pub async fn register(users: &str, mut body: Value) -> Self {
        body["password"] = PASSWORD.into();
        let client = Client::new();
        let user = answer(client.post(users).json(&body), StatusCode::CREATED).await;
        let id = user["id"].as_str().expect("a user has an id").to_owned();
        let login = json!({ "login": body["username"], "password": PASSWORD });
        let sessions = format!("{}/sessions", users.trim_end_matches("/users"));
        let session = answer(client.post(sessions).json(&login), StatusCode::CREATED).await;
        let access_token = session["accessToken"].as_str().expect("a session has a token").to_owned();
        Self { id, client, access_token }
    }

    /// A `PATCH` of the account at the API (`http://…/users`).
    pub fn patch(&self, users: &str, body: &Value) -> RequestBuilder {
        self.authorized(self.client.patch(self.url(users))).json(body)
    }

    /// A `PUT` of the account.
    pub fn put(&self, users: &str, body: &Value) -> RequestBuilder {
        self.authorized(self.client.put(self.url(users))).json(body)
    }

    /// A `PUT` of the account's password.
    pub fn put_password(&self, users: &str, body: &Value) -> RequestBuilder {
        self.authorized(self.client.put(format!("{}/password", self.url(users)))).json(body)
    }

    /// A `DELETE` of the account.
    pub fn delete(&self, users: &str) -> RequestBuilder {
        self.authorized(self.client.delete(self.url(users)))
    }

    fn url(&self, users: &str) -> String {
        format!("{users}/{}", self.id)
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(&self.access_token)
    }
}

async fn answer(request: RequestBuilder, expected: StatusCode) -> Value {
    let answer = request.send().await.expect("the API answers");
    let (status, text) = (answer.status(), answer.text().await.expect("the answer arrives whole"));
    assert_eq!(status, expected, "{text}");
    serde_json::from_str(&text).expect("the API answers in JSON")
}
