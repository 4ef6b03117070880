//! `templates`: what messages say, and how that would look.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use domain::{
    Ctx,
    messages::{
        provider::Channel,
        templates::{self, Filter, TemplatePreview, TemplateSample, TemplateView},
    },
    types::{Locale, TemplateId},
};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    Failure,
    exit::Exit,
    output::{Columns, Form, Most, lines, written},
    tenant::Look,
    values::{one_of, pair},
    with_platform,
};
use crate::config::Config;

const COLUMNS: Columns = &[
    ("ID", "/id"),
    ("NAME", "/name"),
    ("LOCALE", "/locale"),
    ("VERSION", "/version"),
    ("CHANNEL", "/channel"),
    ("MADE", "/created_at"),
    ("ARCHIVED", "/archived_at"),
];

#[derive(Subcommand)]
pub(super) enum Command {
    /// The templates, newest first: the newest version of each name and locale.
    List {
        #[command(flatten)]
        look: Look,
        #[arg(long)]
        name: Option<String>,
        #[arg(long, value_parser = one_of(&Channel::ALL, Channel::as_str))]
        channel: Option<Channel>,
        /// All versions.
        #[arg(long)]
        all: bool,
        /// Also those that are not offered any more.
        #[arg(long)]
        archived: bool,
        #[command(flatten)]
        most: Most,
    },
    /// One version.
    Show(Which),
    /// How it would look with these variables; nothing is sent.
    Render {
        #[command(flatten)]
        which: Which,
        /// A variable. Once for each.
        #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
        var: Vec<(String, String)>,
        /// A file with a JSON object of variables.
        #[arg(long, value_name = "FILE")]
        vars: Option<PathBuf>,
    },
}

/// Which version of which template.
#[derive(clap::Args)]
pub(super) struct Which {
    #[command(flatten)]
    look: Look,
    /// The id of a version, or a name: its newest version then.
    template: String,
    /// A language tag (BCP 47): of the versions of a name the one that fits best.
    #[arg(long)]
    locale: Option<Locale>,
}

impl Which {
    async fn find(&self, ctx: &Ctx) -> Result<TemplateView, Failure> {
        Ok(match Uuid::try_parse(&self.template) {
            Ok(id) => templates::get(ctx, TemplateId(id)).await?,
            Err(_) => templates::meant(ctx, &self.template, self.locale.as_ref()).await?,
        })
    }
}

pub(super) async fn run(config: &Config, form: Form, command: Command) -> Result<(), Failure> {
    with_platform(config, async |platform| match command {
        Command::List { look, name, channel, all, archived, most } => {
            let ctx = look.enter(platform, "templates list").await?;
            let filter = Filter { name, channel, locale: None, latest: !all, archived };
            let mut list = form.list(COLUMNS, most.limit);
            list.read(
                async |before, wanted| Ok(templates::list(&ctx, &filter, before, wanted).await?.rows),
                |template| template.id,
            )
            .await?;
            list.end()
        }
        Command::Show(which) => {
            let ctx = which.look.enter(platform, "templates show").await?;
            form.one(&which.find(&ctx).await?)
        }
        Command::Render { which, var, vars } => {
            let variables = variables(vars.as_deref(), var)?;
            let ctx = which.look.enter(platform, "templates render").await?;
            let template_id = Some(which.find(&ctx).await?.id);
            let (channel, subject, text, html, extra) = (None, None, None, None, None);
            let sample = TemplateSample { template_id, channel, subject, text, html, extra, variables };
            shown(form, &templates::preview(&ctx, sample).await?)
        }
    })
    .await
}

fn variables(file: Option<&Path>, said: Vec<(String, String)>) -> Result<Map<String, Value>, Failure> {
    let mut variables = Map::new();
    if let Some(path) = file {
        let named = |why: String| Exit::Usage.because(format!("{}: {why}", path.display()));
        let text = std::fs::read(path).map_err(|error| named(error.to_string()))?;
        variables = serde_json::from_slice(&text).map_err(|error| named(error.to_string()))?;
    }
    variables.extend(said.into_iter().map(|(name, value)| (name, Value::String(value))));
    Ok(variables)
}

fn shown(form: Form, seen: &TemplatePreview) -> Result<(), Failure> {
    if let Some(why) = &seen.problem {
        let missing = seen.missing.join(", ");
        return Err(Exit::Failed.because(format!("it cannot be filled in: {why} (not given: {missing})")));
    }
    if form != Form::Table {
        return form.one(seen);
    }
    let subject = seen.subject.as_deref().map(|subject| format!("{}\n\n", lines(subject)));
    let text = seen.text.as_deref().map(lines).unwrap_or_default();
    written(format!("{}{text}\n", subject.unwrap_or_default()).as_bytes())
}
