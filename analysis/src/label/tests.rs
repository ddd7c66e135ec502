use super::*;

fn check(label: &str, kind: Kind, party: &str) {
    let cleaned = clean(label);
    assert_eq!((cleaned.kind, cleaned.party.as_str()), (kind, party), "{label}");
}

#[test]
fn a_hidden_card_number_is_stars_or_the_letter_x() {
    // French banks print the letter X (`5132XXXXXXXX8801`) in files of movements, others stars.
    for hide in ["X", "*"] {
        let number = format!("5132{}8801", hide.repeat(8));
        for label in [
            format!("FACTURE CARTE DU 030223 LUMAS PARIS CARTE {number}"),
            format!("FACTURE CARTE DU 061023 LUMAS CARTE {number} FRA 27,15EUR"),
            format!("FACTURE CARTE DU 140923 LUMAS LYON CARTE 5132{}", hide.repeat(5)),
            format!("CB LUMAS 000{number} FRA 27,15EUR"),
        ] {
            check(&label, Kind::Card, "LUMAS");
        }
    }
}

#[test]
fn french_bank_labels() {
    check("FACTURE CARTE DU 140923 FRANPRIX LYON CARTE 5132*****", Kind::Card, "FRANPRIX");
    check("FACTURE CARTE DU 211122 CARREFOUR CITY LYON 3 CARTE 5", Kind::Card, "CARREFOUR CITY");
    check("FACTURE CARTE DU 081222 SNCF INTERNET LILLE CEDEX 1 CA", Kind::Card, "SNCF INTERNET");
    check(
        "FACTURE CARTE DU 051023 ESSO VERTOU VERTOU44120 / CARTE 5132********8801",
        Kind::Card,
        "ESSO VERTOU VERTOU",
    );
    check(
        "FACTURE CARTE DU 061023 CARREFOURMARKET CARTE 5132********8801 FRA 27,15EUR",
        Kind::Card,
        "CARREFOURMARKET",
    );
    check(
        "FACTURE CARTE DU 030223 SC-CAFE MARCEL PARIS CARTE 5132********8801",
        Kind::Card,
        "CAFE MARCEL",
    );
    check("CB DEBIT IMMEDIAT PAUL'S TAVERN", Kind::Card, "PAUL'S TAVERN");
    check("PAIEMENT PAR CARTE X1234 LIDL 1552 NANTES 12/03", Kind::Card, "LIDL");
    check("CB*1234 AMAZON EU", Kind::Card, "AMAZON EU");
    check("PRLV SEPA FREE TELECOM ECH/150923 ID EMETTEUR/FR12", Kind::DirectDebit, "FREE TELECOM");
    check(
        "PRLV SEPA MEUNIER FRERES S.A.R.L. ET CIE S.C.A ECH/",
        Kind::DirectDebit,
        "MEUNIER FRERES S.A.R.L. ET CIE S.C.A",
    );
    check(
        "VIR SEPA RECU /DE COVOIT /MOTIF TRAJET REF: V111222333 /REF V111222333",
        Kind::Transfer,
        "COVOIT",
    );
    check(
        "VIREMENT SEPA EMIS /MOTIF LOYER MARS /BEN AGENCE DU PORT",
        Kind::Transfer,
        "AGENCE DU PORT",
    );
    check("VIREMENT FAVEUR TIERS VR. PERMANENT LOYER MOULIN", Kind::Transfer, "LOYER MOULIN");
    check("VIREMENT SALAIRE", Kind::Transfer, "SALAIRE");
    check(
        "RETRAIT DAB 17/09/23 18H05 01234567 CREDIT DU PHARE",
        Kind::Withdrawal,
        "CREDIT DU PHARE",
    );
    check("*FRAIS BOURSORAMA CARTE PREM.", Kind::Fee, "BOURSORAMA CARTE PREM.");
    check("REMISE CHEQUES 0012", Kind::Deposit, "REMISE CHEQUES");
}

#[test]
fn english_and_german_bank_labels() {
    check("CARD PAYMENT TO TESCO STORES 3051 LONDON", Kind::Card, "TESCO STORES");
    check("DIRECT DEBIT PAYMENT TO THAMES WATER REF: 12345", Kind::DirectDebit, "THAMES WATER");
    check("ATM WITHDRAWAL BARCLAYS HIGH ST", Kind::Withdrawal, "BARCLAYS HIGH ST");
    check("Kartenzahlung REWE SAGT DANKE 4711 Berlin", Kind::Card, "REWE SAGT DANKE");
    check(
        "SEPA-Basislastschrift Vodafone GmbH MREF+123 CRED+DE99",
        Kind::DirectDebit,
        "VODAFONE GMBH",
    );
    check("Überweisung Miete SVWZ+Miete März", Kind::Transfer, "MIETE");
}

#[test]
fn who_stands_between_is_named_and_the_merchant_kept() {
    for (label, between, merchant) in [
        ("CB PAYPAL *SPOTIFY 35314369001", "PayPal", "SPOTIFY"),
        ("SUMUP *LE FOURNIL PARIS", "SumUp", "LE FOURNIL"),
        ("SQ *COFFEE SHOP", "Square", "COFFEE SHOP"),
        ("CB DEBIT IMMEDIAT GOOGLE *NOTEPLUS", "Google", "NOTEPLUS"),
    ] {
        let cleaned = clean(label);
        assert_eq!(
            (cleaned.intermediary, cleaned.party.as_str()),
            (Some(between), merchant),
            "{label}"
        );
    }
    assert_eq!(clean("PRLV SEPA PAYPAL EUROPE").intermediary, None);
}

#[test]
fn purposes_are_kept() {
    let cleaned = clean("VIR SEPA RECU /DE TRANSPORTS /MOTIF REMB. CARTE JUILLET /REF 11112222-1");
    assert_eq!(cleaned.memo.as_deref(), Some("REMB. CARTE JUILLET"));
}

#[test]
fn odd_labels_do_no_harm() {
    for label in [
        "",
        " ",
        "-",
        "CB",
        "CARTE",
        "12345678",
        "/DE /MOTIF ",
        "é",
        "VIR /BEN",
        "ſ\u{301}*",
        "****",
    ] {
        let _ = clean(label).key();
    }
    assert_eq!(clean("CAFE DE PARIS").party, "CAFE DE PARIS");
    assert_eq!(clean("HOTEL 7").party, "HOTEL 7");
}
