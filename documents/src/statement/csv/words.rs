//! What headers are called, in French, English, German, Dutch and Spanish.

use super::ColumnRole;
use crate::statement::unit::unit_currency;
use quittance_domain::money::Currency;

/// What a header cell says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Header {
    pub(super) role: ColumnRole,
    /// Smaller is preferred where several columns have the role.
    pub(super) rank: u8,
    /// 0 to 1.
    pub(super) confidence: f32,
    /// `Débit euros`, `Amount (USD)`.
    pub(super) currency: Option<Currency>,
    /// In a language of day before month.
    pub(super) continental: bool,
}

type Words = (ColumnRole, u8, &'static str);

/// Role, rank, names divided by `|`. Names are folded: no accents, no punctuation.
const WORDS: [Words; 29] = [
    (
        ColumnRole::Date,
        1,
        "date de comptabilisation|date comptabilisation|date comptable|booking date|posting date|posted date|post date|completed date|buchungstag|buchungsdatum|buchung|boekingsdatum|boekdatum|fecha contable|fecha de contabilizacion",
    ),
    (
        ColumnRole::Date,
        2,
        "date operation|date de l operation|date d operation|date de operation|date op|dateop|date transaction|date de transaction|date de la transaction|date ecriture|transaction date|transactiedatum|fecha operacion|fecha de operacion|fecha de la operacion|f operacion|date of transaction",
    ),
    (ColumnRole::Date, 3, "date|datum|fecha|datetime|date time|date heure|posted"),
    (
        ColumnRole::ValueDate,
        1,
        "date valeur|date de valeur|dateval|value date|valeur|wertstellung|wertstellungsdatum|valutadatum|valuta datum|valuta|rentedatum|fecha valor|fecha de valor|f valor",
    ),
    (
        ColumnRole::Amount,
        1,
        "montant|montant operation|montant de l operation|montant de la transaction|montant net|amount|net amount|net|transaction amount|amount total|betrag|bedrag|importe|importe de la operacion|monto|umsatz betrag",
    ),
    (ColumnRole::Amount, 2, "gross|umsatz|cantidad"),
    (
        ColumnRole::Debit,
        1,
        "debit|debits|montant debit|debit amount|soll|debe|cargo|cargos|af|uitgaven|ausgaben|withdrawal|withdrawals|money out|paid out|sorties|depenses|debit montant|belastung",
    ),
    (
        ColumnRole::Credit,
        1,
        "credit|credits|montant credit|credit amount|haben|haber|abono|abonos|bij|inkomsten|einnahmen|deposit|deposits|money in|paid in|entrees|recettes|credit montant|gutschrift",
    ),
    (
        ColumnRole::Direction,
        1,
        "sens|sens operation|direction|debit credit|d c|dc|cr dr|dr cr|af bij|bij af|soll haben|s h|debit credit indicator|credit debit|signe|sign",
    ),
    (
        ColumnRole::Direction,
        9,
        "type|transaction type|type operation|type d operation|type de transaction|tipo",
    ),
    (
        ColumnRole::Label,
        1,
        "libelle|libelle operation|libelle de l operation|libelle simplifie|libelle complet|libelle complet operation|libelles|details du mouvement|detail du mouvement|description|description 1|description 2|description 3|description1|description2|description3|beschreibung|label|details|detail|communication|communications|intitule|motif|verwendungszweck|vorgang verwendungszweck|buchungstext|omschrijving|omschrijving 1|omschrijving 2|omschrijving 3|mededelingen|mededeling|concepto|descripcion|observaciones|memo|note|narrative|payment reference|payment details|particulars|text|texte|vorgang|informations complementaires|detail de l ecriture|detail operation|original description|nature de l operation|nature operation|details operation|comunicacion",
    ),
    (
        ColumnRole::Counterparty,
        1,
        "payee|name|nom|partner name|beneficiaire|tiers|contrepartie|counterparty|counterparty name|nom contrepartie|nom de la contrepartie|nom contrepartie contient|beguenstigter zahlungspflichtiger|auftraggeber empfanger|auftraggeber empfaenger|empfanger|empfaenger|beguenstigter|begunstigter|auftraggeber|zahlungsempfanger|zahlungsempfaenger|zahlungsempfanger in|zahlungspflichtiger|zahlungspflichtige r|name zahlungsbeteiligter|naam|naam tegenpartij|naam omschrijving|beneficiario|ordenante|merchant|merchant name|commercant|supplierfound",
    ),
    (
        ColumnRole::CounterpartyAccount,
        1,
        "tegenrekening|tegenrekening iban bban|partner iban|rekening tegenpartij|kontonummer iban|kontonummer|iban zahlungsbeteiligter|gegenkonto|compte contrepartie|compte beneficiaire|compte du beneficiaire|iban contrepartie|iban beneficiaire|account number|counterparty account|counterparty iban|cuenta beneficiario|cuenta contraria",
    ),
    (
        ColumnRole::Account,
        1,
        "auftragskonto|iban auftragskonto|compte|numero de compte|numero compte|n compte|n de compte|accountnum|account|account name|rekening|rekeningnummer|iban bban|cuenta|konto|eigen rekening",
    ),
    (ColumnRole::Account, 2, "iban"),
    (
        ColumnRole::Currency,
        1,
        "devise|currency|wahrung|waehrung|munt|muntsoort|ccy|divisa|moneda|monnaie|devise operation",
    ),
    (
        ColumnRole::Balance,
        1,
        "solde|balance|saldo|kontostand|running balance|accountbalance|solde apres operation|saldo nach buchung|saldo na trn|saldo na mutatie|balance after|nouveau solde",
    ),
    (
        ColumnRole::BankId,
        1,
        "transaction id|transactionid|id transaction|identifiant|identifiant operation|operation id|volgnr|id operation",
    ),
    (ColumnRole::BankId, 2, "id|numero d operation|numero operation|n operation"),
    (
        ColumnRole::Reference,
        1,
        "reference|ref|references|reference operation|numero de cheque|numero cheque|n cheque|check number|cheque|cheque number|kundenreferenz end to end|kundenreferenz|end to end reference|referencia|kenmerk|betalingskenmerk|invoice number",
    ),
    (
        ColumnRole::Category,
        1,
        "categorie|category|kategorie|categoria|rubrique|categorie operation",
    ),
    (ColumnRole::Status, 1, "status|statut|etat|state|estado"),
    (ColumnRole::Status, 2, "info"),
    (
        ColumnRole::Fee,
        1,
        "fee|fees|frais|commission|commissions|amount fee|gebuhr|gebuehr|comision",
    ),
    (
        ColumnRole::Ignore,
        1,
        "time|time zone|heure|product|produit|started date|sous categorie|sous categorie operation|categoryparent|sub category|subcategory|comment|commentaire|commentaire operation|pointage operation|pointage|labels|notes|accountlabel|code|bic|bic swift code|mutatiesoort|glaubiger id|glaeubiger id|mandatsreferenz|sammlerreferenz|lastschrift ursprungsbetrag|auslagenersatz rucklastschrift|receipt id|balance date",
    ),
    // Orders and securities: money, but not a bank's movement.
    (
        ColumnRole::Amount,
        7,
        "item total|total|total price|price|prix|item subtotal|purchase price per unit|list price per unit|market value|cost basis|valeur de marche",
    ),
    (ColumnRole::Date, 7, "order date|open date|date de commande|invoice date"),
    (ColumnRole::Label, 7, "title|titre|item title|article"),
    (ColumnRole::Ignore, 7, "quantity|quantite|holding period|gain loss|gain loss $"),
];

/// Lower case, no accents, words divided by one space.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'à' | 'á' | 'â' | 'ä' => folded.push('a'),
            'é' | 'è' | 'ê' | 'ë' => folded.push('e'),
            'î' | 'ï' | 'í' => folded.push('i'),
            'ô' | 'ö' | 'ó' => folded.push('o'),
            'ù' | 'û' | 'ü' | 'ú' => folded.push('u'),
            'ç' => folded.push('c'),
            'ñ' => folded.push('n'),
            'ß' => folded.push_str("ss"),
            '€' | '$' | '£' => {
                folded.push(' ');
                folded.push(c);
                folded.push(' ');
            }
            c if c.is_alphanumeric() => folded.push(c),
            _ => folded.push(' '),
        }
    }
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What this header cell says; `None` for a word nobody knows.
pub(super) fn header(cell: &str) -> Option<Header> {
    if cell.is_empty() || cell.len() > 60 {
        return None;
    }
    let folded = fold(cell);
    let (name, currency) = currency_suffix(&folded);
    let (role, rank, _) =
        WORDS.iter().find(|(.., words)| words.split('|').any(|w| w == name || w == folded))?;
    Some(Header {
        role: *role,
        rank: *rank,
        confidence: if *rank >= 7 { 0.4 } else { 0.95 },
        currency,
        continental: name.split(' ').any(|word| CONTINENTAL.contains(&word)),
    })
}

