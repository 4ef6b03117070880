//! What is sent, and from which account: opened, filled in, and where it went before, the same again.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{desk::Desk, frozen};
use crate::{
    error::{Error, Result},
    messages::{
        accounts::{self, credentials_place},
        provider::{Account, Channel, Outgoing, Provider, Route},
        rules::Purpose,
        send::place,
        store::QueuedRow,
        suppressions, wording,
    },
    types::ProviderId,
};

impl Desk<'_> {
    /// An account with its credentials open, once for the batch.
    pub fn account(&mut self, id: ProviderId) -> Result<(Arc<Account>, Arc<dyn Provider>)> {
        if let Some((account, adapter)) = self.accounts.get(&id) {
            return Ok((Arc::clone(account), Arc::clone(adapter)));
        }
        let way = self.ways.iter().find(|way| way.id == id);
        let way = way.ok_or_else(|| Error::internal("an account that was chosen is not there"))?;
        let adapter = self.ctx.platform.providers.get(&way.kind);
        let adapter = adapter.ok_or_else(|| Error::internal("an adapter that was there is not"))?;
        let credentials =
            self.tenant_keys.open(&credentials_place(self.ctx.tenant, id), &way.credentials_sealed)?;
        let account = Arc::new(Account { id, channel: way.channel, credentials, version: way.version });
        self.accounts.insert(id, (Arc::clone(&account), Arc::clone(&adapter)));
        Ok((account, adapter))
    }

    /// What is to be sent. To a receiver that drops what comes twice under one key goes what went before.
    pub fn request(
        &self,
        row: &QueuedRow,
        account: &Account,
        adapter: &dyn Provider,
        to: String,
    ) -> Result<Outgoing, String> {
        if adapter.route(account) == Route::Keyed
            && let Some(before) = self.before.get(&row.id).filter(|before| before.provider == account.id)
            && let Ok(Some(request)) = frozen(&self.keys, self.ctx.tenant, row.id, &before.request_sealed)
        {
            return Ok(request);
        }
        let wording = match self.wordings.get(&row.template_id) {
            Some(wording) => wording.clone()?,
            None => return Err("the template is not there any more".into()),
        };
        let vars = self.keys.open(&place(self.ctx.tenant, "vars_sealed", row.id), &row.vars_sealed);
        let vars = vars.ok().flatten().ok_or("the variables cannot be opened")?;
        let mut variables: Value = serde_json::from_str(&vars).unwrap_or_default();
        let unsubscribe_url = self.unsubscribe_url(row);
        if let (Some(url), Some(fields)) = (&unsubscribe_url, variables.as_object_mut()) {
            fields.entry("unsubscribe_url").or_insert_with(|| json!(url));
        }
        wording::fit(row.channel, &mut variables);
        let said = wording.render(&variables)?;
        let token = accounts::callback_token(&self.tenant_keys, self.ctx.tenant, account.id);
        Ok(Outgoing {
            message: row.id,
            subject_id: row.subject_id,
            to,
            subject: said.subject,
            text: said.text,
            html: said.html,
            extra: said.extra,
            unsubscribe_url,
            callback_url: accounts::callback_url(&self.ctx.platform, adapter.kind(), &token),
        })
    }

    /// Where a click ends marketing mail (RFC 8058).
    fn unsubscribe_url(&self, row: &QueuedRow) -> Option<String> {
        if row.purpose != Purpose::Marketing || row.channel != Channel::Email {
            return None;
        }
        let base = self.ctx.platform.public_url.as_deref()?;
        let token = suppressions::unsubscribe_token(&self.tenant_keys, self.ctx.tenant, row.id);
        Some(format!("{base}/unsubscribe/{token}"))
    }
}
