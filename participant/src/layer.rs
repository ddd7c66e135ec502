//! The layer: what becomes of a call before and after its handler.

use crate::{
    extract::{Tx, Undo},
    store::{Answer, Entry, Key, State, Store},
};
use axum::{
    Json,
    body::{Body, Bytes, to_bytes},
    extract::{OriginalUri, Request},
    http::{HeaderMap, StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};
use tower::{Layer, Service};

/// Whose keys a request's are. Two callers may use the same key, and neither may read the other's answers: where a service
/// has several, the layer that knows them (outside of [`Keys`]) puts this into the request's extensions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope(pub String);

/// What became of a call; in the extensions of the answer, for logs and numbers. Not there where nothing was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The handler did it.
    Applied,
    /// It was done, refused or taken back before; nothing happened.
    Repeated,
    /// It was refused, by the handler or by the rules; nothing happened.
    Refused,
    /// The handler took the other call back.
    Undone,
    /// The other call never came, and will be refused when it does.
    Tombstone,
}

/// The six rules, as a layer around the routes of a service.
///
/// Calls with GET, HEAD, OPTIONS and TRACE go through as they are. Every other one gets a transaction ([`Tx`]) which is
/// committed when the handler answers 1xx to 3xx. Otherwise it is taken back: 408, 425, 429, 5xx and a panic leave the
/// key unused, any other 4xx is kept under it as a refusal. Calls without a key have a transaction and nothing else.
#[derive(Clone, Debug)]
pub struct Keys<S> {
    store: S,
    limit: usize,
}

impl<S: Store> Keys<S> {
    /// Keys in this store.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self { store, limit: 1 << 20 }
    }

    /// How many bytes a request's body, and an answer's, may have: they are held in memory. One MiB, unless this is called.
    #[must_use]
    pub fn limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }
}

impl<S: Clone, I> Layer<I> for Keys<S> {
    type Service = Kept<S, I>;

    fn layer(&self, inner: I) -> Kept<S, I> {
        Kept { keys: self.clone(), inner }
    }
}

/// A service inside of [`Keys`].
#[derive(Clone, Debug)]
pub struct Kept<S, I> {
    keys: Keys<S>,
    inner: I,
}

impl<S, I> Service<Request> for Kept<S, I>
where
    S: Store,
    I: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    I::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The one that said it is ready is the one to call; the clone takes its place.
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        let keys = self.keys.clone();
        Box::pin(async move {
            if request.method().is_safe() {
                return inner.call(request).await;
            }
            let answer = keys.serve(request, move |request| inner.call(request)).await;
            Ok(answer.unwrap_or_else(IntoResponse::into_response))
        })
    }
}

/// A call that cannot go on here.
enum Problem<E> {
    /// The caller's mistake, or a rule.
    No(StatusCode, &'static str),
    /// The store failed.
    Store(E),
    /// The service is not what it should be.
    Broken(&'static str),
}

impl<E> From<E> for Problem<E> {
    fn from(error: E) -> Self {
        Self::Store(error)
    }
}

impl<E: std::error::Error> IntoResponse for Problem<E> {
    fn into_response(self) -> Response {
        let (status, error) = match self {
            Self::No(status, error) => {
                let mut response = (status, Json(json!({ "error": error }))).into_response();
                response.extensions_mut().insert(Outcome::Refused);
                return response;
            }
            Self::Store(error) => {
                tracing::error!(%error, "the store of idempotency keys failed");
                (StatusCode::SERVICE_UNAVAILABLE, "not possible now, repeat it later")
            }
            Self::Broken(error) => {
                tracing::error!(error, "a call was taken back");
                (StatusCode::INTERNAL_SERVER_ERROR, "an error of this service")
            }
        };
        (status, Json(json!({ "error": error }))).into_response()
    }
}

/// What the headers say, and the request's digest.
struct Call {
    key: Option<Key>,
    undoes: Option<Key>,
    request: String,
}

impl Call {
    fn of<E>(parts: &Parts, body: &[u8]) -> Result<Self, Problem<E>> {
        let key = key_of(parts, "idempotency-key")?;
        let undoes = key_of(parts, "idempotency-undoes")?;
        if key.is_some() && key == undoes {
            let why = "a call cannot undo itself: Idempotency-Undoes names another key";
            return Err(Problem::No(StatusCode::UNPROCESSABLE_ENTITY, why));
        }
        let whole = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |OriginalUri(u)| u);
        // An undo is the same undo whether its path has the id or `-`.
        let target = match &undoes {
            Some(undoes) => format!("undo {}", undoes.key),
            None => whole.path_and_query().map_or("/", |p| p.as_str()).to_owned(),
        };
        let mut digest = Sha256::new();
        digest.update(format!("{}\n{target}\n", parts.method));
        digest.update(body);
        Ok(Self { key, undoes, request: hex::encode(digest.finalize()) })
    }
}

fn key_of<E>(parts: &Parts, name: &str) -> Result<Option<Key>, Problem<E>> {
    let mut values = parts.headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let visible =
        |word: &&str| (1..=255).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_graphic());
    let Some(key) = value.to_str().ok().filter(visible).filter(|_| values.next().is_none()) else {
        let why = "a key is 1 to 255 visible ASCII characters without spaces, and comes once";
        return Err(Problem::No(StatusCode::BAD_REQUEST, why));
    };
    let Scope(scope) = parts.extensions.get().cloned().unwrap_or_default();
    Ok(Some(Key { scope, key: key.to_owned() }))
}

