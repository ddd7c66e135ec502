use super::super::{layout::Layout, testing::document};
use super::*;

fn first(text: &str) -> Vec<(Order, String)> {
    find(&Layout::new(&document(&[text]))).iter().map(|h| (h.order, h.date.to_string())).collect()
}

#[test]
fn words_for_months() {
    for (text, date) in [
        ("13 décembre 2023", "2023-12-13"),
        ("le 1er aout 2024", "2024-08-01"),
        ("13DEC2023", "2023-12-13"),
        ("Dec 13, 2023", "2023-12-13"),
        ("28 Septembre 2018", "2018-09-28"),
        ("Mar06'16 05:47PM", "2016-03-06"),
        ("17-Apr-18", "2018-04-17"),
        ("21 de mayo de 2022", "2022-05-21"),
        ("3. März 2020", "2020-03-03"),
        ("Ju1.30'11(Sat)07:27", "2011-07-30"),
        ("Aug17'16 11:54AM", "2016-08-17"),
        ("JUL 09,2008", "2008-07-09"),
        ("15 févr. 2024", "2024-02-15"),
        ("7 juil. 24", "2024-07-07"),
        ("1er août 2025", "2025-08-01"),
    ] {
        assert_eq!(first(text), [(Order::Named, date.to_owned())], "{text}");
    }
}

#[test]
fn digits_in_every_order() {
    assert_eq!(first("2018-09-28 09:46"), [(Order::Ymd, "2018-09-28".into())]);
    assert_eq!(first("28/12/2317:49")[0], (Order::Dmy, "2023-12-28".into()));
    assert_eq!(first("25.12.2018"), [(Order::Dmy, "2018-12-25".into())]);
    assert_eq!(first("O5/12/2018")[0], (Order::Dmy, "2018-12-05".into()));
    assert_eq!(
        first("ORD #58 -REG #19- 11/05/2018 20:22:56")[0],
        (Order::Dmy, "2018-05-11".into())
    );
    assert_eq!(first("27032018"), [(Order::Compact, "2018-03-27".into())]);
    assert_eq!(first("09:48 02.03.2020")[0], (Order::Dmy, "2020-03-02".into()));
    let both = first("18/09/24");
    assert!(both.contains(&(Order::Dmy, "2024-09-18".into())));
    assert!(both.contains(&(Order::ShortYmd, "2018-09-24".into())));
    assert_eq!(first("05 02-18")[0], (Order::Dmy, "2018-02-05".into()));
}

#[test]
fn every_month_of_six_languages_in_full_and_abbreviated() {
    const NAMES: [&str; 6] = [
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "january february march april may june july august september october november december",
        "januar februar märz april mai juni juli august september oktober november dezember",
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "januari februari maart april mei juni juli augustus september oktober november december",
        "janv févr mars avr mai juin juil août sept oct nov déc",
    ];
    for names in NAMES {
        for (month, name) in (1..).zip(names.split(' ')) {
            let date = format!("2024-{month:02}-13");
            let forms = [name.to_owned(), name.to_uppercase(), format!("{name}.")];
            for text in forms.iter().map(|n| format!("13 {n} 2024")) {
                assert_eq!(first(&text), [(Order::Named, date.clone())], "{text}");
            }
        }
    }
}

#[test]
fn what_is_no_date() {
    for text in
        ["12:30:45", "01 42 22 16 48", "1.234,56", "24.8.0.16685", "3 x 1.20 3.60", "99/99/2018"]
    {
        assert!(first(text).is_empty(), "{text}: {:?}", first(text));
    }
}

#[test]
fn times_of_day() {
    let found = times(&Layout::new(&document(&["05:47PM", "14h05", "08:36:29", "25:10"])));
    let values: Vec<&str> = found.iter().map(|t| t.value.as_str()).collect();
    assert_eq!(values, ["17:47", "14:05", "08:36:29"]);
}
