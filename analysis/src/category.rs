//! The categories: our slugs, their names, and what Plaid's `PFCv2` taxonomy and ISO 18245 call them.
//!
//! Slugs are stable: they are stored and used in users' rules. The receipts' own categories are among them.

/// What a transaction can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Category {
    /// Our name, as stored and on the wire.
    pub slug: &'static str,
    /// For people, French.
    pub fr: &'static str,
    /// For people, English.
    pub en: &'static str,
    /// Detailed category of Plaid's `PFCv2`.
    pub plaid: &'static str,
    /// Merchant category code that fits the category as a whole; none where no merchant is involved.
    pub mcc: Option<&'static str>,
    /// What summaries count it as.
    pub flow: Flow,
}

/// Which side of a summary a category belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Money earned.
    Income,
    /// Money spent; a credit in it is a refund.
    Spending,
    /// Money that only changed its place: between own accounts, to savings, as cash.
    Neutral,
}

/// The slug of what is not known.
pub const UNCATEGORIZED: &str = "uncategorized";

const fn of(
    slug: &'static str,
    fr: &'static str,
    en: &'static str,
    plaid: &'static str,
    mcc: &'static str,
) -> Category {
    let mcc = if mcc.is_empty() { None } else { Some(mcc) };
    Category { slug, fr, en, plaid, mcc, flow: Flow::Spending }
}

const fn income(
    slug: &'static str,
    fr: &'static str,
    en: &'static str,
    plaid: &'static str,
) -> Category {
    Category { slug, fr, en, plaid, mcc: None, flow: Flow::Income }
}

const fn neutral(
    slug: &'static str,
    fr: &'static str,
    en: &'static str,
    plaid: &'static str,
) -> Category {
    Category { slug, fr, en, plaid, mcc: None, flow: Flow::Neutral }
}

