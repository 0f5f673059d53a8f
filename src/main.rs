//! The command line. Each command opens the app, calls one service method and prints.

use std::{
    error::Error as StdError,
    io::{self, IsTerminal, Write},
    net::SocketAddr,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use clap::{Parser, Subcommand};
use serde_json::json;
use wardline::{
    app::{App, GATEWAY_SECTIONS, StartError, openapi},
    config::{self, Settings},
    domain::{
        SystemClock,
        audit::Origin,
        user::{Role, User},
    },
    service::{DEMO_PASSWORD, SignedIn, Synthetic, audit},
    telemetry,
};

/// A batch allocates and frees many small objects at once, on two threads. Compared with glibc's
/// allocator, a message costs the service 2 to 9% less (`benches/limits.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Clinical messaging: one binary, one MongoDB.
#[derive(Parser)]
#[command(name = "wardline", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until interrupted
    Serve {
        /// Load the demonstration hospital first and print its logins
        #[arg(long)]
        demo: bool,
    },
    /// Load the demonstration hospital, or synthetic staff and history
    Seed {
        /// Synthetic people (staff00001 …)
        #[arg(long, default_value_t = 0)]
        users: u64,
        /// Private sessions between them
        #[arg(long, default_value_t = 0)]
        sessions: u64,
        /// Messages over all sessions
        #[arg(long, default_value_t = 0)]
        messages: u64,
    },
    /// Print tokens as JSON
    Token {
        #[arg(required_unless_present = "synthetic")]
        usernames: Vec<String>,
        /// Tokens of the first N synthetic people
        #[arg(long, conflicts_with = "usernames")]
        synthetic: Option<u64>,
    },
    /// Make and change accounts
    User {
        #[command(subcommand)]
        action: UserAction,
    },
    /// Print the audit log, newest first
    Audit {
        /// How far back
        #[arg(long, default_value = "24h", value_parser = wardline::config::duration)]
        since: Duration,
        /// As JSON, one row a line
        #[arg(long)]
        json: bool,
    },
    /// Count all statistics anew, from the messages
    Recount,
    /// Bring the database to this program's format
    Migrate,
    /// Make the search index anew, in a running service or at the next start
    Reindex,
    /// Print the REST API's description
    Openapi,
    /// Print the page of all settings
    Settings,
    /// Check configuration and database
    Check,
    /// Ask a running service how it is (exit status 0 when well)
    Health,
}

#[derive(Subcommand)]
enum UserAction {
    /// Make an account; the password is read from standard input
    Create {
        username: String,
        #[arg(long, default_value = "user")]
        role: Role,
    },
    /// Set a password, read from standard input; ends the account's tokens
    Passwd { username: String },
    /// Change a role
    Role { username: String, role: Role },
}

fn main() -> ExitCode {
    // Files created from here on, by this process or its children, are accessible to their owner
    // only.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    // The allocator requests huge pages, and keeps the memory around each small object that stays:
    // 25 KiB for an idle connection instead of 21. mongod, which inherits this setting, needs no
    // huge pages either. A kernel without them refuses the call.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    let cli = Cli::parse();
    let run = || -> Result<bool, Box<dyn StdError>> {
        let settings = Settings::from_environment(GATEWAY_SECTIONS)?;
        telemetry::start_logging(&settings)?;
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?
            .block_on(run(cli.command, settings))
    };
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            report_error(&*error);
            ExitCode::FAILURE
        }
    }
}

