//! What a call would change, read from its path and body.

use crate::{
    effects::{Answer, Move},
    money,
    store::{Result, next, thing},
};
use axum::http::StatusCode;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use std::collections::HashMap;

/// A call, taken apart.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) service: &'static str,
    pub(super) operation: &'static str,
    pub(super) id: &'a str,
    pub(super) query: &'a HashMap<String, String>,
    pub(super) body: Value,
}

/// What becomes of a call if there is enough of everything.
#[derive(Debug)]
pub(super) enum Plan {
    Read(Answer),
    Change { moves: Vec<Move>, done: Answer },
    Refused(Answer),
}

impl Plan {
    fn bad(field: &str) -> Self {
        let error = format!("{field} is missing or not what it should be");
        Self::Refused(Answer::new(StatusCode::BAD_REQUEST, json!({ "error": error })))
    }

    fn unknown(what: &str) -> Self {
        let error = format!("unknown: {what}");
        Self::Refused(Answer::new(StatusCode::NOT_FOUND, json!({ "error": error })))
    }

    fn ok(moves: Vec<Move>, body: Value) -> Self {
        Self::Change { moves, done: Answer::new(StatusCode::OK, body) }
    }

    fn created(moves: Vec<Move>, body: Value) -> Self {
        Self::Change { moves, done: Answer::new(StatusCode::CREATED, body) }
    }
}

impl Request<'_> {
    /// Each service says no in its own way.
    pub(super) fn refusal(&self, error: &str) -> Answer {
        let status = match (self.service, self.operation) {
            // It also says 201 when it refuses.
            ("payments_api", _) => StatusCode::CREATED,
            ("payment", _) => StatusCode::PAYMENT_REQUIRED,
            ("clients", _) => StatusCode::BAD_REQUEST,
            ("sales" | "ventes", "cancel") | (_, "delete_order") => StatusCode::NOT_FOUND,
            _ => StatusCode::CONFLICT,
        };
        Answer::new(status, json!({ "error": error }))
    }

    fn text(&self, field: &str) -> Option<String> {
        text(&self.body[field])
    }

    fn cents(&self, field: &str) -> Option<i64> {
        money::minor(&self.body[field]).filter(|cents| *cents >= 0)
    }

    /// Product and quantity of each line.
    fn lines(&self) -> Option<Vec<(String, i64)>> {
        let (list, product, quantity) = match self.body.get("produits") {
            Some(list) => (list, "produit_id", "quantite"),
            None => (&self.body["items"], "product_id", "quantity"),
        };
        let line = |item: &Value| {
            let count = item[quantity].as_i64().filter(|n| *n > 0)?;
            Some((text(&item[product])?, count))
        };
        list.as_array()?.iter().map(line).collect()
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// An id as JSON, a number where it looks like one.
fn id(text: &str) -> Value {
    text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from)
}

pub(super) async fn plan(db: &impl ConnectionTrait, request: &Request<'_>) -> Result<Plan> {
    match request.service {
        "inventory" => inventory(db, request).await,
        "payment" | "payments_api" | "clients" => payment(db, request).await,
        "sales" | "ventes" => sales(db, request).await,
        "store_manager" => store_manager(db, request).await,
        "panier" => Ok(match thing(db, &format!("basket:{}", request.id)).await? {
            Some((_, basket)) => Plan::Read(Answer::new(StatusCode::OK, basket)),
            None => Plan::Read(Answer::new(
                StatusCode::NOT_FOUND,
                json!({"detail": "Panier non trouvé"}),
            )),
        }),
        _ => Ok(goods(request, "goods", if request.operation == "reserve" { -1 } else { 1 })),
    }
}

fn goods(request: &Request<'_>, kind: &str, sign: i64) -> Plan {
    let Some(lines) = request.lines() else { return Plan::bad("items") };
    let moves =
        lines.into_iter().map(|(product, n)| Move::by(format!("{kind}:{product}"), sign * n));
    Plan::ok(moves.collect(), json!({"success": true}))
}

async fn inventory(db: &impl ConnectionTrait, request: &Request<'_>) -> Result<Plan> {
    if request.operation == "read" {
        let of = |name: &str| request.query.get(name).map_or("", String::as_str);
        let place = format!("{}/{}", of("store_id"), of("product_id"));
        return Ok(match thing(db, &format!("inventory:{place}")).await? {
            Some((stock, _)) => {
                let data = json!({"data": {"id": place, "stock": stock}});
                Plan::Read(Answer::new(StatusCode::OK, data))
            }
            None => {
                Plan::Read(Answer::new(StatusCode::NOT_FOUND, json!({"error": "unknown product"})))
            }
        });
    }
    let (Some(shop), Some(product)) = (request.text("store_id"), request.text("product_id")) else {
        return Ok(Plan::bad("store_id or product_id"));
    };
    let Some(change) = request.body["stock"].as_i64() else { return Ok(Plan::bad("stock")) };
    let change = Move::by(format!("inventory:{shop}/{product}"), change);
    Ok(Plan::ok(vec![change], json!({"success": true})))
}