/// Words of languages that write the day before the month.
const CONTINENTAL: [&str; 24] = [
    "montant",
    "libelle",
    "valeur",
    "dateop",
    "dateval",
    "devise",
    "solde",
    "betrag",
    "buchung",
    "buchungstag",
    "buchungsdatum",
    "datum",
    "waehrung",
    "wahrung",
    "verwendungszweck",
    "saldo",
    "bedrag",
    "omschrijving",
    "munt",
    "tegenrekening",
    "fecha",
    "importe",
    "concepto",
    "divisa",
];

fn currency_suffix(folded: &str) -> (&str, Option<Currency>) {
    let Some((name, last)) = folded.rsplit_once(' ') else { return (folded, None) };
    let currency = match last {
        "francs" => "FRF".parse().ok(),
        other => unit_currency(other),
    };
    match currency {
        Some(_) => (name.strip_suffix(" en").unwrap_or(name), currency),
        None => (folded, None),
    }
}

/// How many cells are known headers, a date among them; 0 for a row that is no header.
pub(super) fn known(cells: &[String]) -> usize {
    // A statement has tens of columns; a line of thousands of cells is none.
    let found: Vec<Header> = cells.iter().take(256).filter_map(|c| header(c)).collect();
    let dated = found.iter().any(|h| matches!(h.role, ColumnRole::Date | ColumnRole::ValueDate));
    if dated && found.len() >= 2 { found.len() } else { 0 }
}