/// Prints an error with all its causes, on one line.
fn report_error(error: &dyn StdError) {
    let mut line = format!("wardline: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    let _ = writeln!(io::stderr(), "{line}");
}

async fn run(command: Command, settings: Settings) -> Result<bool, Box<dyn StdError>> {
    match command {
        Command::Serve { demo } => serve(settings, demo).await?,
        Command::Openapi => print(&openapi()?),
        Command::Settings => print(config::to_markdown(GATEWAY_SECTIONS).trim_end()),
        Command::Health => return Ok(check_health(&settings).await),
        Command::Check => {
            run_with_app(settings, async |_| {
                Ok("configuration and database are well".to_owned())
            })
            .await?;
        }
        Command::Recount => {
            let recounted = async |app: &App| {
                app.services.record_command("command.recount", "", 1);
                app.services.recount_statistics().await?;
                Ok("the statistics are counted anew".to_owned())
            };
            run_with_app(settings, recounted).await?;
        }
        Command::Migrate => {
            run_with_app(settings, async |app| {
                app.services.record_command("command.migrate", "", 1);
                Ok(format!(
                    "the database has format {}",
                    app.store().format().await?
                ))
            })
            .await?;
        }
        Command::Reindex => {
            App::reindex(&settings)?;
            print("the search index is made anew: now if the service runs, else when it starts");
        }
        Command::Seed {
            users: 0,
            sessions: 0,
            messages: 0,
        } => {
            let seeded = async |app: &App| {
                app.services
                    .record_command("command.seed", "demonstration", 1);
                let (people, made) = app.services.seed_demonstration().await?;
                let names: Vec<&str> = people.iter().map(|user| user.username.as_str()).collect();
                Ok(format!(
                    "made {made} people, whose password is {DEMO_PASSWORD}; of the demonstration there are now {}: {}",
                    people.len(),
                    names.join(", ")
                ))
            };
            run_with_app(settings, seeded).await?;
        }
        Command::Seed {
            users,
            sessions,
            messages,
        } => {
            let seeded = async |app: &App| {
                let what = format!("users={users} sessions={sessions} messages={messages}");
                app.services.record_command("command.seed", &what, 1);
                let wanted = Synthetic {
                    users,
                    sessions,
                    messages,
                };
                let made = app.services.seed_synthetic(wanted).await?;
                Ok(format!(
                    "made {} people (staff00001 and on, password {DEMO_PASSWORD}), {} sessions, {} messages; \
                     what was there stays as it was",
                    made.users, made.sessions, made.messages
                ))
            };
            run_with_app(settings, seeded).await?;
        }
        Command::Token {
            usernames,
            synthetic,
        } => {
            run_with_app(settings, async |app| {
                tokens(app, &usernames, synthetic).await
            })
            .await?;
        }
        Command::Audit { since, json } => {
            run_with_app(settings, async |app| {
                Ok(app.record(since, json).await?.join("\n"))
            })
            .await?;
        }
        Command::User { action } => {
            run_with_app(settings, async |app| Ok(account(app, action).await?)).await?;
        }
    }
    Ok(true)
}

fn print(text: &str) {
    // A reader that closed the pipe early is no error of the program.
    let _ = writeln!(io::stdout(), "{text}");
}

/// Opens the app, prints the result of `work`, and closes the app in any case.
async fn run_with_app(
    settings: Settings,
    work: impl AsyncFnOnce(&App) -> Result<String, Box<dyn StdError>>,
) -> Result<(), Box<dyn StdError>> {
    let app = App::open_beside(settings, Arc::new(SystemClock)).await?;
    let result = audit::within(Origin::COMMAND_LINE, work(&app)).await;
    app.close().await?;
    print(&result?);
    Ok(())
}

async fn serve(settings: Settings, demo: bool) -> Result<(), StartError> {
    let listener = App::bind(&settings)?;
    let has_docs = settings.listen.docs_open;
    let app = App::open(settings, Arc::new(SystemClock)).await?;
    let people = if demo {
        app.services.seed_demonstration().await
    } else {
        Ok((Vec::new(), 0))
    };
    let people = match people {
        Ok((people, _)) => people,
        Err(error) => {
            app.close().await?;
            return Err(error.into());
        }
    };
    let address = listener
        .local_addr()
        .map_err(|error| StartError::Io("read", "the address".to_owned(), error))?;
    print_welcome(address, has_docs, &people);
    app.serve(listener, wait_for_shutdown_signal()).await
}

fn print_welcome(address: SocketAddr, has_docs: bool, people: &[User]) {
    let docs = if has_docs {
        format!("   API: http://{address}/docs")
    } else {
        String::new()
    };
    print(&format!("Wardline listens on http://{address}{docs}"));
    if people.is_empty() {
        return;
    }
    print(&format!(
        "Demonstration logins, all with the password {DEMO_PASSWORD}:"
    ));
    for role in Role::ALL {
        let names: Vec<String> = people
            .iter()
            .filter(|user| user.role == role)
            .map(|user| format!("{} ({})", user.username, user.real_name))
            .collect();
        print(&format!("  {:<7} {}", role.as_str(), names.join(", ")));
    }
    if io::stdout().is_terminal() {
        print("Ctrl-C stops it.");
    }
}

/// Waits for SIGINT (Ctrl-C) or SIGTERM.
async fn wait_for_shutdown_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

async fn tokens(
    app: &App,
    usernames: &[String],
    synthetic: Option<u64>,
) -> Result<String, Box<dyn StdError>> {
    let mut signed_in: Vec<SignedIn> = Vec::new();
    if let Some(count) = synthetic {
        signed_in = app.services.synthetic_tokens(count).await?;
    }
    for username in usernames {
        signed_in.push(
            app.services
                .issue_token_for(username)
                .await
                .map_err(|error| format!("{username}: {error}"))?,
        );
    }
    let list: Vec<_> = signed_in
        .iter()
        .map(|s| json!({ "id": s.user.id, "username": s.user.username, "token": s.issued.token }))
        .collect();
    Ok(serde_json::to_string(&list)?)
}

async fn account(app: &App, action: UserAction) -> Result<String, Box<dyn StdError>> {
    let read_password = || -> Result<String, io::Error> {
        if io::stdin().is_terminal() {
            let _ = write!(io::stderr(), "Password: ");
        }
        let mut line = String::new();
        io::stdin().read_line(&mut line)?;
        Ok(line.trim_end_matches(['\n', '\r']).to_owned())
    };
    let user = match action {
        UserAction::Create { username, role } => {
            app.services
                .add_account(username, read_password()?, role)
                .await?
        }
        UserAction::Passwd { username } => {
            app.services
                .set_account(&username, Some(read_password()?), None)
                .await?
        }
        UserAction::Role { username, role } => {
            app.services
                .set_account(&username, None, Some(role))
                .await?
        }
    };
    Ok(json!({ "id": user.id, "username": user.username, "role": user.role.as_str() }).to_string())
}

/// Requests `GET /api/health` of the service that these settings describe.
async fn check_health(settings: &Settings) -> bool {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let host = if settings.listen.host.is_unspecified() {
        [127, 0, 0, 1].into()
    } else {
        settings.listen.host
    };
    let ask = async {
        let mut stream = tokio::net::TcpStream::connect((host, settings.listen.port)).await?;
        let asked = SocketAddr::new(host, settings.listen.port);
        let request =
            format!("GET /api/health HTTP/1.1\r\nHost: {asked}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(4_096).read_to_end(&mut answer).await?;
        Ok::<bool, io::Error>(answer.starts_with(b"HTTP/1.1 200"))
    };
    matches!(
        tokio::time::timeout(Duration::from_secs(5), ask).await,
        Ok(Ok(true))
    )
}
