//! What leads are asked for by, written once: in the query of their list, in that of their file, and in the body of an
//! action on many. A reader that refuses unknown names cannot be flattened into another, so each has the fields of all,
//! and says of some what is to be said there.

/// A strict reader of a filter of leads, and what else it reads. `param` is for a query, `schema` for a body.
macro_rules! lead_filter {
    (
        $(#[$about:meta])* $name:ident by $kind:ident {
            $(#[$email:meta])* email,
            $(#[$phone:meta])* phone,
            $(#[$q:meta])* q,
            $($own:tt)*
        }
    ) => {
        $(#[$about])*
        pub struct $name {
            pub status: Option<domain::leads::lead::Status>,
            pub source: Option<domain::leads::lead::Source>,
            pub owner_id: Option<domain::types::AgentId>,
            pub import_id: Option<domain::types::ImportId>,
            $(#[$email])*
            #[$kind(value_type = Option<String>)]
            pub email: Option<domain::types::EmailAddress>,
            $(#[$phone])*
            #[$kind(value_type = Option<String>)]
            pub phone: Option<domain::types::E164>,
            /// In any case, with or without accents.
            #[$kind(value_type = Option<String>)]
            pub tag: Option<domain::types::Text<50>>,
            $(#[$q])*
            #[$kind(value_type = Option<String>)]
            pub q: Option<domain::types::Text<200>>,
            $($own)*
        }

        impl $name {
            /// What it asks for, with these attributes.
            fn into_filter(self, attributes: Vec<(String, String)>) -> domain::leads::commands::Filter {
                domain::leads::commands::Filter {
                    id: None,
                    status: self.status,
                    source: self.source,
                    owner: self.owner_id,
                    import: self.import_id,
                    email: self.email,
                    phone: self.phone,
                    tag: self.tag,
                    q: self.q,
                    attributes,
                }
            }
        }
    };
}
pub(super) use lead_filter;