/// Whether this answer says that nobody knows, so that the same call comes again.
fn passing(status: StatusCode) -> bool {
    use StatusCode as S;
    status.is_server_error()
        || [S::REQUEST_TIMEOUT, S::TOO_EARLY, S::TOO_MANY_REQUESTS].contains(&status)
}

impl<S: Store> Keys<S> {
    async fn serve<F: Future<Output = Result<Response, Infallible>>>(
        &self,
        request: Request,
        handler: impl FnOnce(Request) -> F,
    ) -> Result<Response, Problem<S::Error>> {
        let (mut parts, body) = request.into_parts();
        let body = to_bytes(body, self.limit).await.map_err(|_| {
            Problem::No(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large, or broke off")
        })?;
        let call = Call::of(&parts, &body)?;
        let tx = self.store.begin().await?;
        if let Some(key) = &call.key
            && let Some(kept) = self.store.claim(&tx, key).await?
        {
            return again(kept, &call.request);
        }
        let undone = match &call.undoes {
            Some(undoes) => match self.to_undo(&tx, undoes).await? {
                Target::Done(entry) => Some((undoes.clone(), entry)),
                Target::Nothing(outcome) => return self.nothing(tx, &call, undoes, outcome).await,
            },
            None => None,
        };
        let tx = Tx::new(tx);
        parts.extensions.insert(tx.clone());
        if let Some((key, Entry { answer, effect, .. })) = &undone {
            let (key, answer, effect) = (key.clone(), answer.clone(), effect.clone());
            parts.extensions.insert(Undo { key, answer, effect });
        }
        let Ok(response) = handler(Request::from_parts(parts, Body::from(body))).await;
        let (head, body) = response.into_parts();
        let body = to_bytes(body, self.limit).await;
        let body =
            body.map_err(|_| Problem::Broken("the answer's body is too large, or broke off"))?;
        let answer = Answer::new(head.status, head.headers, body);
        let outcome = self.end(tx, &call, undone, &answer).await?;
        let mut response = answer.response();
        *response.extensions_mut() = head.extensions;
        match outcome {
            End::Kept(outcome) => drop(response.extensions_mut().insert(outcome)),
            End::Open => {}
            End::Another(kept) => return again(kept, &call.request),
        }
        Ok(response)
    }

    /// What there is to take back.
    async fn to_undo(&self, tx: &S::Tx, key: &Key) -> Result<Target, Problem<S::Error>> {
        let Some(kept) = self.store.claim(tx, key).await? else {
            let answer = Answer::new(StatusCode::CONFLICT, HeaderMap::new(), Bytes::new());
            let (state, request) = (State::Tombstone, String::new());
            let grave = Entry { state, request, answer, effect: None };
            self.store.keep(tx, key, &grave).await?;
            return Ok(Target::Nothing(Outcome::Tombstone));
        };
        match kept.state {
            State::Done => Ok(Target::Done(kept)),
            State::Tombstone => Ok(Target::Nothing(Outcome::Tombstone)),
            State::Refused | State::Undone => Ok(Target::Nothing(Outcome::Repeated)),
            State::Undo => {
                Err(Problem::No(StatusCode::UNPROCESSABLE_ENTITY, "an undo cannot be undone"))
            }
        }
    }

    /// An undo for which there is nothing to do. It is done nevertheless.
    async fn nothing(
        &self,
        tx: S::Tx,
        call: &Call,
        undoes: &Key,
        outcome: Outcome,
    ) -> Result<Response, Problem<S::Error>> {
        let body = json!({ "undone": undoes.key, "effect": "none" }).to_string();
        let json = Json(()).into_response().into_parts().0.headers;
        let answer = Answer::new(StatusCode::OK, json, body.into());
        self.keep(&tx, call, State::Undo, &answer, None).await?;
        self.store.commit(tx).await?;
        let mut response = answer.response();
        response.extensions_mut().insert(outcome);
        Ok(response)
    }

    /// Ends the transaction as the handler's answer says.
    async fn end(
        &self,
        tx: Tx<S::Tx>,
        call: &Call,
        undone: Option<(Key, Entry)>,
        answer: &Answer,
    ) -> Result<End, Problem<S::Error>> {
        let held = tx.into_inner();
        if passing(answer.status) {
            return Ok(End::Open);
        }
        // Whoever still has it keeps the key locked, and the refusal would wait for it.
        let (tx, effect) =
            held.ok_or(Problem::Broken("the handler has ended and its transaction is still used"))?;
        if answer.status.is_client_error() {
            drop(tx);
            // An undo that cannot be done today may be possible tomorrow.
            if undone.is_some() {
                return Ok(End::Kept(Outcome::Refused));
            }
            return self.refused(call, answer).await;
        }
        let (state, outcome) = match undone {
            Some((key, entry)) => {
                self.store.keep(&tx, &key, &Entry { state: State::Undone, ..entry }).await?;
                (State::Undo, Outcome::Undone)
            }
            None => (State::Done, Outcome::Applied),
        };
        self.keep(&tx, call, state, answer, effect).await?;
        self.store.commit(tx).await?;
        Ok(End::Kept(outcome))
    }

    /// A refusal is an outcome too: the same key gets the same no. What the handler wrote before it said no is gone by now, so
    /// this is a transaction of its own; in between the same call may have been done, or undone.
    async fn refused(&self, call: &Call, answer: &Answer) -> Result<End, Problem<S::Error>> {
        if let Some(key) = &call.key {
            let tx = self.store.begin().await?;
            if let Some(kept) = self.store.claim(&tx, key).await? {
                return Ok(End::Another(kept));
            }
            self.keep(&tx, call, State::Refused, answer, None).await?;
            self.store.commit(tx).await?;
        }
        Ok(End::Kept(Outcome::Refused))
    }

    async fn keep(
        &self,
        tx: &S::Tx,
        call: &Call,
        state: State,
        answer: &Answer,
        effect: Option<String>,
    ) -> Result<(), S::Error> {
        let Some(key) = &call.key else { return Ok(()) };
        let (request, answer) = (call.request.clone(), answer.clone());
        self.store.keep(tx, key, &Entry { state, request, answer, effect }).await
    }
}

enum Target {
    Done(Entry),
    Nothing(Outcome),
}

enum End {
    Kept(Outcome),
    /// The key stays unused.
    Open,
    /// The same call, come at the same time, was first.
    Another(Entry),
}

/// A key that was seen.
fn again<E>(kept: Entry, request: &str) -> Result<Response, Problem<E>> {
    let conflict = |why| Err(Problem::No(StatusCode::CONFLICT, why));
    match kept.state {
        State::Tombstone => conflict("this call was undone before it came"),
        _ if kept.request != request => Err(Problem::No(
            StatusCode::UNPROCESSABLE_ENTITY,
            "this Idempotency-Key came with another request",
        )),
        State::Undone => conflict("this call was undone"),
        State::Done | State::Refused | State::Undo => {
            let mut response = kept.answer.response();
            response.extensions_mut().insert(Outcome::Repeated);
            Ok(response)
        }
    }
}
