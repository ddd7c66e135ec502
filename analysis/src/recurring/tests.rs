use super::*;
use crate::{Analyser, testing::numbered};

fn analysed(list: &[(&str, i64, &str)]) -> Vec<Analysed> {
    let analyser = Analyser::new(&[]);
    list.iter()
        .zip(1..)
        .map(|((date, minor, label), id)| {
            let transaction = numbered(id, date, *minor, label);
            Analysed { analysis: analyser.analyse(&transaction), transaction }
        })
        .collect()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn a_monthly_bill_with_one_missing_and_a_new_price() {
    let all = analysed(&[
        ("2024-01-05", -2999, "PRLV SEPA FREE TELECOM"),
        ("2024-02-05", -2999, "PRLV SEPA FREE TELECOM"),
        ("2024-03-06", -2999, "PRLV SEPA FREE TELECOM"),
        ("2024-05-06", -2999, "PRLV SEPA FREE TELECOM"),
        ("2024-06-05", -2999, "PRLV SEPA FREE TELECOM"),
        ("2024-07-05", -3599, "PRLV SEPA FREE TELECOM"),
        ("2024-03-09", -4000, "CB LIDL"),
    ]);
    let found = recurring(&all, day("2024-07-20"), Language::French);
    assert_eq!(found.len(), 1);
    let series = &found[0];
    assert_eq!((series.name.as_str(), series.period), ("Free", Period::Monthly));
    assert_eq!(series.transactions.len(), 6);
    assert_eq!(series.missed, [day("2024-04-06")]);
    assert_eq!(series.next_date, day("2024-08-05"));
    assert_eq!(
        (series.amount.minor.0, series.last_amount.minor.0, series.drift_percent),
        (-2999, -3599, 20)
    );
    assert!(series.active && series.confidence > 0.6, "{}", series.confidence);
    let later = recurring(&all, day("2024-12-01"), Language::French);
    assert!(!later[0].active);
    assert_eq!(later[0].missed.len(), 5, "{:?}", later[0].missed);
}

#[test]
fn a_large_purchase_is_no_part_of_a_habit() {
    let mut list = vec![("2026-06-15", -90_000, "CB CARREFOUR MARKET LYON")];
    for (month, minor) in
        ["01", "02", "03", "04", "05", "06"].iter().zip([4110, 4210, 4310, 4410, 4510, 4610])
    {
        let date: &str = format!("2026-{month}-12").leak();
        list.push((date, -minor, "CB CARREFOUR MARKET LYON"));
    }
    let found = recurring(&analysed(&list), day("2026-06-20"), Language::French);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].transactions.len(), found[0].last_amount.minor.0), (6, -4610));
    assert!(found[0].drift_percent < 10, "{}", found[0].drift_percent);
}

#[test]
fn weekly_quarterly_and_yearly() {
    let all = analysed(&[
        ("2024-01-01", -1000, "CB YOGA MARTIN"),
        ("2024-01-08", -1000, "CB YOGA MARTIN"),
        ("2024-01-16", -1000, "CB YOGA MARTIN"),
        ("2024-01-15", -9000, "PRLV SEPA VEOLIA"),
        ("2024-04-15", -8800, "PRLV SEPA VEOLIA"),
        ("2024-07-16", -9300, "PRLV SEPA VEOLIA"),
        ("2023-03-01", -4990, "CB AMAZON PRIME"),
        ("2024-03-01", -4990, "CB AMAZON PRIME"),
    ]);
    let found = recurring(&all, day("2024-08-01"), Language::English);
    let periods: Vec<_> =
        found.iter().map(|series| (series.name.as_str(), series.period)).collect();
    assert!(periods.contains(&("Yoga Martin", Period::Weekly)), "{periods:?}");
    assert!(periods.contains(&("Veolia", Period::Quarterly)), "{periods:?}");
    assert!(periods.contains(&("Amazon Prime", Period::Yearly)), "{periods:?}");
    assert!(found[0].explanation.contains("every"));
}

#[test]
fn shopping_twice_a_month_and_another_currency_make_no_series() {
    let mut all = analysed(&[
        ("2024-01-01", -1234, "CB FRANPRIX"),
        ("2024-01-09", -3356, "CB FRANPRIX"),
        ("2024-01-11", -890, "CB FRANPRIX"),
        ("2024-02-03", -4120, "CB FRANPRIX"),
        ("2024-01-02", -1000, "PRLV NETFLIX"),
        ("2024-02-02", -1000, "PRLV NETFLIX"),
        ("2024-03-02", -1000, "PRLV NETFLIX"),
    ]);
    all[6].transaction.amount.currency = "USD".parse().unwrap();
    assert_eq!(recurring(&all, day("2024-03-05"), Language::French), []);
}

#[test]
fn one_party_may_have_several_series() {
    let mut list = Vec::new();
    for (month, other) in [(1, 3), (2, 17), (3, 9), (4, 21)] {
        list.push((format!("2024-{month:02}-10"), -999, "PRLV PAYPAL EUROPE"));
        list.push((
            format!("2024-{month:02}-{other:02}"),
            -5000 - i64::from(other) * 700,
            "PRLV PAYPAL EUROPE",
        ));
    }
    let list: Vec<(&str, i64, &str)> =
        list.iter().map(|(date, minor, label)| (date.as_str(), *minor, *label)).collect();
    let found = recurring(&analysed(&list), day("2024-04-25"), Language::French);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].amount.minor.0, found[0].transactions.len()), (-999, 4));
}
