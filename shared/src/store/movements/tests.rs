use super::*;
use crate::{
    audit::Action,
    domain::{
        money::{Minor, Money},
        transaction::LabelSource,
    },
    engine::RunId,
    i18n::Text,
    ledger::{identify, tests::transaction},
    store::{
        UserErasure,
        tests::{Fixture, fixture},
    },
};
use futures_util::TryStreamExt as _;
use std::time::Duration;

fn label(value: &str) -> Label {
    Label::new(value, LabelSource::Dictionary, 0.9, Text::new("pour\0quoi", "wh\0y"))
}

/// Analysed as groceries at the shop the label begins with.
pub(in crate::store) fn analysed(
    owner: &Owner,
    transactions: Vec<Transaction>,
) -> Vec<NewMovement> {
    let new = identify(owner, transactions).into_iter().map(|keyed| {
        let merchant = keyed.transaction.label.split(' ').next().map(label);
        let analysis = Analysis {
            merchant,
            category: label("groceries"),
            plaid_category: Some("FOOD_AND_DRINK_GROCERIES".into()),
            mcc: Some("5411".into()),
        };
        NewMovement { keyed, analysis }
    });
    new.collect()
}

fn by(actor: &str) -> Act {
    Act::new(actor, Action::TransactionChanged)
}

/// One nobody else has: the tests share a database on PostgreSQL.
pub(in crate::store) fn owner() -> Owner {
    Owner::new(RunId::new().to_string(), "marie")
}

#[tokio::test]
async fn what_is_known_is_not_stored_again() {
    let Fixture { store, _folder } = fixture().await;
    let owner = owner();
    let file = || {
        vec![
            transaction("2026-03-01", -250, "CAFE DU COIN"),
            transaction("2026-03-01", -250, "CAFE DU COIN"),
            transaction("2026-03-02", -9_999, "FNAC\0 PARIS"),
        ]
    };
    let added = store.add_movements(&owner, None, &analysed(&owner, file())).await.unwrap();
    assert_eq!(added.len(), 3, "two equal coffees are two");
    assert!(store.add_movements(&owner, None, &analysed(&owner, file())).await.unwrap().is_empty());
    let mut longer = file();
    longer.push(transaction("2026-03-03", 180_000, "VIREMENT SALAIRE"));
    let added = store.add_movements(&owner, None, &analysed(&owner, longer)).await.unwrap();
    assert_eq!(added.len(), 1, "an overlapping file adds what is new");

    let other = Owner::new(owner.client.clone(), "paul");
    let added = store.add_movements(&other, None, &analysed(&other, file())).await.unwrap();
    assert_eq!(added.len(), 3, "another user's are their own");

    let page = store.list_movements(&owner, &MovementFilter::default(), None, 10).await.unwrap();
    let days: Vec<_> = page.items.iter().map(|m| m.transaction.date.to_string()).collect();
    assert_eq!(days, ["2026-03-03", "2026-03-02", "2026-03-01", "2026-03-01"]);
    assert_eq!(page.next, None);
    let fnac = &page.items[1];
    assert_eq!(fnac.transaction.label, "FNAC\u{fffd} PARIS");
    assert_eq!(
        fnac.analysis.category.explanation, "pour\0quoi",
        "inside JSON it is only an escape"
    );
    assert_eq!(fnac.transaction.amount.to_string(), "-99.99 EUR");
    let found = store.movement(&owner, fnac.transaction.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(fnac));
    assert_eq!(store.movement(&other, fnac.transaction.id).await.unwrap(), None);
}

