//! Made-up people of several countries and scripts. Addresses are at example.com; nobody is ever
//! called or written to outside this machine.

use std::fmt::Write;

use serde_json::{Value, json};

/// A country's people: names in their own script, the form of a phone number, what is put in for `#`.
struct Country {
    region: &'static str,
    language: &'static str,
    given: &'static [&'static str],
    family: &'static [&'static str],
    /// The family name comes first.
    family_first: bool,
    phone: fn(usize) -> String,
}

const COUNTRIES: [Country; 8] = [
    Country {
        region: "United States",
        language: "en",
        given: &["Ava", "Noah", "Mia", "Liam", "Zoe"],
        family: &["Carter", "Nguyen", "Brooks", "O'Neill", "Diaz"],
        family_first: false,
        phone: |n| format!("+1 {} 555 01{:02}", 201 + n / 100 % 3, n % 100),
    },
    Country {
        region: "Deutschland",
        language: "de",
        given: &["Jürgen", "Käthe", "Björn", "Anneliese", "Özlem"],
        family: &["Müller", "Groß", "Schäfer", "Yılmaz", "von der Heide"],
        family_first: false,
        phone: |n| format!("+49 30 23125 {:03}", n % 1000),
    },
    Country {
        region: "日本",
        language: "ja",
        given: &["太郎", "花子", "健一", "美咲", "翔太"],
        family: &["佐藤", "鈴木", "高橋", "田中", "渡辺"],
        family_first: true,
        phone: |n| format!("+81 3 1234 {:04}", n % 10_000),
    },
    Country {
        region: "Ελλάδα",
        language: "el",
        given: &["Γιώργος", "Μαρία", "Νίκος", "Ελένη", "Άννα"],
        family: &["Παπαδόπουλος", "Νικολάου", "Γεωργίου", "Οικονόμου", "Δήμου"],
        family_first: false,
        phone: |n| format!("+30 210 123 {:04}", n % 10_000),
    },
    Country {
        region: "مصر",
        language: "ar",
        given: &["محمد", "فاطمة", "أحمد", "مريم", "يوسف"],
        family: &["حسن", "إبراهيم", "منصور", "السيد", "خليل"],
        family_first: false,
        phone: |n| format!("+20 100 000 {:04}", n % 10_000),
    },
    Country {
        region: "भारत",
        language: "hi",
        given: &["आरव", "अनन्या", "विवान", "दीया", "रोहन"],
        family: &["शर्मा", "पटेल", "सिंह", "गुप्ता", "नायर"],
        family_first: false,
        phone: |n| format!("+91 98765 4{:04}", n % 10_000),
    },
    Country {
        region: "Україна",
        language: "uk",
        given: &["Олена", "Тарас", "Ірина", "Богдан", "Соломія"],
        family: &["Шевченко", "Коваль", "Мельник", "Бондар", "Ткач"],
        family_first: false,
        phone: |n| format!("+380 44 200 {:04}", n % 10_000),
    },
    Country {
        region: "Brasil",
        language: "pt-BR",
        given: &["João", "Beatriz", "Antônio", "Conceição", "Luís"],
        family: &["Araújo", "Guimarães", "da Silva", "Gonçalves", "Simões"],
        family_first: false,
        phone: |n| format!("+55 11 3555 {:04}", n % 10_000),
    },
];

const SOURCES: [&str; 5] = ["referral", "organic", "campaign", "paid_ads", "manual"];
const STATUSES: [&str; 4] = ["new", "contacted", "qualified", "proposal"];
const PLANS: [&str; 3] = ["starter", "team", "enterprise"];

/// The columns of [`csv`]; `plan` is one the product does not know and keeps as an attribute.
const HEADER: &str = "name,email,phone,language,region,source,status,value_cents,tags,plan";

/// A CSV file of `count` leads.
#[must_use]
pub fn csv(count: usize) -> String {
    let mut file = format!("{HEADER}\n");
    for at in 0..count {
        let country = &COUNTRIES[at % COUNTRIES.len()];
        let nth = at / COUNTRIES.len();
        let given = country.given[nth % country.given.len()];
        let family = country.family[nth / country.given.len() % country.family.len()];
        let (first, second) = if country.family_first { (family, given) } else { (given, family) };
        let line = writeln!(
            file,
            "{first} {second},lead{at}@example.com,{},{},{},{},{},{},demo|{},{}",
            (country.phone)(nth),
            country.language,
            country.region,
            SOURCES[at % SOURCES.len()],
            STATUSES[at / 3 % STATUSES.len()],
            10_000 + at % 97 * 5_000,
            country.language,
            PLANS[at % PLANS.len()],
        );
        debug_assert!(line.is_ok(), "memory takes it");
    }
    file
}

/// One lead, as the API takes it; each number is somebody.
#[must_use]
pub fn lead(number: usize) -> Value {
    let country = &COUNTRIES[number % COUNTRIES.len()];
    let nth = number / COUNTRIES.len();
    let given = country.given[nth % country.given.len()];
    let family = country.family[nth / country.given.len() % country.family.len()];
    let name = if country.family_first { format!("{family} {given}") } else { format!("{given} {family}") };
    json!({
        "name": name, "email": format!("visitor{number}@example.com"), "phone": (country.phone)(nth).replace(' ', ""),
        "language": country.language, "region": country.region, "source": SOURCES[number % SOURCES.len()],
        "value_cents": 10_000 + number % 97 * 5_000, "tags": ["walk-in", country.language],
    })
}

/// The names of agents.
pub fn agents(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|at| {
        let country = &COUNTRIES[at % COUNTRIES.len()];
        let nth = at / COUNTRIES.len();
        format!("{} {}", country.given[nth % 5], country.family[(nth + at) % 5])
    })
}

#[cfg(test)]
mod tests {
    use domain::leads::{
        columns::{Columns, Mapping},
        csv::Reader,
    };

    use super::*;

    #[test]
    fn every_made_up_lead_is_one_that_the_import_takes() {
        let mut rows = Vec::new();
        let mut reader = Reader::new(b',');
        reader.feed(csv(2_000).as_bytes(), &mut |row| rows.push(row.fields.expect("a good row")));
        let columns = Columns::of(&rows.remove(0), &Mapping::default()).expect("a good header");
        assert_eq!(rows.len(), 2_000);
        for row in rows {
            let read = columns.read(&row, &[]).and_then(|said| columns.lead(said, &[]));
            assert!(read.is_ok(), "{}", row.join(","));
        }
    }
}
