//! How banks begin a label, by the kind of operation.

use super::Kind;

/// Beginnings, folded, `-` as a space. The longest that fits wins; several may follow one another.
const PREFIXES: &[(Kind, &[&str])] = &[
    (
        Kind::Card,
        &[
            // French
            "FACTURE CARTE DU",
            "FACTURE CARTE",
            "FACTURES CARTE",
            "PAIEMENT PAR CARTE",
            "PAIEMENT CARTE",
            "PAIEMENT CB",
            "PAIEMENT PSC",
            "PAIEMENT SANS CONTACT",
            "ACHAT CB",
            "ACHAT CARTE",
            "ACHAT PAR CARTE",
            "ACHAT INTERNET",
            "CB DEBIT IMMEDIAT",
            "CB DEBIT DIFFERE",
            "CARTE DEBIT IMMEDIAT",
            "CARTE X",
            "CARTE",
            "CB*",
            "CB",
            "PSC",
            "AVOIR CARTE",
            "AVOIR CB",
            "REMBOURSEMENT CB",
            "REMB CB",
            "ANNULATION CARTE",
            "PAIEMENT MOBILE",
            "DEBIT CARTE",
            "OPERATION CARTE",
            "TPE",
            // English
            "CARD PAYMENT TO",
            "CARD PAYMENT",
            "CARD PURCHASE",
            "CARD TRANSACTION",
            "DEBIT CARD PURCHASE",
            "DEBIT CARD PAYMENT",
            "DEBIT PURCHASE",
            "CHECKCARD",
            "CHECK CARD PURCHASE",
            "POS PURCHASE",
            "POS DEBIT",
            "POS",
            "CONTACTLESS PAYMENT",
            "CONTACTLESS",
            "VISA DEBIT",
            "VISA PURCHASE",
            "VISA",
            "MASTERCARD",
            "INTERAC PURCHASE",
            "PURCHASE",
            "RECURRING CARD PAYMENT",
            "RECURRING PAYMENT",
            // German, Dutch
            "KARTENZAHLUNG",
            "EC KARTENZAHLUNG",
            "GIROCARD",
            "KARTENUMSATZ",
            "DEBITKARTENZAHLUNG",
            "VISA KARTENZAHLUNG",
            "BETAALAUTOMAAT",
            "BEA",
            "ECOM",
            "PAIEMENT BANCONTACT",
            "BANCONTACT",
        ],
    ),
    (
        Kind::DirectDebit,
        &[
            "PRLV SEPA",
            "PRLV EUROPEEN",
            "PRLVT SEPA",
            "PRLVT",
            "PRLV",
            "PRELEVEMENT SEPA",
            "PRELEVEMENT EUROPEEN",
            "PRELEVEMENT DE",
            "PRELEVEMENT",
            "PRELEVMNT",
            "PRLV SEPA RECURRENT",
            "PREL SEPA",
            "PREL",
            "DOMICILIATION EUROPEENNE",
            "DOMICILIATION",
            "TIP SEPA",
            "TIP",
            "DIRECT DEBIT PAYMENT TO",
            "DIRECT DEBIT TO",
            "DIRECT DEBIT",
            "SEPA DIRECT DEBIT",
            "DD",
            "PRE AUTHORIZED DEBIT",
            "PREAUTHORIZED DEBIT",
            "SEPA BASISLASTSCHRIFT",
            "SEPA LASTSCHRIFT",
            "FOLGELASTSCHRIFT",
            "LASTSCHRIFT",
            "BASISLASTSCHRIFT",
            "LASTSCHRIFTEINZUG",
            "SEPA INCASSO ALGEMEEN DOORLOPEND",
            "SEPA INCASSO",
            "INCASSO",
        ],
    ),
    (
        Kind::Transfer,
        &[
            "VIR SEPA RECU",
            "VIR SEPA INST",
            "VIR SEPA",
            "VIR INSTANTANE RECU",
            "VIR INSTANTANE EMIS",
            "VIR INSTANTANE",
            "VIR INST RE",
            "VIR INST",
            "VIR RECU",
            "VIR PERMANENT",
            "VIR CPTE A CPTE",
            "VIR DE",
            "VIR",
            "VIRT",
            "VRT",
            "VR. PERMANENT",
            "VR PERMANENT",
            "VIREMENT SEPA EMIS",
            "VIREMENT SEPA RECU",
            "VIREMENT SEPA",
            "VIREMENT FAVEUR TIERS",
            "VIREMENT EN VOTRE FAVEUR",
            "VIREMENT PERMANENT",
            "VIREMENT INSTANTANE EMIS",
            "VIREMENT INSTANTANE RECU",
            "VIREMENT INSTANTANE",
            "VIREMENT EMIS",
            "VIREMENT RECU",
            "VIREMENT DE",
            "VIREMENT A",
            "VIREMENT VERS",
            "VIREMENT",
            "INST",
            "STANDING ORDER",
            "STO",
            "FASTER PAYMENT",
            "FASTER PAYMENTS RECEIPT",
            "FPI",
            "FPO",
            "BANK TRANSFER",
            "TRANSFER TO",
            "TRANSFER FROM",
            "WIRE TRANSFER",
            "WIRE",
            "BACS",
            "BANK GIRO CREDIT",
            "BGC",
            "DIRECT DEPOSIT",
            "INTERAC E TRANSFER",
            "E TRANSFER",
            "SEPA UEBERWEISUNG",
            "SEPA UBERWEISUNG",
            "UEBERWEISUNG",
            "UBERWEISUNG",
            "DAUERAUFTRAG",
            "GUTSCHRIFT",
            "SEPA GUTSCHRIFT",
            "ECHTZEITUEBERWEISUNG",
            "EURO UEBERWEISUNG",
            "OVERBOEKING",
            "SEPA OVERBOEKING",
            "OVERSCHRIJVING",
        ],
    ),
    (
        Kind::Withdrawal,
        &[
            "RETRAIT DAB",
            "RETRAIT GAB",
            "RETRAIT ESPECES",
            "RETRAIT AU DISTRIBUTEUR",
            "RETRAIT CB",
            "RETRAIT CARTE",
            "RETRAIT",
            "DAB",
            "GAB",
            "RET DAB",
            "ATM WITHDRAWAL",
            "ATM",
            "CASH WITHDRAWAL",
            "CASHPOINT",
            "CASH MACHINE",
            "CASH ADVANCE",
            "BARGELDAUSZAHLUNG",
            "BARGELD",
            "GELDAUTOMAT",
            "GELDAUSZAHLUNG",
            "AUSZAHLUNG GELDAUTOMAT",
            "AUSZAHLUNG",
            "GELDOPNAME",
            "GELDAUTOMAAT",
            "GEA",
        ],
    ),
    (
        Kind::Cheque,
        &["CHEQUE EMIS", "PAIEMENT CHEQUE", "CHEQUE", "CHQ", "CHECK PAID", "CHECK", "SCHECK"],
    ),
    (
        Kind::Deposit,
        &[
            "REMISE CHEQUES",
            "REMISE CHEQUE",
            "REMISE DE CHEQUES",
            "REMISE DE CHEQUE",
            "REMISE CHQ",
            "REM CHQ",
            "VERSEMENT ESPECES",
            "DEPOT ESPECES",
            "CASH DEPOSIT",
            "CHEQUE DEPOSIT",
            "MOBILE DEPOSIT",
            "DEPOSIT",
            "BAREINZAHLUNG",
            "EINZAHLUNG",
        ],
    ),
    (
        Kind::Fee,
        &[
            "*FRAIS",
            "FRAIS",
            "COTISATION CARTE",
            "COTISATION BANCAIRE",
            "COTIS CARTE",
            "COTIS",
            "COMMISSION",
            "COMMISSIONS",
            "COM INTERVENTION",
            "COMMISSIONS D INTERVENTION",
            "AGIOS",
            "INTERETS DEBITEURS",
            "ABONNEMENT BANCAIRE",
            "BANK FEE",
            "SERVICE CHARGE",
            "MONTHLY FEE",
            "OVERDRAFT FEE",
            "ATM FEE",
            "ACCOUNT FEE",
            "FOREIGN TRANSACTION FEE",
            "KONTOFUEHRUNG",
            "ENTGELT",
            "ENTGELTABSCHLUSS",
            "GEBUEHR",
            "ABSCHLUSS",
            "KOSTEN",
        ],
    ),
    (
        Kind::Interest,
        &[
            "INTERETS CREDITEURS",
            "INTERETS",
            "REMUNERATION NETTE",
            "REMUNERATION BRUTE",
            "INTEREST PAID",
            "INTEREST EARNED",
            "INTEREST",
            "ZINSEN",
            "HABENZINSEN",
        ],
    ),
    (
        Kind::CardSettlement,
        &[
            "DEBIT DIFFERE",
            "ARRETE CARTE",
            "TOTAL FACTURE CARTE",
            "DEBIT MENSUEL CARTE",
            "RELEVE CARTE",
            "DEPENSES CARTE",
            "FACTURETTES CB",
            "FACTURETTES CARTE",
            "CREDIT CARD PAYMENT",
            "KREDITKARTENABRECHNUNG",
        ],
    ),
];