#[tokio::test]
async fn what_came_without_its_banks_id_is_known_with_it() {
    let Fixture { store, _folder } = fixture().await;
    let owner = owner();
    let coffee = |id: Option<&str>| Transaction {
        bank_id: id.map(str::to_owned),
        ..transaction("2026-03-01", -250, "CAFE DU COIN")
    };
    let add = async |list| {
        store.add_movements(&owner, None, &analysed(&owner, list)).await.unwrap().len()
    };
    assert_eq!(add(vec![coffee(None)]).await, 1);
    let named = || vec![coffee(Some("A1")), coffee(Some("A2")), coffee(Some("A2"))];
    assert_eq!(add(named()).await, 2, "the first of them was known");
    assert_eq!(add(named()).await, 0);
    assert_eq!(add(vec![coffee(None)]).await, 0);
    assert_eq!(
        add(vec![coffee(Some("A3"))]).await,
        0,
        "all that is known of it is what the first says"
    );
    assert_eq!(add(vec![coffee(Some("A2")), coffee(Some("A4"))]).await, 1);
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let Fixture { store, _folder } = fixture().await;
    let owner = owner();
    let mut file: Vec<Transaction> = (1..=25)
        .map(|day| {
            transaction(&format!("2026-04-{day:02}"), -100 * day, &format!("SHOP 100% {day}"))
        })
        .collect();
    let yen = "JPY".parse().unwrap();
    file[0].amount = Money { minor: Minor(-5), currency: yen };
    file[1].account = None;
    file[2].account = Some("FR763000400001".into());
    store.add_movements(&owner, None, &analysed(&owner, file)).await.unwrap();

    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page =
            store.list_movements(&owner, &MovementFilter::default(), after, 7).await.unwrap();
        seen.extend(page.items.into_iter().map(|m| m.transaction.date.to_string()));
        let Some(next) = page.next else { break };
        after = Some(next.to_string().parse().unwrap());
    }
    assert_eq!(seen.len(), 25);
    assert!(seen.is_sorted_by(|a, b| a > b), "{seen:?}");

    let day = |d: u32| NaiveDate::from_ymd_opt(2026, 4, d);
    let all = MovementFilter::default;
    for (filter, count) in [
        (MovementFilter { from: day(10), to: day(12), ..all() }, 3),
        (MovementFilter { q: Some("shop 100%".into()), ..all() }, 25),
        (MovementFilter { q: Some("shop 1_0".into()), ..all() }, 0),
        (MovementFilter { min_milli: Some(-5_000), max_milli: Some(-4_000), ..all() }, 3),
        (MovementFilter { currency: Some(yen), ..all() }, 1),
        (MovementFilter { account: Some("FR76 3000 4000 01".into()), ..all() }, 24),
        (MovementFilter { account: Some("FR763000400001".into()), ..all() }, 24),
        (MovementFilter { categories: vec!["groceries".into(), "rent".into()], ..all() }, 25),
        (MovementFilter { categories: vec!["rent".into()], ..all() }, 0),
        (MovementFilter { merchant: Some("SHOP".into()), ..all() }, 25),
        (MovementFilter { origin: Some(Origin::Receipt), ..all() }, 0),
        (MovementFilter { document: Some(Uuid::nil()), ..all() }, 0),
    ] {
        let found = store.all_movements(&owner, &filter).await.unwrap();
        assert_eq!(found.len(), count, "{filter:?}");
    }
    let accounts = store.movement_accounts(&owner, &all()).await.unwrap();
    assert_eq!(accounts.len(), 3, "{accounts:?}");
    let total: i64 = accounts.iter().map(|a| a.sum.minor.0).sum();
    assert_eq!(total, -5 - (2..=25).map(|day| 100 * day).sum::<i64>());
}

#[tokio::test]
async fn thousands_are_stored_and_streamed_in_order() {
    let Fixture { store, _folder } = fixture().await;
    let owner = owner();
    let file: Vec<Transaction> = (0..2_500)
        .map(|n| {
            transaction(&format!("2026-05-{:02}", n % 28 + 1), -i64::from(n), &format!("SHOP {n}"))
        })
        .collect();
    let added = store.add_movements(&owner, None, &analysed(&owner, file)).await.unwrap();
    assert_eq!(added.len(), 2_500);
    let pages: Vec<Vec<Movement>> =
        store.stream_movements(owner, MovementFilter::default()).try_collect().await.unwrap();
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [1000, 1000, 500]);
    let days: Vec<_> =
        pages.iter().flatten().map(|m| (m.transaction.date, m.transaction.id)).collect();
    assert!(days.is_sorted());
    assert_eq!(days.iter().collect::<HashSet<_>>().len(), 2_500);
}

