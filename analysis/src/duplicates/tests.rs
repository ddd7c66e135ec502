use super::*;
use crate::{Analyser, testing::numbered};

fn analysed(list: Vec<Transaction>) -> Vec<Analysed> {
    let analyser = Analyser::new(&[]);
    list.into_iter()
        .map(|transaction| Analysed { analysis: analyser.analyse(&transaction), transaction })
        .collect()
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn kinds(list: Vec<Transaction>) -> Vec<(DuplicateKind, Vec<Uuid>)> {
    duplicates(&analysed(list), Language::French)
        .into_iter()
        .map(|one| (one.kind, one.transactions))
        .collect()
}

fn with_bank_id(mut one: Transaction, bank_id: &str) -> Transaction {
    one.bank_id = Some(bank_id.into());
    one
}

#[test]
fn the_same_record_thrice_is_one_group() {
    let list = (1..=3).map(|n| numbered(n, "2024-05-03", -1000, "CB LIDL")).collect();
    assert_eq!(kinds(list), [(DuplicateKind::Exact, vec![id(1), id(2), id(3)])]);
}

#[test]
fn the_bank_s_ids_decide() {
    let line = |n, bank| with_bank_id(numbered(n, "2024-05-03", -250, "CB CAFE"), bank);
    assert_eq!(kinds(vec![line(1, "a"), line(2, "a")])[0].0, DuplicateKind::Exact);
    let found = duplicates(&analysed(vec![line(1, "a"), line(2, "b")]), Language::French);
    assert_eq!(found[0].kind, DuplicateKind::Near);
    assert!(found[0].confidence < 0.5);
    assert!(repeated(&analysed(vec![line(1, "a"), line(2, "b")])).is_empty());
}

#[test]
fn ids_that_begin_anew_each_month_do_not_make_a_subscription_one_payment() {
    let month = |n, day| with_bank_id(numbered(n, day, -999, "PRLV STREAMING"), "000001");
    let list = vec![month(1, "2024-05-03"), month(2, "2024-06-03"), month(3, "2024-07-03")];
    assert_eq!(kinds(list.clone()), []);
    assert!(repeated(&analysed(list)).is_empty());
}

#[test]
fn two_coffees_of_one_statement_are_two() {
    let coffee = |n, paper| Transaction {
        document: Some(id(paper)),
        ..numbered(n, "2024-05-03", -250, "CB CAFE")
    };
    let found = duplicates(&analysed(vec![coffee(1, 9), coffee(2, 9)]), Language::French);
    assert_eq!(found.iter().map(|one| one.kind).collect::<Vec<_>>(), [DuplicateKind::Near]);
    assert!(repeated(&analysed(vec![coffee(1, 9), coffee(2, 9)])).is_empty());
    // What two statements that overlap both have is stored once, so that these were two in one of them.
    assert!(repeated(&analysed(vec![coffee(1, 8), coffee(2, 9)])).is_empty());
    // One of the statements did not name its account: nobody has compared them.
    let named = Transaction { account: Some("FR76".into()), ..coffee(2, 9) };
    assert_eq!(repeated(&analysed(vec![coffee(1, 8), named])), [id(2)]);
    let blanks = |n, account: &str| Transaction {
        account: Some(account.into()),
        ..numbered(n, "2024-05-03", -250, "CB CAFE")
    };
    assert_eq!(repeated(&analysed(vec![blanks(1, "BE68 5390"), blanks(2, "BE685390")])), [id(2)]);
}

#[test]
fn one_payment_written_two_ways() {
    let a = numbered(1, "2024-05-03", -4350, "CB LE GRAND BAOB PARIS");
    let b =
        numbered(2, "2024-05-05", -4350, "FACTURE CARTE DU 030524 LE GRAND BAOBAB CARTE 5132*****");
    assert_eq!(kinds(vec![a.clone(), b.clone()]), [(DuplicateKind::Near, vec![id(1), id(2)])]);
    let mut later = b.clone();
    later.date = "2024-05-07".parse().unwrap();
    assert_eq!(kinds(vec![a.clone(), later]), []);
    let mut cent = b;
    cent.amount.minor.0 -= 1;
    assert_eq!(kinds(vec![a, cent]), []);
}

#[test]
fn purchases_with_their_own_days_are_two() {
    let a = numbered(1, "2024-05-03", -250, "FACTURE CARTE DU 020524 CAFE LANTERNE");
    let b = numbered(2, "2024-05-04", -250, "FACTURE CARTE DU 030524 CAFE LANTERNE");
    assert_eq!(kinds(vec![a, b]), []);
    let other = |n, account: &str| Transaction {
        account: Some(account.into()),
        ..numbered(n, "2024-05-04", -250, "CB X")
    };
    assert_eq!(kinds(vec![other(1, "A"), other(2, "B")]), []);
}

#[test]
fn a_dinner_as_receipt_and_as_bank_line() {
    let receipt = Transaction {
        origin: Origin::Receipt,
        ..numbered(1, "2024-05-03", -4350, "Le Grand Baobab")
    };
    let line = numbered(2, "2024-05-04", -4350, "CB LE GRAND BAOB");
    assert_eq!(
        kinds(vec![receipt.clone(), line.clone()]),
        [(DuplicateKind::SameEvent, vec![id(2), id(1)])]
    );
    assert_eq!(repeated(&analysed(vec![receipt, line])), [id(1)]);
}

#[test]
fn a_purchase_and_its_refund_are_two() {
    let bought = Transaction {
        origin: Origin::Receipt,
        ..numbered(1, "2024-05-03", -4350, "Le Grand Baobab")
    };
    let back = Transaction {
        origin: Origin::Receipt,
        ..numbered(2, "2024-05-03", 4350, "Le Grand Baobab")
    };
    assert_eq!(kinds(vec![bought, back]), []);
}
