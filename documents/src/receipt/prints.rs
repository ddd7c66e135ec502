//! How each country's receipts print an amount: what training shows and what tests ask for.

/// Thousands apart by a sign.
fn grouped(whole: i64, sign: &str) -> String {
    let digits = whole.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push_str(sign);
        }
        out.push(c);
    }
    out
}

/// How an amount in hundredths is printed: name of the habit, text.
pub(crate) fn prints(minor: i64) -> Vec<(&'static str, String)> {
    let (whole, cents) = (minor / 100, minor % 100);
    let with = |thousands: &str, decimal: char| {
        format!("{}{decimal}{cents:02}", grouped(whole, thousands))
    };
    vec![
        ("fr", format!("{} €", with(" ", ','))),
        ("fr, no space before €", format!("{}€", with(" ", ','))),
        ("fr, hard spaces", format!("{}\u{a0}€", with("\u{a0}", ','))),
        ("fr, narrow spaces", format!("{}\u{202f}€", with("\u{202f}", ','))),
        ("fr, plain", with("", ',')),
        ("fr, code", format!("{} EUR", with(" ", ','))),
        ("fr, euros as the decimal sign", format!("{}€{cents:02}", grouped(whole, " "))),
        ("fr, a space behind the comma", format!("{}, {cents:02} €", grouped(whole, " "))),
        ("Québec", format!("{} $", with(" ", ','))),
        ("Québec in English", format!("${}", with(",", '.'))),
        ("en", format!("£{}", with(",", '.'))),
        ("en, plain", with("", '.')),
        ("de", format!("{} €", with(".", ','))),
        ("de, code", format!("EUR {}", with(".", ','))),
        ("es", format!("{}€", with(".", ','))),
        ("nl", format!("€ {}", with(".", ','))),
        ("be", format!("EUR {}", with(" ", ','))),
        ("ch", format!("CHF {}", with("'", '.'))),
        ("ch, typographic", format!("{} CHF", with("’", '.'))),
        ("my", format!("RM{}", with(",", '.'))),
    ]
}
