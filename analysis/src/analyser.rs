//! What one transaction means: the user's rules first, then the dictionary, then what the bank's label says of itself,
//! then the text model; below the threshold it stays `uncategorized`.

use crate::{
    category::{self, UNCATEGORIZED},
    dictionary,
    label::{Cleaned, Kind, clean},
    model,
    rule::{Ready, Rule},
    text::fold,
};
use quittance_domain::{
    i18n::Text,
    transaction::{Analysis, Label, LabelSource, Origin, Transaction},
};

/// Below this probability the text model's word does not count.
pub const THRESHOLD: f32 = 0.5;

/// Analyses transactions one by one. Made once for a batch; cheap to call.
#[derive(Clone, Debug)]
pub struct Analyser {
    rules: Vec<Ready>,
}

/// Everything known about a transaction before it is decided.
struct Facts<'a> {
    one: &'a Transaction,
    label: String,
    counterparty: String,
    cleaned: Cleaned,
    hit: Option<dictionary::Hit>,
}

impl Analyser {
    /// With these rules of the user, in any order.
    #[must_use]
    pub fn new(rules: &[Rule]) -> Self {
        Self { rules: Ready::all(rules) }
    }

    /// Merchant and category, each with source, confidence and explanation.
    #[must_use]
    pub fn analyse(&self, one: &Transaction) -> Analysis {
        let facts = Facts::of(one);
        let merchant = self.merchant(&facts);
        let category = self.category(&facts);
        let known = category::category(&category.value).filter(|known| known.slug != UNCATEGORIZED);
        Analysis {
            merchant,
            plaid_category: known.map(|known| plaid(known, one).to_owned()),
            mcc: known.and_then(|known| known.mcc).map(str::to_owned),
            category,
        }
    }

    /// The first rule that holds and sets what `label` looks for.
    fn rule(&self, facts: &Facts<'_>, label: fn(&Rule) -> Option<&String>) -> Option<Label> {
        self.rules.iter().find_map(|ready| {
            let value = label(&ready.rule)?;
            ready.holds(facts.one, &facts.label, &facts.counterparty).then(|| {
                let name = &ready.rule.name;
                let why =
                    Text::new(format!("Votre règle « {name} »"), format!("Your rule “{name}”"));
                Label::new(value, LabelSource::UserRule, 1.0, why)
            })
        })
    }

    fn merchant(&self, facts: &Facts<'_>) -> Option<Label> {
        if let Some(label) = self.rule(facts, |rule| rule.then.merchant.as_ref()) {
            return Some(label);
        }
        let via = |why: Text| match facts.cleaned.intermediary {
            Some(name) => Text::new(
                format!("{}, payé par {name}", why.fr),
                format!("{}, paid through {name}", why.en),
            ),
            None => why,
        };
        if let Some(hit) = facts.hit.filter(|_| facts.names_a_merchant()) {
            let why = via(Text::new(
                format!("« {} » est dans le dictionnaire des enseignes", facts.cleaned.party),
                format!("“{}” is in the dictionary of merchants", facts.cleaned.party),
            ));
            let (name, confidence) = (hit.merchant.name, hit.confidence);
            return Some(Label::new(name, LabelSource::Dictionary, confidence, why));
        }
        if let Some(name) =
            facts.one.counterparty.as_deref().map(str::trim).filter(|name| !name.is_empty())
        {
            let why = Text::new("Nommé par le document", "Named by the document");
            return Some(Label::new(name, LabelSource::Document, 0.8, why));
        }
        let named = facts.names_a_merchant() && facts.cleaned.kind != Kind::Transfer;
        if !named || facts.cleaned.party.chars().filter(|c| c.is_alphabetic()).count() < 2 {
            return None;
        }
        let why = via(Text::new("Lu dans le libellé", "Read in the label"));
        Some(Label::new(facts.cleaned.name(), LabelSource::Document, 0.6, why))
    }

