//! Rows of the head that say nothing but where the shop is: "Zürich" under "Coop".

use super::{
    super::{
        Reading,
        normalise::{pattern, squash},
    },
    lines::Line,
};
use regex::Regex;
use std::sync::LazyLock;

/// Large towns, folded. Those that are also names of people, things or many restaurants are left out.
const TOWNS: &str = "aachen aarau aberdeen aixenprovence alicante almere amiens amsterdam angers annecy antwerpen anvers \
    arnhem augsburg avignon barcelona basel bayonne belfast berlin bern berne besancon biel bielefeld bilbao birmingham \
    bochum bonn bordeaux braunschweig breda bremen brest bristol brugge bruges brussel brussels \
    bruxelles caen calgary cardiff carcassonne charleroi chemnitz clermontferrand colmar cordoba coventry denhaag dijon \
    dortmund dresden dublin duisburg dundee dusseldorf edinburgh edmonton eindhoven enschede erfurt freiburg fribourg \
    galway gand gatineau geneve genf genk gent gijon glasgow granada graz grenoble groningen haarlem hamburg \
    hannover hasselt innsbruck karlsruhe kassel kiel koln konstanz kortrijk krefeld larochelle lausanne leeds \
    lehavre leicester leipzig lemans leuven lille limerick limoges linz liverpool londen london londres lubeck \
    lugano luxembourg luxemburg luzern lyon madrid magdeburg mainz malaga manchester mannheim marseille mechelen metz \
    mons montpellier montreal mulhouse munchen munich munster namur nantes neuchatel newcastle nice nijmegen nimes \
    norwich nottingham nurnberg oldenburg oostende orleans ottawa oviedo palma pamplona paris perpignan plymouth \
    poitiers portsmouth potsdam quebec regensburg reims rennes roeselare rostock rotterdam rouen saarbrucken \
    saintetienne saintmalo salamanca salzburg sanktgallen santander sevilla sheffield southampton stgallen \
    stetienne stmalo strasbourg stuttgart swansea tarragona thun tilburg toronto toulon toulouse tours trier troyes \
    utrecht valencia valladolid vancouver versailles vigo wien wiesbaden winnipeg winterthur wolfsburg \
    wuppertal zaragoza zug zurich zwolle";

/// A postcode with its town, to the end of the row.
static WITH_CODE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:^|[\s,-])[0-9]{4,5}(?:\s[A-Z]{2})?\s+(\p{L}[\p{L}' .-]{2,30})$"));

/// Rows of the head that are only a town, known or named with its code elsewhere on the page, where another row can be
/// the shop's name.
pub(super) fn rows(r: &Reading, lines: &[Line]) -> Vec<usize> {
    let coded: Vec<String> = r
        .layout
        .rows
        .iter()
        .filter_map(|row| WITH_CODE.captures(row.text().trim()).map(|c| squash(&c[1])))
        .collect();
    let town = |line: &Line| {
        let key = squash(&line.text);
        TOWNS.split_whitespace().any(|t| t == key) || coded.contains(&key)
    };
    let named = lines.iter().any(|l| l.named && !l.address && !town(l));
    lines.iter().filter(|l| named && town(l)).map(|l| l.row).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Reading, lines};
    use super::*;
    use crate::receipt::testing::document;

    fn of(page: &[&str]) -> Vec<usize> {
        let r = Reading::new(&document(page));
        rows(&r, &lines::head(&r))
    }

    #[test]
    fn a_town_alone_under_a_name() {
        assert_eq!(of(&["Coop", "Zürich", "12.03.2024", "Brot|3.50", "Total CHF|5.30"]), [1]);
        assert_eq!(of(&["Spar", "Adliswil", "Seestr. 1", "8134 Adliswil", "Total|5.30"]), [1]);
        assert_eq!(of(&["SAINT-MALO", "Le Corsaire", "TOTAL|5,30"]), [0]);
    }

    #[test]
    fn a_town_that_is_all_there_is_may_be_the_name() {
        assert!(of(&["Zürich", "Bahnhofstrasse 1", "8001 Zürich", "Total|5.30"]).is_empty());
        assert!(of(&["Coop Zürich", "Seestr. 1", "8001 Zürich", "Total|5.30"]).is_empty());
    }

    #[test]
    fn the_shop_above_its_town_is_the_name() {
        let page =
            ["Coop", "Zürich", "12.03.2024 12:10", "Brot|3.50", "Milch|1.80", "Total CHF|5.30"];
        let fields = crate::receipt::extract(&document(&page)).extracted_fields;
        let name = fields.merchant_name.map(|m| (m.value, m.confidence > 0.8));
        assert_eq!(name, Some(("Coop".to_owned(), true)));
    }
}