/// Debit (`true`) or credit, as a direction column writes it.
pub(super) fn direction(cell: &str) -> Option<bool> {
    match cell.trim() {
        "-" => return Some(true),
        "+" => return Some(false),
        _ => {}
    }
    match fold(cell).as_str() {
        "debit" | "d" | "dr" | "db" | "dbit" | "af" | "s" | "soll" | "debe" | "cargo" | "out"
        | "sortie" | "depense" => Some(true),
        "credit" | "c" | "cr" | "crdt" | "bij" | "h" | "haben" | "haber" | "abono" | "in"
        | "entree" | "recette" => Some(false),
        _ => None,
    }
}

/// What a status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Booked,
    Pending,
    /// It never came about.
    Void,
}

pub(super) fn status(cell: &str) -> Status {
    let folded = fold(cell);
    let any = |words: &[&str]| words.iter().any(|w| folded.contains(w));
    if any(&[
        "reverted", "declined", "failed", "cancel", "rejected", "refus", "annule", "expired",
        "denied", "echoue", "rejet", "stornier", "abgelehn", "anulad", "rechaz", "retourn",
        "geweiger",
    ]) {
        Status::Void
    } else if any(&[
        "pending",
        "vorgemerkt",
        "attente",
        "a venir",
        "en cours",
        "pendiente",
        "in behandeling",
        "authorised",
        "ausstehend",
        "non comptabilis",
    ]) {
        Status::Pending
    } else {
        Status::Booked
    }
}
