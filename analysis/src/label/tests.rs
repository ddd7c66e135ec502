use super::*;

fn check(label: &str, kind: Kind, party: &str) {
    let cleaned = clean(label);
    assert_eq!((cleaned.kind, cleaned.party.as_str()), (kind, party), "{label}");
}

#[test]
fn french_bank_labels() {
    check("FACTURE CARTE DU 040518 FRANPRIX PARIS CARTE 4974XXXXX", Kind::Card, "FRANPRIX");
    check("FACTURE CARTE DU 180618 CARREFOUR CITY PARIS 9 CARTE 4", Kind::Card, "CARREFOUR CITY");
    check("FACTURE CARTE DU 170618 SNCF INTERNET PARIS CEDEX 0 CA", Kind::Card, "SNCF INTERNET");
    check(
        "FACTURE CARTE DU 190120 ESSO BEGLES BEGLES32015 / CARTE 4974XXXXXXXX2335",
        Kind::Card,
        "ESSO BEGLES BEGLES",
    );
    check(
        "FACTURE CARTE DU 200120 CARREFOURMARKET CARTE 4974XXXXXXXX2335 FRA 30,40EUR",
        Kind::Card,
        "CARREFOURMARKET",
    );
    check(
        "FACTURE CARTE DU 010119 SC-CAFE CHERI PARIS CARTE 4974XXXXXXXX2335",
        Kind::Card,
        "CAFE CHERI",
    );
    check("CB DEBIT IMMEDIAT HALL'S BEER", Kind::Card, "HALL'S BEER");
    check("PAIEMENT PAR CARTE X1234 LIDL 1552 NANTES 12/03", Kind::Card, "LIDL");
    check("CB*1234 AMAZON EU", Kind::Card, "AMAZON EU");
    check("PRLV SEPA FREE TELECOM ECH/070518 ID EMETTEUR/FR83", Kind::DirectDebit, "FREE TELECOM");
    check(
        "PRLV SEPA PAYPAL EUROPE S.A.R.L. ET CIE S.C.A ECH/",
        Kind::DirectDebit,
        "PAYPAL EUROPE S.A.R.L. ET CIE S.C.A",
    );
    check(
        "VIR SEPA RECU /DE COMUTO /MOTIF BLABLACAR REF: V274586002 /REF V274586002",
        Kind::Transfer,
        "COMUTO",
    );
    check(
        "VIREMENT SEPA EMIS /MOTIF REGUL LOYER /BEN EUROPEAN CONSULT",
        Kind::Transfer,
        "EUROPEAN CONSULT",
    );
    check("VIREMENT FAVEUR TIERS VR. PERMANENT LOYER DOUILLET", Kind::Transfer, "LOYER DOUILLET");
    check("VIREMENT SALAIRE", Kind::Transfer, "SALAIRE");
    check(
        "RETRAIT DAB 06/05/18 12H42 04936501 SOCIETE MARSEILL",
        Kind::Withdrawal,
        "SOCIETE MARSEILL",
    );
    check("*FRAIS BOURSORAMA PROTEC. MONO", Kind::Fee, "BOURSORAMA PROTEC. MONO");
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
        ("CB DEBIT IMMEDIAT GOOGLE *BUDGEA", "Google", "BUDGEA"),
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
    let cleaned = clean("VIR SEPA RECU /DE COMUTITRES /MOTIF REMB. NAVIGO GREVE /REF 16052115-1");
    assert_eq!(cleaned.memo.as_deref(), Some("REMB. NAVIGO GREVE"));
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
