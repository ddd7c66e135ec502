//! Chains that people know by one name, however the receipt writes it. Only for the name and the category; a receipt
//! of any other shop reads as well without this list.

use super::normalise::{fold, squash};

/// A chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Brand {
    pub(crate) name: &'static str,
}

/// Name as people write it, and category. Names are looked for as whole words.
const BRANDS: &[(&str, &str)] = &[
    // France
    ("Carrefour", "groceries"),
    ("Auchan", "groceries"),
    ("E.Leclerc", "groceries"),
    ("Leclerc", "groceries"),
    ("Intermarché", "groceries"),
    ("Monoprix", "groceries"),
    ("Franprix", "groceries"),
    ("Super U", "groceries"),
    ("Hyper U", "groceries"),
    ("Système U", "groceries"),
    ("Casino", "groceries"),
    ("Picard", "groceries"),
    ("Biocoop", "groceries"),
    ("Naturalia", "groceries"),
    ("Cora", "groceries"),
    ("Grand Frais", "groceries"),
    ("Leroy Merlin", "home"),
    ("Castorama", "home"),
    ("Brico Dépôt", "home"),
    ("Bricomarché", "home"),
    ("Mr Bricolage", "home"),
    ("Truffaut", "home"),
    ("Jardiland", "home"),
    ("Conforama", "home"),
    ("But", ""),
    ("Maisons du Monde", "home"),
    ("Gifi", "home"),
    ("Decathlon", "sport"),
    ("Intersport", "sport"),
    ("Fnac", "electronics"),
    ("Darty", "electronics"),
    ("Boulanger", "electronics"),
    ("Cultura", "leisure"),
    ("Kiabi", "clothing"),
    ("Jules", ""),
    ("Celio", "clothing"),
    ("Etam", "clothing"),
    ("Promod", "clothing"),
    ("Sephora", "beauty"),
    ("Marionnaud", "beauty"),
    ("Yves Rocher", "beauty"),
    ("Nocibé", "beauty"),
    ("TotalEnergies", "fuel"),
    ("Feu Vert", "auto"),
    ("Norauto", "auto"),
    ("SNCF", "transport"),
    ("RATP", "transport"),
    ("Flunch", "restaurant"),
    ("Buffalo Grill", "restaurant"),
    ("Hippopotamus", "restaurant"),
    ("Courtepaille", "restaurant"),
    ("Brioche Dorée", "restaurant"),
    ("La Mie Câline", "restaurant"),
    ("Marie Blachère", "restaurant"),
    ("Quick", ""),
    ("Action", ""),
    // Belgium, Netherlands, Luxembourg
    ("Delhaize", "groceries"),
    ("Colruyt", "groceries"),
    ("Albert Heijn", "groceries"),
    ("Jumbo", ""),
    ("Okay", ""),
    ("Spar", "groceries"),
    ("Cactus", ""),
    ("Hubo", "home"),
    ("Kruidvat", "beauty"),
    ("HEMA", "home"),
    ("Krëfel", "electronics"),
    ("Vanden Borre", "electronics"),
    ("SNCB", "transport"),
    ("Makro", "groceries"),
    ("Etos", "beauty"),
    ("Exki", "restaurant"),
    // Germany, Austria, Switzerland
    ("Aldi", "groceries"),
    ("Lidl", "groceries"),
    ("Rewe", "groceries"),
    ("Edeka", "groceries"),
    ("Kaufland", "groceries"),
    ("Penny", ""),
    ("Netto", ""),
    ("Marktkauf", "groceries"),
    ("Famila", "groceries"),
    ("Norma", "groceries"),
    ("Hit", ""),
    ("dm-drogerie markt", "beauty"),
    ("Rossmann", "beauty"),
    ("Müller", ""),
    ("toom", "home"),
    ("OBI", "home"),
    ("Bauhaus", "home"),
    ("Hornbach", "home"),
    ("Hagebau", "home"),
    ("Roller", "home"),
    ("Poco", "home"),
    ("Saturn", ""),
    ("MediaMarkt", "electronics"),
    ("Media Markt", "electronics"),
    ("Tchibo", "restaurant"),
    ("Migros", "groceries"),
    ("Coop", "groceries"),
    ("Denner", "groceries"),
    ("Billa", "groceries"),
    ("Hofer", ""),
    ("real,-", "groceries"),
    ("real-", "groceries"),
    ("Aral", "fuel"),
    ("Deutsche Bahn", "transport"),
    ("Thalia", "leisure"),
    ("Deichmann", "clothing"),
    // Spain, Portugal, Italy
    ("Mercadona", "groceries"),
    ("El Corte Inglés", "shopping"),
    ("Consum", "groceries"),
    ("Eroski", "groceries"),
    ("Repsol", "fuel"),
    ("Cepsa", "fuel"),
    ("Telepizza", "restaurant"),
    ("Esselunga", "groceries"),
    ("Conad", "groceries"),
    ("Continente", ""),
    ("Pingo Doce", "groceries"),
    ("Renfe", "transport"),
    ("Desigual", "clothing"),
    // Great Britain, Ireland
    ("Tesco", "groceries"),
    ("Sainsbury's", "groceries"),
    ("Asda", "groceries"),
    ("Morrisons", "groceries"),
    ("Waitrose", "groceries"),
    ("Co-op", "groceries"),
    ("Iceland", ""),
    ("Marks & Spencer", "shopping"),
    ("Boots", ""),
    ("Superdrug", "beauty"),
    ("Argos", "shopping"),
    ("Primark", "clothing"),
    ("WHSmith", "leisure"),
    ("Waterstones", "leisure"),
    ("B&Q", "home"),
    ("Pret A Manger", "restaurant"),
    ("Greggs", "restaurant"),
    ("Costa Coffee", "restaurant"),
    ("Nando's", "restaurant"),
    ("Wagamama", "restaurant"),
    ("Dunnes Stores", "groceries"),
    ("SuperValu", "groceries"),
    ("Wetherspoon", "restaurant"),
    ("Pizza Express", "restaurant"),
    // North America
    ("Walmart", "groceries"),
    ("Target", ""),
    ("Costco", "groceries"),
    ("Kroger", "groceries"),
    ("Safeway", "groceries"),
    ("Whole Foods Market", "groceries"),
    ("Trader Joe's", "groceries"),
    ("Publix", "groceries"),
    ("Walgreens", "health"),
    ("CVS", "health"),
    ("Rite Aid", "health"),
    ("Home Depot", "home"),
    ("Lowe's", "home"),
    ("Best Buy", "electronics"),
    ("Kohl's", "clothing"),
    ("Macy's", "clothing"),
    ("Nordstrom", "clothing"),
    ("Old Navy", "clothing"),
    ("Dollar Tree", "shopping"),
    ("Chick-fil-A", "restaurant"),
    ("In-N-Out Burger", "restaurant"),
    ("Wendy's", "restaurant"),
    ("Taco Bell", "restaurant"),
    ("Chipotle", "restaurant"),
    ("Panera Bread", "restaurant"),
    ("Panda Express", "restaurant"),
    ("Dunkin'", "restaurant"),
    ("Red Robin", "restaurant"),
    ("Applebee's", "restaurant"),
    ("Olive Garden", "restaurant"),
    ("Tim Hortons", "restaurant"),
    ("Loblaws", "groceries"),
    ("Sobeys", "groceries"),
    ("IGA", "groceries"),
    ("Provigo", "groceries"),
    ("Canadian Tire", "home"),
    ("Jean Coutu", "health"),
    ("Pharmaprix", "health"),
    ("Couche-Tard", "groceries"),
    ("Shoppers Drug Mart", "health"),
    ("Rona", "home"),
    ("Dollarama", "shopping"),
    ("Michaels", "shopping"),
    ("Bed Bath & Beyond", "home"),
    ("Barnes & Noble", "leisure"),
    ("Chevron", "fuel"),
    // Asia, Australia
    ("Woolworths", "groceries"),
    ("Coles", "groceries"),
    ("Watsons", "beauty"),
    ("FamilyMart", "groceries"),
    // Everywhere
    ("McDonald's", "restaurant"),
    ("Burger King", "restaurant"),
    ("KFC", "restaurant"),
    ("Subway", "restaurant"),
    ("Starbucks", "restaurant"),
    ("Five Guys", "restaurant"),
    ("Domino's Pizza", "restaurant"),
    ("Pizza Hut", "restaurant"),
    ("Hard Rock Cafe", "restaurant"),
    ("Vapiano", "restaurant"),
    ("IKEA", "home"),
    ("H&M", "clothing"),
    ("Zara", "clothing"),
    ("Uniqlo", "clothing"),
    ("C&A", "clothing"),
    ("Mango", ""),
    ("Bershka", "clothing"),
    ("Nike", ""),
    ("Adidas", ""),
    ("Apple Store", "electronics"),
    ("Shell", "fuel"),
    ("Esso", "fuel"),
    ("BP", ""),
    ("Texaco", "fuel"),
    ("7-Eleven", "groceries"),
    ("Ibis", "lodging"),
    ("Novotel", "lodging"),
    ("Hilton", "lodging"),
    ("Marriott", "lodging"),
    ("Uber", "transport"),
    ("Toys R Us", "shopping"),
    ("Lush", "beauty"),
    ("L'Occitane", "beauty"),
    ("Rituals", "beauty"),
    ("Tedi", "shopping"),
];