    fn category(&self, facts: &Facts<'_>) -> Label {
        if let Some(label) = self.rule(facts, |rule| rule.then.category.as_ref()) {
            return label;
        }
        // Cash is cash, whichever bank's machine it came from; a fee is a fee.
        if let Some(label) = operation(facts) {
            return label;
        }
        if let Some(hit) = facts.hit {
            let known = category::category(hit.merchant.category);
            let why = Text::new(
                format!("{} : {}", hit.merchant.name, known.map_or("", |known| known.fr)),
                format!("{}: {}", hit.merchant.name, known.map_or("", |known| known.en)),
            );
            let slug = by_sign(hit.merchant.category, facts.one);
            return Label::new(slug, LabelSource::Dictionary, hit.confidence, why);
        }
        // A shop's paper tells of goods, also where their price came back.
        let paper = matches!(facts.one.origin, Origin::Receipt | Origin::Invoice);
        let minor = facts.one.amount.minor.0;
        let minor = if paper { minor.saturating_abs().saturating_neg() } else { minor };
        if let Some(guess) = model::guess(&facts.cleaned, minor)
            && guess.probability >= THRESHOLD
        {
            let seen = guess.evidence.join(", ");
            let why = Text::new(
                format!("Les mots du libellé le font penser : {seen}"),
                format!("Words of the label speak for it: {seen}"),
            );
            return Label::new(guess.category, LabelSource::Model, guess.probability, why);
        }
        rest(facts)
    }
}

/// Categories that the bank itself prints: withdrawals, cheques, fees.
fn operation(facts: &Facts<'_>) -> Option<Label> {
    let (slug, french, english) = match facts.cleaned.kind {
        Kind::Withdrawal => ("cash", "un retrait d'espèces", "a cash withdrawal"),
        Kind::Cheque => ("cheque", "un chèque", "a cheque"),
        Kind::Deposit => ("cheque_deposit", "une remise", "a deposit"),
        Kind::Fee => ("bank_fees", "des frais de la banque", "a fee of the bank"),
        Kind::Interest if facts.one.amount.minor.0 > 0 => ("interest", "des intérêts", "interest"),
        Kind::Interest => ("bank_fees", "des intérêts débiteurs", "interest charged"),
        Kind::CardSettlement => {
            ("card_settlement", "un débit différé de carte", "a card settlement")
        }
        Kind::Card | Kind::DirectDebit | Kind::Transfer | Kind::Unknown => return None,
    };
    let why = Text::new(
        format!("La banque écrit que c'est {french}"),
        format!("The bank writes that it is {english}"),
    );
    Some(Label::new(slug, LabelSource::Document, 0.95, why))
}

/// Neither rule nor dictionary nor words decide.
fn rest(facts: &Facts<'_>) -> Label {
    if facts.cleaned.kind == Kind::Transfer {
        let incoming = facts.one.amount.minor.0 > 0;
        let slug = if incoming { "transfer_in" } else { "transfer_out" };
        let why = Text::new(
            "Un virement dont rien ne dit l'objet",
            "A transfer, and nothing says what for",
        );
        return Label::new(slug, LabelSource::Document, 0.6, why);
    }
    let why =
        Text::new("Rien dans le libellé ne permet de décider", "Nothing in the label decides it");
    Label::new(UNCATEGORIZED, LabelSource::None, 0.0, why)
}

impl<'a> Facts<'a> {
    fn of(one: &'a Transaction) -> Self {
        let cleaned = clean(&one.label);
        let counterparty = fold(one.counterparty.as_deref().unwrap_or(""));
        let hit = dictionary::find(&cleaned.party).or_else(|| {
            (!counterparty.is_empty()).then(|| dictionary::find(&counterparty)).flatten()
        });
        Self { one, label: fold(&one.label), counterparty, cleaned, hit }
    }

    /// Whether a merchant can be behind such an operation at all.
    fn names_a_merchant(&self) -> bool {
        self.one.origin != Origin::Statement
            || matches!(
                self.cleaned.kind,
                Kind::Card | Kind::DirectDebit | Kind::Transfer | Kind::Unknown
            )
    }
}

/// A transfer's direction is the amount's; a tax office that pays back is a refund.
fn by_sign(slug: &'static str, one: &Transaction) -> &'static str {
    let incoming = one.amount.minor.0 > 0;
    match slug {
        "transfer_out" if incoming => "transfer_in",
        "taxes" if incoming => "tax_refund",
        // Somebody who pays contributions to a benefits office is not paid by it.
        "benefits" | "unemployment" | "pension" if !incoming => "taxes",
        other => other,
    }
}

/// Plaid tells incoming from outgoing moves of money; we do by the sign.
fn plaid(known: &category::Category, one: &Transaction) -> &'static str {
    let incoming = one.amount.minor.0 > 0;
    match known.slug {
        "savings" if incoming => "TRANSFER_IN_SAVINGS",
        "investment" if incoming => "TRANSFER_IN_INVESTMENT_AND_RETIREMENT_FUNDS",
        "loan" | "mortgage" if incoming => "LOAN_DISBURSEMENTS_OTHER_DISBURSEMENT",
        _ => known.plaid,
    }
}

#[cfg(test)]
mod tests;