/// The operation's kind and what follows. The first beginning decides; later ones only make way (`VIREMENT FAVEUR
/// TIERS VR. PERMANENT …`). Nothing is taken that would leave an empty rest.
pub(super) fn strip(folded: &str) -> (Kind, &str) {
    let mut kind = Kind::Unknown;
    let mut rest = folded.trim_start_matches([' ', '-', '.', ':']);
    for _ in 0..3 {
        let Some((found, length)) = longest(rest) else { break };
        let follows = rest[length..].trim_start_matches([' ', '-', ':', '.', ',']);
        if kind == Kind::Unknown {
            kind = found;
        } else if found != kind && !matches!((kind, found), (Kind::Card | Kind::Transfer, _)) {
            break;
        }
        if !follows.chars().any(char::is_alphabetic) {
            break;
        }
        rest = follows;
        if matches!(kind, Kind::Fee | Kind::Interest) {
            break;
        }
    }
    (kind, rest)
}

fn longest(text: &str) -> Option<(Kind, usize)> {
    let mut best = None;
    for (kind, prefixes) in PREFIXES {
        for prefix in *prefixes {
            if best.is_none_or(|(_, length)| prefix.len() > length) && begins(text, prefix) {
                best = Some((*kind, prefix.len()));
            }
        }
    }
    best
}

/// `text` begins with the words of `prefix`; a hyphen stands for a space.
fn begins(text: &str, prefix: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < prefix.len() {
        return false;
    }
    let same =
        prefix.bytes().zip(bytes).all(|(p, &t)| p == t || (p == b' ' && (t == b'-' || t == b'/')));
    let ends = bytes.get(prefix.len()).is_none_or(|next| !next.is_ascii_alphanumeric());
    same && (ends || prefix.ends_with('*'))
}
