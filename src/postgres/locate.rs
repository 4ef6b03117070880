//! Where Postgres's server binaries are: a chain of places, the newest of at least 15.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

const OLDEST: u32 = 15;

/// The folder of `initdb`, `postgres` and `pg_ctl`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    pub dir: PathBuf,
    pub major: u32,
}

/// One step of the chain and what it found.
#[derive(Debug)]
pub struct Step {
    pub place: String,
    pub found: Option<Binaries>,
}

/// Looks in every place, the asked one first.
#[must_use]
pub fn chain(asked: Option<&Path>) -> Vec<Step> {
    let mut places: Vec<(String, Vec<PathBuf>)> = Vec::new();
    if let Some(dir) = asked {
        places.push((format!("--pg-bindir {}", dir.display()), vec![dir.to_owned()]));
    }
    places.push(("pg_config --bindir".into(), pg_config().into_iter().collect()));
    places.push(("/usr/lib/postgresql/*/bin".into(), versioned(Path::new("/usr/lib/postgresql"), "", "bin")));
    places.push(("/usr/pgsql-*/bin".into(), versioned(Path::new("/usr"), "pgsql-", "bin")));
    for brew in ["/opt/homebrew/opt", "/usr/local/opt"] {
        places.push((format!("{brew}/postgresql@*/bin"), versioned(Path::new(brew), "postgresql@", "bin")));
    }
    let postgres_app = Path::new("/Applications/Postgres.app/Contents/Versions");
    places.push(("Postgres.app".into(), versioned(postgres_app, "", "bin")));
    places.push(("the user's cache".into(), cached()));
    let path = env::var_os("PATH").unwrap_or_default();
    places.push(("PATH".into(), env::split_paths(&path).collect()));
    places
        .into_iter()
        .map(|(place, dirs)| {
            let found = dirs.iter().filter_map(|dir| probe(dir)).max_by_key(|found| found.major);
            Step { place, found }
        })
        .collect()
}

/// The binaries to use: the asked ones, or the newest of the chain.
///
/// # Errors
/// A sentence with the line that installs them.
pub fn locate(asked: Option<&Path>) -> Result<Binaries, String> {
    let steps = chain(asked);
    if let (Some(dir), Some(first)) = (asked, steps.first()) {
        return first.found.clone().ok_or_else(|| {
            format!("{} holds no Postgres server of version {OLDEST} or newer", dir.display())
        });
    }
    let found = steps.into_iter().filter_map(|step| step.found).max_by_key(|found| found.major);
    found.ok_or_else(|| {
        let install = if cfg!(target_os = "macos") {
            "brew install postgresql@17"
        } else {
            "sudo apt-get install postgresql (Debian, Ubuntu) or sudo dnf install postgresql-server (Fedora, RHEL)"
        };
        format!(
            "no PostgreSQL {OLDEST} or newer was found on this machine. Install one: {install}; \
             or name its folder with --pg-bindir, or a running server with DATABASE_URL. \
             `switchboard doctor` shows where was looked."
        )
    })
}

fn probe(dir: &Path) -> Option<Binaries> {
    if !["initdb", "postgres", "pg_ctl"].iter().all(|name| dir.join(name).is_file()) {
        return None;
    }
    let told = Command::new(dir.join("postgres")).arg("--version").output().ok()?;
    let major = major(&String::from_utf8(told.stdout).ok()?)?;
    (major >= OLDEST).then(|| Binaries { dir: dir.to_owned(), major })
}

/// The 15 of `postgres (PostgreSQL) 15.18 (Debian …)`.
fn major(version: &str) -> Option<u32> {
    let number = version.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn pg_config() -> Option<PathBuf> {
    let told = Command::new("pg_config").arg("--bindir").output().ok()?;
    Some(PathBuf::from(String::from_utf8(told.stdout).ok()?.trim()))
}

fn versioned(parent: &Path, prefix: &str, below: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path().join(below))
        .collect()
}

/// Where `./x` unpacks the npm package of the binaries.
fn cached() -> Vec<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    cache.map(|cache| versioned(&cache.join("switchboard/postgres"), "", "bin")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_distributions_print_them() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("mysterious"), None);
    }

    #[test]
    fn an_asked_folder_without_a_server_is_refused_by_name() {
        let error = locate(Some(Path::new("/nowhere"))).expect_err("there is nothing");
        assert!(error.contains("/nowhere"), "{error}");
    }
}
