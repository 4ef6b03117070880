//! Whether what is written of the command line is what it is.

use clap::CommandFactory as _;

use super::{Cli, exit::Exit};

const PAGE: &str = include_str!("../../docs/cli.md");

/// Every command by its names, one after the other.
fn commands(command: &clap::Command, before: &str) -> Vec<String> {
    let mut found = Vec::new();
    for one in command.get_subcommands().filter(|one| !one.is_hide_set() && one.get_name() != "help") {
        let name = format!("{before} {}", one.get_name());
        let below = commands(one, &name);
        found.extend(if below.is_empty() { vec![name] } else { below });
    }
    found
}

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn the_page_lists_nothing_else() {
    let cli = Cli::command();
    let listed = PAGE.lines().filter(|line| line.starts_with("    switchboard "));
    for line in listed {
        let mut at = &cli;
        for word in line.split_whitespace().skip(1) {
            let Some(below) = at.find_subcommand(word) else { break };
            at = below;
        }
        assert!(!at.has_subcommands(), "docs/cli.md names what is no command: `{}`", line.trim());
    }
}

#[test]
fn the_page_lists_every_command_and_every_exit_code() {
    for command in commands(&Cli::command(), "switchboard") {
        assert!(PAGE.contains(&command), "docs/cli.md does not list `{command}`");
    }
    for exit in Exit::ALL {
        assert!(PAGE.contains(&format!("\n| {} |", exit.code())), "docs/cli.md does not explain {exit:?}");
    }
}
