//! Rows that say a sum or a balance instead of a movement.

use super::words::fold;

/// What sums and balances are called, folded.
const BEGINNINGS: [&str; 26] = [
    "total",
    "totaux",
    "sous total",
    "summe",
    "totaal",
    "suma",
    "solde au",
    "solde en",
    "solde initial",
    "solde final",
    "solde precedent",
    "solde crediteur",
    "solde debiteur",
    "solde comptable",
    "ancien solde",
    "nouveau solde",
    "opening balance",
    "closing balance",
    "balance brought",
    "balance carried",
    "anfangssaldo",
    "endsaldo",
    "kontostand",
    "saldo inicial",
    "saldo final",
    "saldo anterior",
];

/// Those that shops are called as well: petrol stations, supermarkets.
const SHOPS: [&str; 2] = ["total", "suma"];

/// What a sum may be of.
const OF: &str = "debit debits credit credits debiteur debiteurs crediteur crediteurs general generaux generale mouvement mouvements \
    operation operations ecriture ecritures depense depenses recette recettes sortie sorties entree entrees retrait retraits versement \
    versements virement virements prelevement prelevements frais compte comptes periode mois page solde soldes initial final comptable \
    precedent euro euros eur movements transactions payments deposits withdrawals charges fees balance out in paid general \
    forward down soll haben umsatze ausgaben einnahmen bij af cargos abonos movimientos gastos ingresos";

/// Those of them that stand beside a number on a receipt as well: "TOTAL 4123 45,00 EUR" is a payment.
const WEAK: &str = "eur euro euros compte page frais";

/// Words between, and months.
const BESIDE: &str = "a au aux du de des d la le l les en et the of as at on per am zum vom al el del \
    janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre \
    january february march april may june july august september october november december \
    januar februar marz juni juli oktober dezember enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre";

/// What a label says of its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sum {
    /// A movement, for all the label says.
    No,
    /// A sum, or a shop of that name.
    Perhaps,
    /// A sum or a balance.
    Surely,
}

fn among(words: &str, word: &str) -> bool {
    words.split_ascii_whitespace().any(|w| w == word)
}

/// Where a label begins like a sum: whether shops are called so too, and the rest.
fn beginning(folded: &str) -> Option<(bool, &str)> {
    let behind = |beginning: &str| {
        folded.strip_prefix(beginning).filter(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    // The longest, so that no part of one is taken for what it is of.
    let longest =
        BEGINNINGS.iter().filter(|b| behind(b).is_some()).max_by_key(|b| b.len()).copied()?;
    Some((SHOPS.contains(&longest), behind(longest)?))
}

fn number(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_digit())
}

fn known(word: &str) -> bool {
    among(OF, word) || among(BESIDE, word) || number(word)
}

/// Judges a label that stands beside a date and an amount: each of its words must be one that sums are made of, since
/// a booked payment must never be left out.
pub(super) fn sum(label: &str) -> Sum {
    let folded = fold(label);
    let Some((shop, rest)) = beginning(&folded) else { return Sum::No };
    if rest.is_empty() {
        return if shop { Sum::Perhaps } else { Sum::Surely };
    }
    let words = || rest.split_ascii_whitespace();
    let numbered = words().any(number);
    let of_something = words().any(|word| among(OF, word) && !(numbered && among(WEAK, word)));
    if words().all(known) && (of_something || !shop) { Sum::Surely } else { Sum::No }
}

/// Whether a row without a date or an amount says a sum or a balance. What shops are called too must have nothing
/// behind it but words of sums, as beside an amount; a month is enough here.
pub(super) fn summary(text: &str) -> bool {
    let folded = fold(text);
    let Some((shop, rest)) = beginning(&folded) else { return false };
    let of_months = || rest.split_ascii_whitespace().all(|word| known(word) && !number(word));
    !shop || of_months() || sum(text) != Sum::No
}

/// The money of the rows read so far, in one account's and currency's minor units: rows and sum of everything, of
/// money in, of money out.
#[derive(Debug, Default)]
pub(super) struct Running([(usize, i128); 3]);

impl Running {
    pub(super) fn add(&mut self, minor: i64) {
        let parts = [true, minor > 0, minor < 0];
        for ((rows, sum), counts) in self.0.iter_mut().zip(parts) {
            if counts {
                *rows += 1;
                *sum += i128::from(minor);
            }
        }
    }

    /// Whether that is what at least two rows come to: everything, money in, or money out, whose sum is often written
    /// without its sign.
    pub(super) fn come_to(&self, minor: i64) -> bool {
        let minor = i128::from(minor);
        let [all, money_in, money_out] = self.0;
        let proven = |(rows, sum): (usize, i128), is: i128| rows > 1 && sum == is;
        proven(all, minor) || proven(money_in, minor) || proven(money_out, -minor.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_is_no_sum() {
        for label in [
            "TOTAL ACCESS",
            "TOTAL 4123",
            "TOTAL 4123 45,00 EUR",
            "TOTAL 12/01 EUR",
            "Total Wine",
            "TOTAL ENERGIES PARIS",
            "TOTAL DIRECT ENERGIE",
            "TOTALENERGIES",
            "Total de Lyon",
            "SUMA BARCELONA",
            "SOLDE AU COMPTOIR DES TISSUS",
            "SOLDE EN LIGNE SARENZA",
            "KONTOSTAND GMBH",
            "CB TOTAL",
            "",
        ] {
            assert_eq!(sum(label), Sum::No, "{label}");
        }
        for label in ["Total", "TOTAL :", "suma"] {
            assert_eq!(sum(label), Sum::Perhaps, "{label}");
        }
        for label in [
            "Total débit",
            "TOTAL GÉNÉRAL",
            "Total des mouvements",
            "Total des opérations du mois de mars 2024",
            "Total EUR",
            "Totaux",
            "Sous-total",
            "Summe",
            "Ancien solde au 30/01",
            "SOLDE AU 31 DECEMBRE 2023",
            "Solde créditeur au 31.01.2024",
            "Nouveau solde en euros",
            "Balance brought forward",
            "Kontostand am 31.12.2023",
        ] {
            assert_eq!(sum(label), Sum::Surely, "{label}");
            assert!(summary(label), "{label}");
        }
    }

    #[test]
    fn one_row_is_no_proof() {
        let mut running = Running::default();
        running.add(-5000);
        assert!(!running.come_to(-5000));
        running.add(2000);
        for (minor, adds_up) in [(-3000, true), (3000, false), (5000, false), (2000, false)] {
            assert_eq!(running.come_to(minor), adds_up, "{minor}");
        }
        running.add(-1000);
        running.add(500);
        for (minor, adds_up) in
            [(-6000, true), (6000, true), (2500, true), (-2500, false), (-3500, true)]
        {
            assert_eq!(running.come_to(minor), adds_up, "{minor}");
        }
    }

    #[test]
    fn a_row_without_a_date_is_a_sum_by_its_words() {
        for label in ["TOTAL ACCESS", "TOTAL 4123", "SUMA BARCELONA", "CB CARREFOUR"] {
            assert!(!summary(label), "{label}");
        }
        for label in ["Total", "Total mars", "Total du mois de mars 2024", "Solde au comptoir"] {
            assert!(summary(label), "{label}");
        }
    }
}