#[tokio::test]
async fn labels_are_changed_by_hand_and_outlive_an_import() {
    let Fixture { store, _folder } = fixture().await;
    let owner = owner();
    let file = || analysed(&owner, vec![transaction("2026-03-01", -250, "CAFE DU COIN")]);
    let id = *store.add_movements(&owner, None, &file()).await.unwrap().iter().next().unwrap();
    let change = Relabel {
        merchant: Some(Some(Label { source: LabelSource::User, ..label("Chez Léon") })),
        category: Some(Label { source: LabelSource::User, ..label("eating_out") }),
        ..Relabel::default()
    };
    let changed = store.relabel_movement(&owner, id, &change, by("ann")).await.unwrap();
    assert!(changed.changed_at.is_some());
    assert_eq!(changed.analysis.mcc, None, "it said that it was a grocery");
    assert!(store.add_movements(&owner, None, &file()).await.unwrap().is_empty());
    let filter = MovementFilter {
        q: Some("LÉON".into()),
        categories: vec!["eating_out".into()],
        ..MovementFilter::default()
    };
    assert_eq!(store.all_movements(&owner, &filter).await.unwrap(), [changed]);
    let nobody = Relabel { merchant: Some(None), ..Relabel::default() };
    let changed = store.relabel_movement(&owner, id, &nobody, by("ann")).await.unwrap();
    assert_eq!(
        (changed.analysis.merchant, changed.analysis.category.value.as_str()),
        (None, "eating_out")
    );
    let stranger = Owner::new("other", "marie");
    let refused = store.relabel_movement(&stranger, id, &nobody, by("ann")).await;
    assert!(matches!(refused, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn what_is_doubtful_waits_for_somebody_who_settles_it() {
    let Fixture { store, _folder } = fixture().await;
    let owner = owner();
    let doubtful = |day: &str, doubts: &[&str]| Transaction {
        doubts: doubts.iter().map(|&doubt| doubt.to_owned()).collect(),
        ..transaction(day, -250, "CAFE")
    };
    let list = || {
        let all = ["TOTAL_UNCERTAIN", "CHECK_FAILED:TAX_SUM", "DATE_UNCERTAIN", "MERCHANT_MISSING"];
        vec![
            doubtful("2026-03-01", &all),
            doubtful("2026-03-02", &all),
            doubtful("2026-03-03", &[]),
        ]
    };
    store.add_movements(&owner, None, &analysed(&owner, list())).await.unwrap();
    let waiting = MovementFilter { needs_review: true, ..MovementFilter::default() };
    let [first, second] = store.all_movements(&owner, &waiting).await.unwrap().try_into().unwrap();
    assert_eq!(first.transaction.doubts.len(), 4);
    let settle = async |one: &Movement, change: Relabel| {
        let id = one.transaction.id;
        store.relabel_movement(&owner, id, &change, by("ann")).await.unwrap().transaction
    };
    let is = settle(&first, Relabel { minor: Some(Minor(-99)), ..Relabel::default() }).await;
    assert_eq!(is.doubts, ["DATE_UNCERTAIN", "MERCHANT_MISSING"]);
    let day = "2026-02-28".parse().unwrap();
    let is = settle(&first, Relabel { date: Some(day), ..Relabel::default() }).await;
    assert_eq!((is.date, is.amount.minor.0, is.doubts.len()), (day, -99, 1));
    let is = settle(&first, Relabel { merchant: Some(None), ..Relabel::default() }).await;
    assert!(is.doubts.is_empty());
    settle(&second, Relabel { reviewed: true, ..Relabel::default() }).await;
    assert!(store.all_movements(&owner, &waiting).await.unwrap().is_empty());
    // Lists go by what it is now, and the document is known by what it was.
    let small = MovementFilter { min_milli: Some(-990), ..MovementFilter::default() };
    assert_eq!(store.all_movements(&owner, &small).await.unwrap().len(), 1);
    assert!(store.add_movements(&owner, None, &analysed(&owner, list())).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_batch_is_stored_once_under_its_key() {
    let Fixture { store, _folder } = fixture().await;
    let owner = owner();
    let list = |labels: &[&str]| {
        let list = labels.iter().map(|label| transaction("2026-03-01", -250, label));
        analysed(&owner, list.collect())
    };
    let key = |request: &str| BatchKey { key: "till-7".into(), request: request.into() };
    let (two, first) = (list(&["CAFE", "FNAC"]), key("a"));
    let at_once = (0..8).map(|_| store.add_batch(&owner, Some(&first), &two));
    for added in futures_util::future::join_all(at_once).await {
        assert_eq!(added.unwrap(), BatchAdded::Stored(2), "each is told what the first was");
    }
    let other = list(&["LIDL"]);
    let refused = store.add_batch(&owner, Some(&key("b")), &other).await.unwrap();
    assert_eq!(refused, BatchAdded::KeyReused);
    let stored =
        async || store.all_movements(&owner, &MovementFilter::default()).await.unwrap().len();
    assert_eq!(stored().await, 2);
    let paul = Owner::new(owner.client.clone(), "paul");
    let added = store.add_batch(&paul, Some(&key("b")), &analysed(&paul, Vec::new())).await;
    assert_eq!(added.unwrap(), BatchAdded::Stored(0), "another user's keys are their own");

    let begun = store.begin_erasing_user(&owner, "key:a", "asked").await.unwrap();
    let UserErasure::Begun(note) = begun else { panic!("{begun:?}") };
    store.erase_rest_of_user(note, &owner, "key:a", "asked").await.unwrap();
    assert_eq!(stored().await, 0);
    let again = store.add_batch(&owner, Some(&key("b")), &other).await.unwrap();
    assert_eq!(again, BatchAdded::Stored(1), "the key went with the user");
    // Others share a server's database.
    if store.backend() == crate::store::Backend::Sqlite {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let due = store.expire(crate::store::Kept::Transactions, 0, 1).await.unwrap();
        assert_eq!(due.count, 1, "keys are not counted");
        let again = store.add_batch(&owner, Some(&key("c")), &other).await.unwrap();
        assert_eq!(again, BatchAdded::Stored(1), "the key went with its transactions");
    }
}

#[tokio::test]
async fn a_batch_that_comes_again_brings_nothing_back() {
    let Fixture { store, _folder } = fixture().await;
    let owner = owner();
    let batch = analysed(&owner, vec![transaction("2026-03-01", -250, "CAFE")]);
    let key = BatchKey { key: "k".into(), request: "a".into() };
    assert_eq!(store.add_batch(&owner, Some(&key), &batch).await.unwrap(), BatchAdded::Stored(1));
    let remove = store.backend().statement(
        "DELETE FROM movement WHERE client_id = $1",
        [sea_orm::Value::from(owner.client.clone())],
    );
    store.inner.writer.execute_raw(remove).await.unwrap();
    assert_eq!(store.add_batch(&owner, Some(&key), &batch).await.unwrap(), BatchAdded::Stored(1));
    assert!(store.all_movements(&owner, &MovementFilter::default()).await.unwrap().is_empty());
}

#[tokio::test]
async fn rules_are_applied_and_taken_back() {
    let Fixture { store, _folder } = fixture().await;
    let owner = owner();
    let act = |action| Act::new("key:test", action).of(&owner.client);
    let list = vec![
        transaction("2026-03-01", -250, "CAFE DU COIN"),
        transaction("2026-03-02", -350, "CAFE DU PORT"),
        transaction("2026-03-03", -450, "FNAC PARIS"),
    ];
    store.add_movements(&owner, None, &analysed(&owner, list)).await.unwrap();
    let all = async || store.all_movements(&owner, &MovementFilter::default()).await.unwrap();
    let categories = async || -> Vec<String> {
        all().await.into_iter().map(|m| m.analysis.category.value).collect()
    };
    let new: Vec<(Movement, Analysis)> = all()
        .await
        .into_iter()
        .map(|movement| {
            let analysis =
                Analysis { category: label("gifts"), merchant: None, ..movement.analysis.clone() };
            (movement, analysis)
        })
        .collect();
    // Somebody labels one of them between reading and writing.
    let by_hand = Relabel { category: Some(label("books")), ..Relabel::default() };
    store.relabel_movement(&owner, new[2].0.transaction.id, &by_hand, by("ann")).await.unwrap();
    let first = RunId::new().0;
    let stranger = Owner::new(owner.client.clone(), "paul");
    let changed =
        store.apply_rules(&stranger, first, &new, act(Action::RulesApplied)).await.unwrap();
    assert_eq!(
        (changed, categories().await),
        (0, vec!["groceries".into(), "groceries".into(), "books".to_owned()])
    );
    let changed = store.apply_rules(&owner, first, &new, act(Action::RulesApplied)).await.unwrap();
    assert_eq!(
        (changed, categories().await),
        (2, vec!["gifts".into(), "gifts".into(), "books".to_owned()])
    );
    let found = MovementFilter { merchant: Some("CAFE".into()), ..MovementFilter::default() };
    assert!(
        store.all_movements(&owner, &found).await.unwrap().is_empty(),
        "lists see the new labels"
    );
    let listed = store.rule_applications(&owner).await.unwrap();
    assert_eq!(listed.iter().map(|a| (a.id, a.transactions)).collect::<Vec<_>>(), [(first, 2)]);

    store.relabel_movement(&owner, new[1].0.transaction.id, &by_hand, by("ann")).await.unwrap();
    let nobodys = store.take_rules_back(&stranger, first, act(Action::RulesTakenBack)).await;
    assert!(matches!(nobodys, Err(StoreError::NotFound)));
    let back = store.take_rules_back(&owner, first, act(Action::RulesTakenBack)).await.unwrap();
    assert_eq!((back.restored, back.kept), (1, 1));
    assert_eq!(categories().await, ["groceries", "books", "books"]);
    let restored = store.movement(&owner, new[0].0.transaction.id).await.unwrap().unwrap();
    assert_eq!(restored.analysis, new[0].0.analysis);
    // What somebody changed since is theirs, whole.
    assert_eq!(store.all_movements(&owner, &found).await.unwrap().len(), 1);
    let twice = store.take_rules_back(&owner, first, act(Action::RulesTakenBack)).await;
    assert!(matches!(twice, Err(StoreError::NotFound)));
    assert_eq!(store.rule_applications(&owner).await.unwrap(), []);
}
