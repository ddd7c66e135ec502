//! Sagas from beginning to end over HTTP.

mod builtin;
mod world;

use quittance_shared::engine::RunState;
use serde_json::json;
use std::time::Duration;
use world::{Does, World, times};

const KEYED: &str = "
version: 1
participants:
  bank: { idempotency: keys }
input:
  amount: money
  items: { type: list, of: id }
steps:
  - name: RESERVE
    participant: bank
    for_each: input.items
    retry: { retries: 2, base: 10ms }
    call: { method: POST, url: '/stock/${item}', timeout: 150ms }
    undo: { method: DELETE, url: '/stock/${item}', timeout: 150ms }
  - name: PAY
    participant: bank
    retry: { retries: 2, base: 10ms }
    call:
      method: POST
      url: /payments
      timeout: 150ms
      body: { amount: '${input.amount}' }
      refused: status == 409 || (status == 201 && has(body.error))
      output: { id: '${body.id}' }
    undo: { method: POST, url: \"/payments/${known ? output.id : '-'}/refund\" }
states:
  created: NEW
  steps: { PAY: { refused: UNPAID } }
  completed: DONE
  otherwise: LOST
";

const KEYLESS: &str = "
version: 1
participants:
  bank: { idempotency: none }
input: {}
steps:
  - name: ORDER
    participant: bank
    retry: { retries: 2, base: 10ms }
    on_unknown: needs_attention
    call: { method: POST, url: /orders, timeout: 150ms, output: { id: '${body.id}' } }
    undo: { method: DELETE, url: '/orders/${output.id}', repeatable: true }
  - name: PAY
    participant: bank
    retry: { retries: 2, base: 10ms }
    pivot: true
    on_unknown: query
    call: { method: POST, url: /payments, timeout: 150ms }
    query: { method: GET, url: /payments/mine }
";

#[tokio::test]
async fn a_saga_completes_and_its_calls_carry_keys_traces_and_secrets() {
    let world = World::new(KEYED).await;
    let id = world.start(false).await;
    let view = world.ends(id).await;
    assert_eq!(view.state, RunState::Completed, "{view:?}");
    assert_eq!(world.calls(), ["POST /stock/a", "POST /stock/b", "POST /payments"]);
    let first = &world.seen("POST /stock/a")[0];
    assert_eq!(first.key.as_deref(), Some(&*format!("{id}:RESERVE.0:do:1")));
    let pay = &world.seen("POST /payments")[0];
    assert_eq!(pay.key.as_deref(), Some(&*format!("{id}:PAY:do:1")));
    assert_eq!(pay.secret.as_deref(), Some("Bearer hidden"));
    assert_eq!(pay.body, json!({ "amount": 12.5 }));
    assert!(pay.traceparent.as_ref().is_some_and(|t| t.contains(&id.0.simple().to_string())));
    assert_eq!(view.steps[1].output, Some(json!({ "id": "p1" })));
    assert_eq!(view.steps[1].input.as_ref().unwrap()["body"]["amount"], json!(12.5));
    assert!(!format!("{view:?}").contains("hidden"));
    assert_eq!(World::states(&view), ["NEW", "DONE"]);
}

#[tokio::test]
async fn a_refusal_undoes_what_was_done_in_the_reverse_order() {
    let world = World::new(KEYED).await;
    world.script("POST /payments", &[Does::Answers(201, json!({ "error": "no money" }))]);
    let id = world.start(false).await;
    let view = world.ends(id).await;
    assert_eq!(view.state, RunState::Compensated);
    let error = view.error.clone().unwrap();
    assert_eq!((error.code.as_str(), error.message.as_str()), ("PAY_REFUSED", "bank: no money"));
    assert_eq!(world.calls()[3..], ["DELETE /stock/b", "DELETE /stock/a"]);
    let undo = &world.seen("DELETE /stock/b")[0];
    assert_eq!(undo.key.as_deref(), Some(&*format!("{id}:RESERVE.1:undo:1")));
    assert_eq!(undo.undoes.as_deref(), Some(&*format!("{id}:RESERVE.1:do:1")));
    assert_eq!(World::states(&view), ["NEW", "UNPAID"]);
}

#[tokio::test]
async fn a_refusal_halfway_through_a_list_undoes_the_whole_list() {
    let world = World::new(KEYED).await;
    world.script("POST /stock/b", &[Does::Answers(409, json!({ "message": "none left" }))]);
    let view = world.ends(world.start(false).await).await;
    assert_eq!(view.state, RunState::Compensated);
    assert_eq!(world.calls()[2..], ["DELETE /stock/b", "DELETE /stock/a"]);
}

#[tokio::test]
async fn lost_and_senseless_answers_are_asked_for_again_under_the_same_key() {
    let world = World::new(KEYED).await;
    let odd = [Does::Nothing, Does::Says(200, "<html>"), Does::Answers(200, json!({ "id": 7 }))];
    world.script("POST /payments", &odd);
    let view = world.ends(world.start(false).await).await;
    assert_eq!(view.state, RunState::Completed);
    let keys: Vec<_> = world.seen("POST /payments").into_iter().map(|s| s.key).collect();
    assert_eq!(keys.len(), 3);
    assert!(keys.iter().all(|k| *k == keys[0]));
    assert_eq!(view.steps[1].attempts, 3);
}

#[tokio::test]
async fn what_may_have_been_done_is_undone_by_its_key() {
    let world = World::new(KEYED).await;
    let broken = Does::Answers(500, json!({}));
    world.script("POST /payments", &[Does::Nothing, broken.clone(), broken]);
    let id = world.start(false).await;
    let view = world.ends(id).await;
    assert_eq!(view.state, RunState::Compensated);
    assert_eq!(view.error.clone().unwrap().code, "PAY_FAILED");
    let refund = &world.seen("POST /payments/-/refund")[0];
    assert_eq!(refund.undoes.as_deref(), Some(&*format!("{id}:PAY:do:1")));
    assert_eq!(World::states(&view), ["NEW", "LOST"]);
}

#[tokio::test]
async fn an_undo_that_never_succeeds_needs_attention_and_the_others_go_on() {
    let world = World::new(KEYED).await;
    let broken = || Does::Answers(503, json!({}));
    // Refused, but an earlier attempt had no answer: nobody knows, so it is undone.
    world.script("POST /payments", &[Does::Nothing, Does::Answers(409, json!({}))]);
    world.script("POST /payments/-/refund", &[broken(), broken(), broken()]);
    let id = world.start(false).await;
    let view = world.ends(id).await;
    assert_eq!(view.state, RunState::NeedsAttention);
    assert_eq!(world.calls().last().map(String::as_str), Some("DELETE /stock/a"));
    assert!(world.store.skip_step(id, 0, "not that one", "ops").await.is_err());
    world.store.skip_step(id, 1, "refunded by hand", "ops").await.unwrap();
    let view = world.ends(id).await;
    assert_eq!(view.state, RunState::Compensated);
    let told = format!("{:?}", view.events);
    assert!(told.contains("refunded by hand") && told.contains("ops"));
}

#[tokio::test]
async fn a_participant_without_keys_is_never_called_twice() {
    let world = World::new(KEYLESS).await;
    world.script("POST /orders", &[Does::Nothing]);
    let view = world.ends(world.start(false).await).await;
    assert_eq!(view.state, RunState::NeedsAttention);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(world.calls(), ["POST /orders"]);
}

#[tokio::test]
async fn a_question_settles_what_an_answer_did_not() {
    let world = World::new(KEYLESS).await;
    world.script("POST /payments", &[Does::Answers(500, json!({}))]);
    let view = world.ends(world.start(false).await).await;
    assert_eq!(view.state, RunState::Completed, "{view:?}");
    assert_eq!(world.calls(), ["POST /orders", "POST /payments", "GET /payments/mine"]);
    drop(world);

    let world = World::new(KEYLESS).await;
    world.script("POST /payments", &[Does::Answers(500, json!({}))]);
    world.script("GET /payments/mine", &[Does::Answers(404, json!({}))]);
    let view = world.ends(world.start(false).await).await;
    assert_eq!(view.state, RunState::Completed, "{view:?}");
    assert_eq!(world.seen("POST /payments").len(), 2);
}

#[tokio::test]
async fn a_parked_saga_waits_and_a_redirect_is_not_followed() {
    let world = World::new(KEYED).await;
    let redirect = Does::Answers(302, json!({}));
    world.script("POST /stock/a", &[redirect.clone(), redirect.clone(), redirect]);
    let id = world.start(true).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(world.calls().is_empty());
    let view = world.store.saga(id).await.unwrap().unwrap();
    assert!(view.parked && view.steps[0].input.is_none());
    world.store.start_run(id, "c").await.unwrap();
    assert!(world.store.start_run(id, "c").await.is_err());
    let view = world.ends(id).await;
    assert_eq!(view.state, RunState::Compensated);
    assert_eq!(view.error.unwrap().code, "RESERVE_FAILED");
}

#[tokio::test]
async fn sagas_are_listed_newest_first() {
    let world = World::new(KEYED).await;
    let (first, second) = (world.start(false).await, world.start(false).await);
    world.ends(first).await;
    world.ends(second).await;
    let filter = quittance_shared::store::SagaFilter {
        definition: Some(world.saga.clone()),
        limit: 1,
        ..Default::default()
    };
    let (page, total) = world.store.sagas(&filter).await.unwrap();
    assert_eq!((page[0].id, total), (second, 2));
    assert!(page[0].events.is_empty());
}

#[tokio::test]
async fn a_paused_saga_begins_nothing_new_until_it_is_resumed() {
    let world = World::new(KEYED).await;
    world.script("POST /stock/b", &[Does::Nothing]);
    let id = world.start(false).await;
    world.waits_for("POST /stock/b").await;
    world.store.pause_run(id, "ops").await.unwrap();
    assert!(world.store.pause_run(id, "ops").await.is_err());
    tokio::time::sleep(Duration::from_millis(600)).await;
    let before = world.calls();
    assert!(!before.contains(&"POST /payments".to_owned()), "{before:?}");
    world.store.resume_run(id, "ops").await.unwrap();
    assert_eq!(world.ends(id).await.state, RunState::Completed);
}

#[tokio::test]
async fn a_cancelled_saga_waits_for_the_call_that_is_out_and_goes_back() {
    let world = World::new(KEYED).await;
    world.script("POST /payments", &[Does::Nothing]);
    let id = world.start(false).await;
    world.waits_for("POST /payments").await;
    world.store.cancel_run(id, "c").await.unwrap();
    let view = world.ends(id).await;
    assert_eq!(view.state, RunState::Cancelled);
    let expected = ["POST /payments/-/refund", "DELETE /stock/b", "DELETE /stock/a"];
    assert_eq!(world.calls()[3..], expected);
    assert!(world.store.cancel_run(id, "c").await.is_err());
    assert!(world.store.compensate_run(id, "c").await.is_err());
}

#[tokio::test]
async fn a_saga_that_is_not_done_in_time_goes_back() {
    let world = World::new(&KEYED.replace("version: 1", "version: 1\ndeadline: 300ms")).await;
    world.script("POST /payments", &times(3, Does::Answers(503, json!({}))));
    world.script("POST /stock/b", &times(2, Does::Nothing));
    let view = world.ends(world.start(false).await).await;
    assert_eq!(view.state, RunState::Compensated);
    assert_eq!(view.error.unwrap().code, "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn what_failed_by_hand_is_retried_under_another_key_only_if_the_refusal_was_definite() {
    let text = KEYED.replace("version: 1", "version: 1\ncompensation: manual");
    let world = World::new(&text).await;
    world.script("POST /payments", &[Does::Answers(409, json!({}))]);
    let id = world.start(false).await;
    assert_eq!(world.ends(id).await.state, RunState::Failed);
    world.store.retry_run(id, "ops").await.unwrap();
    let view = world.ends(id).await;
    assert_eq!((view.state, view.retry_count), (RunState::Completed, 1));
    let keys: Vec<_> = world.seen("POST /payments").into_iter().filter_map(|s| s.key).collect();
    assert_eq!(keys, [format!("{id}:PAY:do:1"), format!("{id}:PAY:do:2")]);
    assert_eq!(world.seen("POST /stock/a").len(), 1);
    drop(world);

    let world = World::new(&text).await;
    world.script("POST /payments", &times(3, Does::Answers(500, json!({}))));
    let id = world.start(false).await;
    assert_eq!(world.ends(id).await.state, RunState::Failed);
    world.store.compensate_run(id, "ops").await.unwrap();
    assert_eq!(world.ends(id).await.state, RunState::Compensated);
    assert_eq!(world.seen("POST /payments/-/refund").len(), 1);
}

#[tokio::test]
async fn of_a_participant_that_no_setting_names_clients_hear_no_setting() {
    let world = World::new(&KEYED.replace("bank", "nobody")).await;
    let id = world.start(false).await;
    let view = world.ends(id).await;
    let told = view.error.as_ref().map(quittance_shared::engine::RunError::text);
    assert_eq!(told, Some(quittance_shared::sagas::not_connected("nobody")));
    // The line of the history holds both languages for whoever reads it.
    let detail = view.events.last().and_then(|line| line.detail.clone()).unwrap();
    assert_eq!(detail["message"], "nobody : ce service n'est pas raccordé ; prévenez l'exploitant");
    assert_eq!(detail["messageEn"], "nobody: this service is not connected; tell the operator");
    assert!(!format!("{view:?}").contains("sagas.participants"), "{view:?}");
}
