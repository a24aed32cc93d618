//! The commands, one file each; this file picks the one that was typed.

mod backup;
mod dba;
mod demo;
mod doctor;
mod domain;
mod erd;
mod init;
mod key;
mod migrate;
mod organization;
mod plan;
mod psql;
mod serve;
mod shard;
mod shell;
mod spare;
mod sql;
mod template;
mod tenant;
mod user;

use crate::cli::{
    BackupCommand, Cli, Command, KeyCommand, LogFormat, MigrateCommand, OperatorCommand, OrganizationCommand,
    TemplateCommand, UserCommand,
};
use crate::config::Config;
use crate::exit::ExitStatus;
use crate::logging;
use crate::operator::Operator;
use crate::output::Output;

/// Runs one command with the settings of the environment.
pub(crate) async fn run(cli: Cli, output: Output) -> anyhow::Result<ExitStatus> {
    let Cli {
        command, template, ..
    } = cli;
    let config = Config::from_environment(template)?;
    let (level, format) = match &command {
        Command::Serve(args) => ("info", args.log_format),
        Command::Demo(args) => ("warn", args.log_format),
        _ => ("warn", LogFormat::Text),
    };
    let logs = logging::install(config.log_filter(level), format);
    let ended = match command {
        Command::Demo(args) => Box::pin(demo::run(args, config, output)).await,
        Command::Serve(args) => serve::run(&args, config, output).await,
        Command::Erd(args) => Box::pin(erd::run(args, config, output)).await,
        Command::Template(TemplateCommand::Check(args)) => {
            Box::pin(template::check::run(args, config, output)).await
        }
        Command::Man(args) => shell::man(&args, output),
        Command::Completions(args) => shell::completions(&args, output),
        Command::Operate(command) => match Operator::open(config, output) {
            Ok(operator) => operate(command, &operator).await,
            Err(error) => Err(error),
        },
    };
    logs.finish();
    ended
}

async fn operate(command: OperatorCommand, operator: &Operator) -> anyhow::Result<ExitStatus> {
    match command {
        OperatorCommand::Init(args) => init::run(&args, operator).await,
        OperatorCommand::Organization(OrganizationCommand::Create(args)) => {
            organization::create::run(args, operator).await
        }
        OperatorCommand::Tenant(command) => tenant::run(command, operator).await,
        OperatorCommand::Spare(command) => spare::run(command, operator).await,
        OperatorCommand::Plan(command) => plan::run(command, operator).await,
        OperatorCommand::Shard(command) => shard::run(command, operator).await,
        OperatorCommand::User(UserCommand::Create(args)) => user::create::run(args, operator).await,
        OperatorCommand::Key(KeyCommand::Create(args)) => key::create::run(args, operator).await,
        OperatorCommand::Key(KeyCommand::List { slug }) => key::list::run(&slug, operator).await,
        OperatorCommand::Key(KeyCommand::Revoke { slug, key }) => {
            key::revoke::run(&slug, &key, operator).await
        }
        OperatorCommand::Migrate(args) => match args.command {
            Some(MigrateCommand::Status) => migrate::status::run(operator).await,
            None => migrate::run(&args, operator).await,
        },
        OperatorCommand::Doctor(args) => Box::pin(doctor::run(&args, operator)).await,
        OperatorCommand::Backup(args) => match &args.command {
            Some(BackupCommand::Drill { folder, only }) => backup::drill::run(folder, only, operator).await,
            None => backup::run(&args, backup::named(&args)?, operator).await,
        },
        OperatorCommand::Psql(args) => psql::run(args, operator).await,
        OperatorCommand::Domain(command) => Box::pin(domain::run(command, operator)).await,
        OperatorCommand::Dba(command) => dba::run(command, operator).await,
        OperatorCommand::Sql(args) => Box::pin(sql::run(&args, operator)).await,
    }
}
