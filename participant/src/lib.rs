//! Makes an axum service a participant of sagas: with this layer around its routes it keeps the six rules of
//! `docs/PARTICIPANTS.md`. The handlers do their work and nothing about keys.
//!
//! - The layer begins a transaction and takes the `Idempotency-Key` in it; the handler does its work in the same one
//!   ([`Tx`]); the layer keeps the answer under the key and commits. So effect, key and answer are there together or not
//!   at all.
//! - A key that was seen is answered from the table; with another request it is 422. Of two identical calls at the same
//!   time the second waits, and gets the first one's answer.
//! - A call with `Idempotency-Undoes` reaches its handler only where there is something to take back, and the handler
//!   reads from [`Undo`] what. Where nothing came yet, a tombstone is set; what is buried or undone is refused with 409.
//!
//! A whole service:
//!
//! ```
//! use axum::{Json, Router, body::Body, http::{Request, StatusCode}, response::IntoResponse, routing::post};
//! use quittance_participant::{Keys, SeaStore, Tx, Undo, create_table};
//! use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseTransaction, DbErr};
//! use serde_json::{Value, json};
//! use tower::ServiceExt;
//!
//! /// The handlers' own error: a database that fails is 500, so the call comes again.
//! struct Failed;
//!
//! impl From<DbErr> for Failed {
//!     fn from(_: DbErr) -> Self {
//!         Failed
//!     }
//! }
//!
//! impl IntoResponse for Failed {
//!     fn into_response(self) -> axum::response::Response {
//!         StatusCode::INTERNAL_SERVER_ERROR.into_response()
//!     }
//! }
//!
//! async fn pay(
//!     tx: Tx<DatabaseTransaction>,
//!     Json(order): Json<Value>,
//! ) -> Result<(StatusCode, Json<Value>), Failed> {
//!     let Some(amount) = order["amount"].as_i64().filter(|amount| *amount <= 500) else {
//!         return Ok((StatusCode::PAYMENT_REQUIRED, Json(json!({ "error": "too much" }))));
//!     };
//!     let insert = format!("INSERT INTO payment (amount) VALUES ({amount})");
//!     let id = tx.execute_unprepared(&insert).await?.last_insert_id();
//!     Ok((StatusCode::CREATED, Json(json!({ "payment_id": id }))))
//! }
//!
//! async fn refund(tx: Tx<DatabaseTransaction>, undo: Undo) -> Result<Json<Value>, Failed> {
//!     // What `pay` answered. The path may have `-` in the id's place.
//!     let paid: Value = undo.effect().map_err(|_| Failed)?;
//!     let delete = format!("DELETE FROM payment WHERE id = {}", paid["payment_id"]);
//!     tx.execute_unprepared(&delete).await?;
//!     Ok(Json(json!({ "refunded": true })))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut options = ConnectOptions::new("sqlite::memory:");
//! // A database in memory is there for one connection only.
//! options.max_connections(1);
//! let db = Database::connect(options).await?;
//! db.execute_unprepared("CREATE TABLE payment (id INTEGER PRIMARY KEY, amount INTEGER)").await?;
//! create_table(&db).await?;
//! let service = Router::new()
//!     .route("/payments", post(pay))
//!     .route("/payments/{id}/refund", post(refund))
//!     .layer(Keys::new(SeaStore::new(db.clone())));
//!
//! let call = async |path: &str, key: &str, undoes: Option<&str>, body: Value| {
//!     let mut request = Request::post(path)
//!         .header("Content-Type", "application/json")
//!         .header("Idempotency-Key", key);
//!     if let Some(undoes) = undoes {
//!         request = request.header("Idempotency-Undoes", undoes);
//!     }
//!     let request = request.body(Body::from(body.to_string())).unwrap();
//!     let answer = service.clone().oneshot(request).await.unwrap();
//!     let status = answer.status().as_u16();
//!     let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
//!     (status, serde_json::from_slice::<Value>(&body).unwrap())
//! };
//!
//! // Paid once, however often the call comes.
//! let first = call("/payments", "a:do", None, json!({ "amount": 20 })).await;
//! assert_eq!(first, (201, json!({ "payment_id": 1 })));
//! assert_eq!(call("/payments", "a:do", None, json!({ "amount": 20 })).await, first);
//! assert_eq!(call("/payments", "a:do", None, json!({ "amount": 30 })).await.0, 422);
//!
//! // A no stays a no.
//! assert_eq!(call("/payments", "b:do", None, json!({ "amount": 501 })).await.0, 402);
//!
//! // Given back by its key, without the id; the payment that comes once more then is refused.
//! let undone = call("/payments/-/refund", "a:undo", Some("a:do"), json!({})).await;
//! assert_eq!(undone, (200, json!({ "refunded": true })));
//! assert_eq!(call("/payments", "a:do", None, json!({ "amount": 20 })).await.0, 409);
//!
//! // The refund overtakes its payment: it leaves a tombstone, and the payment that comes late is refused.
//! assert_eq!(call("/payments/-/refund", "c:undo", Some("c:do"), json!({})).await.0, 200);
//! assert_eq!(call("/payments", "c:do", None, json!({ "amount": 20 })).await.0, 409);
//! # let row = db.query_one_raw(sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, "SELECT count(*) AS n FROM payment"));
//! # assert_eq!(row.await?.unwrap().try_get::<i64>("", "n")?, 0);
//! # Ok(())
//! # }
//! ```

mod extract;
mod layer;
#[cfg(feature = "sea-orm")]
mod sea;
mod store;
#[cfg(test)]
mod tests;

pub use extract::{Tx, Undo};
pub use layer::{Kept, Keys, Outcome, Scope};
#[cfg(feature = "sea-orm")]
pub use sea::{SeaStore, create_table, forget};
pub use store::{Answer, Entry, Key, State, Store};