async fn payment(db: &impl ConnectionTrait, request: &Request<'_>) -> Result<Plan> {
    if request.service == "clients" {
        let Some(cents) = request.cents("montant") else { return Ok(Plan::bad("montant")) };
        let sign = if request.operation == "pay" { -1 } else { 1 };
        let change = Move::by(format!("client:{}", request.id), sign * cents);
        return Ok(Plan::ok(vec![change], json!({"success": true})));
    }
    if request.operation == "refund" {
        let Some(cents) = request.cents("amount") else { return Ok(Plan::bad("amount")) };
        let object = format!("payment:{}", request.id);
        let Some((_, paid)) = thing(db, &object).await? else {
            return Ok(Plan::unknown("payment"));
        };
        let customer = format!("customer:{}", text(&paid["customer_id"]).unwrap_or_default());
        // What is left of a payment cannot go below nothing: nobody gets back more than was paid.
        let moves = vec![Move::by(object, -cents), Move::by(customer, cents)];
        return Ok(Plan::ok(
            moves,
            json!({"payment_id": id(request.id), "refunded": money::major(cents)}),
        ));
    }
    let (who, owner, amount, kind) = if request.service == "payment" {
        ("customer_id", "customer", "amount", "payment")
    } else {
        ("user_id", "user", "total_amount", "order_payment")
    };
    let Some(client) = request.text(who) else { return Ok(Plan::bad(who)) };
    let Some(cents) = request.cents(amount) else { return Ok(Plan::bad(amount)) };
    let number = next(db).await?;
    let moves = vec![
        Move::by(format!("{owner}:{client}"), -cents),
        Move::create(format!("{kind}:{number}"), cents, request.body.clone()),
    ];
    let answer = json!({"payment_id": number, "transaction_id": format!("tx-{number}")});
    Ok(Plan::created(moves, answer))
}

async fn sales(db: &impl ConnectionTrait, request: &Request<'_>) -> Result<Plan> {
    let (kind, name) =
        if request.service == "sales" { ("sale", "sale_id") } else { ("vente", "vente_id") };
    if request.operation == "create" {
        let number = next(db).await?;
        let mut body = request.body.clone();
        if !body.is_object() {
            return Ok(Plan::bad("body"));
        }
        body[name] = number.into();
        body["status"] = "completed".into();
        let sale = Move::create(format!("{kind}:{number}"), 1, body);
        return Ok(Plan::created(vec![sale], json!({ name: number })));
    }
    let object = format!("{kind}:{}", request.id);
    let found = thing(db, &object).await?.filter(|(alive, _)| *alive > 0);
    let Some((_, body)) = found else {
        let unknown = Answer::new(StatusCode::NOT_FOUND, json!({"error": "unknown sale"}));
        return Ok(if request.operation == "read" {
            Plan::Read(unknown)
        } else {
            Plan::Refused(unknown)
        });
    };
    let mut change = Move::by(object, 0);
    Ok(match request.operation {
        "read" => Plan::Read(Answer::new(StatusCode::OK, body)),
        "update" => {
            let answer = json!({ name: id(request.id), "status": request.body["status"] });
            // Only the status: the goods that came back are not the goods that were sold.
            change.body =
                json!({ "status": request.body["status"], "returned": request.body["items"] });
            Plan::ok(vec![change], answer)
        }
        _ => {
            change.amount = -1;
            change.body = json!({"status": "cancelled"});
            Plan::ok(vec![change], json!({ name: id(request.id), "status": "cancelled" }))
        }
    })
}

async fn store_manager(db: &impl ConnectionTrait, request: &Request<'_>) -> Result<Plan> {
    let order = format!("order:{}", request.id);
    match request.operation {
        "create_order" => {
            let Some(lines) = request.lines() else { return Ok(Plan::bad("items")) };
            let mut total = 0;
            for (product, n) in lines {
                match thing(db, &format!("price:{product}")).await? {
                    Some((price, _)) => total += price * n,
                    None => return Ok(Plan::unknown("product")),
                }
            }
            let number = next(db).await?;
            let body = json!({
                "order_id": number, "user_id": request.body["user_id"], "items": request.body["items"],
                "total_amount": money::major(total), "is_paid": false,
            });
            let made = Move::create(format!("order:{number}"), 1, body);
            Ok(Plan::created(vec![made], json!({"order_id": number})))
        }
        // It answers 201.
        "read_order" => Ok(match thing(db, &order).await?.filter(|(alive, _)| *alive > 0) {
            Some((_, body)) => Plan::Read(Answer::new(StatusCode::CREATED, body)),
            None => {
                Plan::Read(Answer::new(StatusCode::NOT_FOUND, json!({"error": "unknown order"})))
            }
        }),
        "delete_order" => Ok(Plan::ok(vec![Move::by(order, -1)], json!({"deleted": true}))),
        "update_order" => {
            let Some(number) = request.text("order_id") else { return Ok(Plan::bad("order_id")) };
            let mut change = Move::by(format!("order:{number}"), 0);
            change.body = json!({"is_paid": request.body["is_paid"], "payment_id": request.body["payment_id"]});
            Ok(Plan::ok(vec![change], json!({"updated": true})))
        }
        _ => Ok(match request.body["operation"].as_str() {
            Some("-") => goods(request, "warehouse", -1),
            Some("+") => goods(request, "warehouse", 1),
            _ => Plan::bad("operation"),
        }),
    }
}