/// Brands named in a line as whole words; names that are also common words only when the line is hardly more.
pub(crate) fn find(text: &str) -> Vec<Brand> {
    let folded = fold(text);
    let mut spaced = String::from(" ");
    for c in folded.chars() {
        if c.is_alphanumeric() {
            spaced.push(c);
        } else if c != '\'' && !spaced.ends_with(' ') {
            spaced.push(' ');
        }
    }
    spaced.push(' ');
    let whole = squash(text);
    let mut found = Vec::new();
    for (name, category) in BRANDS {
        let plain: String = fold(name)
            .chars()
            .filter(|c| *c != '\'')
            .map(|c| if c.is_alphanumeric() { c } else { ' ' })
            .collect();
        let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
        let key = plain.replace(' ', "");
        let word =
            spaced.contains(&format!(" {plain} ")) || (key.len() >= 7 && whole.contains(&key));
        let common = category.is_empty() || key.len() <= 4;
        if word && (!common || whole.len() <= key.len() + 8) {
            found.push(Brand { name });
        }
    }
    found
}

/// The category of a known chain.
pub(crate) fn category(name: &str) -> Option<&'static str> {
    let key = squash(name);
    BRANDS.iter().find(|(n, c)| !c.is_empty() && squash(n) == key).map(|(_, c)| *c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_only() {
        assert_eq!(find("CARREFOUR MARKET LYON").first().map(|b| b.name), Some("Carrefour"));
        assert!(find("PAIN DE MIE BUTTERFLY").is_empty());
        assert!(find("net a payer but pas moins cher").is_empty());
        assert_eq!(category("leroy merlin"), Some("home"));
    }
}
