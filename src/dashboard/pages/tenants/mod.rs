//! Tenants: all of them for operators of the installation, their own for everybody else.

pub mod list;
pub mod one;