/// All of them. French, English, Plaid, MCC.
#[rustfmt::skip]
pub const CATEGORIES: &[Category] = &[
    of("groceries", "Alimentation", "Groceries", "FOOD_AND_DRINK_GROCERIES", "5411"),
    of("restaurant", "Restaurants", "Restaurants", "FOOD_AND_DRINK_RESTAURANT", "5812"),
    of("fast_food", "Restauration rapide", "Fast food", "FOOD_AND_DRINK_FAST_FOOD", "5814"),
    of("bars_cafes", "Bars et cafés", "Bars and cafés", "FOOD_AND_DRINK_COFFEE", "5813"),
    of("alcohol", "Caves et alcools", "Wine and liquor", "FOOD_AND_DRINK_BEER_WINE_AND_LIQUOR", "5921"),
    of("shopping", "Achats divers", "Shopping", "GENERAL_MERCHANDISE_OTHER_GENERAL_MERCHANDISE", "5399"),
    of("online_shopping", "Achats en ligne", "Online shopping", "GENERAL_MERCHANDISE_ONLINE_MARKETPLACES", "5964"),
    of("clothing", "Habillement", "Clothing", "GENERAL_MERCHANDISE_CLOTHING_AND_ACCESSORIES", "5651"),
    of("electronics", "Électronique et multimédia", "Electronics", "GENERAL_MERCHANDISE_ELECTRONICS", "5732"),
    of("books_media", "Livres, musique et presse", "Books, music and press", "GENERAL_MERCHANDISE_BOOKSTORES_AND_NEWSSTANDS", "5942"),
    of("gifts", "Fleurs et cadeaux", "Flowers and gifts", "GENERAL_MERCHANDISE_GIFTS_AND_NOVELTIES", "5947"),
    of("toys", "Jouets", "Toys", "GENERAL_MERCHANDISE_OTHER_GENERAL_MERCHANDISE", "5945"),
    of("pets", "Animaux", "Pets", "GENERAL_MERCHANDISE_PET_SUPPLIES", "5995"),
    of("tobacco", "Tabac", "Tobacco", "GENERAL_MERCHANDISE_TOBACCO_AND_VAPE", "5993"),
    of("sport", "Articles de sport", "Sporting goods", "GENERAL_MERCHANDISE_SPORTING_GOODS", "5941"),
    of("home", "Maison, bricolage et jardin", "Home, DIY and garden", "HOME_IMPROVEMENT_HARDWARE", "5200"),
    of("furniture", "Meubles et décoration", "Furniture", "HOME_IMPROVEMENT_FURNITURE", "5712"),
    of("home_repair", "Travaux et dépannage", "Home repairs", "HOME_IMPROVEMENT_REPAIR_AND_MAINTENANCE", "1520"),
    of("beauty", "Coiffeur et beauté", "Hair and beauty", "PERSONAL_CARE_HAIR_AND_BEAUTY", "7230"),
    of("laundry", "Pressing et laverie", "Laundry", "PERSONAL_CARE_LAUNDRY_AND_DRY_CLEANING", "7210"),
    of("gym", "Salles de sport", "Gyms", "PERSONAL_CARE_GYMS_AND_FITNESS_CENTERS", "7997"),
    of("health", "Santé", "Health", "MEDICAL_PRIMARY_CARE", "8011"),
    of("pharmacy", "Pharmacie", "Pharmacy", "MEDICAL_PHARMACIES_AND_SUPPLEMENTS", "5912"),
    of("dental", "Dentiste", "Dentist", "MEDICAL_DENTAL_CARE", "8021"),
    of("optician", "Opticien", "Optician", "MEDICAL_EYE_CARE", "8043"),
    of("veterinary", "Vétérinaire", "Veterinary", "MEDICAL_VETERINARY_SERVICES", "0742"),
    of("fuel", "Carburant", "Fuel", "TRANSPORTATION_GAS", "5541"),
    of("auto", "Entretien du véhicule", "Car repair", "GENERAL_SERVICES_AUTOMOTIVE", "7538"),
    of("transport", "Transports en commun", "Public transport", "TRANSPORTATION_PUBLIC_TRANSIT", "4111"),
    of("train", "Train et autocar", "Trains and coaches", "TRANSPORTATION_PUBLIC_TRANSIT", "4112"),
    of("taxi", "Taxi et VTC", "Taxis and ride shares", "TRANSPORTATION_TAXIS_AND_RIDE_SHARES", "4121"),
    of("bike_scooter", "Vélo et trottinette", "Bikes and scooters", "TRANSPORTATION_BIKES_AND_SCOOTERS", "5940"),
    of("parking", "Parking", "Parking", "TRANSPORTATION_PARKING", "7523"),
    of("tolls", "Péages", "Tolls", "TRANSPORTATION_TOLLS", "4784"),
    of("fines", "Amendes", "Fines", "GOVERNMENT_AND_NON_PROFIT_GOVERNMENT_DEPARTMENTS_AND_AGENCIES", "9222"),
    of("flights", "Avion", "Flights", "TRAVEL_FLIGHTS", "4511"),
    of("lodging", "Hôtels et locations", "Hotels and lodging", "TRAVEL_LODGING", "7011"),
    of("car_rental", "Location de véhicules", "Car rental", "TRAVEL_RENTAL_CARS", "7512"),
    of("travel", "Voyages", "Travel", "TRAVEL_OTHER_TRAVEL", "4722"),
    of("leisure", "Sorties et loisirs", "Outings and leisure", "ENTERTAINMENT_SPORTING_EVENTS_AMUSEMENT_PARKS_AND_MUSEUMS", "7999"),
    of("cinema", "Cinéma", "Cinema", "ENTERTAINMENT_TV_AND_MOVIES", "7832"),
    of("streaming", "Abonnements vidéo et musique", "Streaming", "ENTERTAINMENT_TV_AND_MOVIES", "5815"),
    of("video_games", "Jeux vidéo", "Video games", "ENTERTAINMENT_VIDEO_GAMES", "5816"),
    of("gambling", "Jeux d'argent", "Gambling", "ENTERTAINMENT_CASINOS_AND_GAMBLING", "7995"),
    of("rent", "Loyer et charges", "Rent and charges", "RENT_AND_UTILITIES_RENT", "6513"),
    of("energy", "Électricité et gaz", "Electricity and gas", "RENT_AND_UTILITIES_GAS_AND_ELECTRICITY", "4900"),
    of("water", "Eau", "Water", "RENT_AND_UTILITIES_WATER", "4900"),
    of("telecom", "Internet et téléphone", "Internet and phone", "RENT_AND_UTILITIES_INTERNET_AND_CABLE", "4814"),
    of("insurance", "Assurances", "Insurance", "GENERAL_SERVICES_INSURANCE", "6300"),
    of("health_insurance", "Mutuelle", "Health insurance", "GENERAL_SERVICES_INSURANCE", "6300"),
    of("childcare", "Garde d'enfants", "Childcare", "GENERAL_SERVICES_CHILDCARE", "8351"),
    of("education", "Études et formation", "Education", "GENERAL_SERVICES_EDUCATION", "8299"),
    of("software", "Logiciels et services en ligne", "Software and online services", "GENERAL_SERVICES_OTHER_GENERAL_SERVICES", "5817"),
    of("postal", "Poste et livraison", "Post and shipping", "GENERAL_SERVICES_POSTAGE_AND_SHIPPING", "9402"),
    of("legal", "Services juridiques et comptables", "Legal and accounting", "GENERAL_SERVICES_CONSULTING_AND_LEGAL", "8111"),
    of("services", "Services divers", "Other services", "GENERAL_SERVICES_OTHER_GENERAL_SERVICES", "7399"),
    of("donations", "Dons", "Donations", "GOVERNMENT_AND_NON_PROFIT_DONATIONS", "8398"),
    of("taxes", "Impôts et taxes", "Taxes", "GOVERNMENT_AND_NON_PROFIT_TAX_PAYMENT", "9311"),
    of("bank_fees", "Frais bancaires", "Bank fees", "BANK_FEES_OTHER_BANK_FEES", "6012"),
    of("mortgage", "Crédit immobilier", "Mortgage", "LOAN_PAYMENTS_MORTGAGE_PAYMENT", "6012"),
    of("loan", "Crédits", "Loans", "LOAN_PAYMENTS_PERSONAL_LOAN_PAYMENT", "6012"),
    neutral("card_settlement", "Débit différé de carte", "Credit card payment", "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT"),
    neutral("cash", "Retraits d'espèces", "Cash withdrawals", "TRANSFER_OUT_WITHDRAWAL"),
    neutral("cheque", "Chèques", "Cheques", "TRANSFER_OUT_OTHER_TRANSFER_OUT"),
    neutral("cheque_deposit", "Remises de chèques et d'espèces", "Deposits", "TRANSFER_IN_DEPOSIT"),
    neutral("transfer_out", "Virements émis", "Transfers out", "TRANSFER_OUT_ACCOUNT_TRANSFER"),
    neutral("transfer_in", "Virements reçus", "Transfers in", "TRANSFER_IN_ACCOUNT_TRANSFER"),
    neutral("savings", "Épargne", "Savings", "TRANSFER_OUT_SAVINGS"),
    neutral("investment", "Placements", "Investments", "TRANSFER_OUT_INVESTMENT_AND_RETIREMENT_FUNDS"),
    income("salary", "Salaire", "Salary", "INCOME_SALARY"),
    income("pension", "Retraite", "Pension", "INCOME_RETIREMENT_PENSION"),
    income("unemployment", "Chômage", "Unemployment benefits", "INCOME_UNEMPLOYMENT"),
    income("benefits", "Allocations et remboursements sociaux", "Social benefits", "INCOME_OTHER"),
    income("interest", "Intérêts", "Interest", "INCOME_INTEREST_EARNED"),
    income("dividends", "Dividendes", "Dividends", "INCOME_DIVIDENDS"),
    income("rental_income", "Revenus locatifs", "Rental income", "INCOME_RENTAL"),
    income("tax_refund", "Remboursement d'impôt", "Tax refund", "INCOME_TAX_REFUND"),
    income("income", "Autres revenus", "Other income", "INCOME_OTHER"),
    of(UNCATEGORIZED, "Non classé", "Uncategorized", "OTHER_OTHER", ""),
];

/// The category with this slug.
#[must_use]
pub fn category(slug: &str) -> Option<&'static Category> {
    CATEGORIES.iter().find(|category| category.slug == slug)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_unique_and_plain() {
        for (at, one) in CATEGORIES.iter().enumerate() {
            assert!(one.slug.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", one.slug);
            assert!(
                CATEGORIES[at + 1..].iter().all(|other| other.slug != one.slug),
                "{}",
                one.slug
            );
            assert!(one.mcc.is_none_or(|mcc| mcc.len() == 4), "{}", one.slug);
        }
    }

    #[test]
    fn what_receipts_call_their_categories_is_known_here() {
        for slug in [
            "groceries",
            "restaurant",
            "home",
            "sport",
            "electronics",
            "leisure",
            "clothing",
            "beauty",
            "fuel",
            "auto",
            "transport",
            "shopping",
            "health",
        ] {
            assert!(category(slug).is_some(), "{slug}");
        }
    }
}
