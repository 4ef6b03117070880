//! What every scenario stands on: a real Postgres and a database of its own for each test.
//!
//! `./x test` starts one Postgres for the whole run and names it in `DATABASE_URL`. The first test
//! that comes along migrates a template there; each test then works on a clone of it.

mod database;

pub use database::Database;
