//! Searches at a million messages under load, and the cost of the index for the senders.

use std::time::Duration;

use tokio::time::sleep;

use super::{Figures, connect_participants, fig, with};
use crate::{
    Outcome,
    clock::Clock,
    dataset::{Dataset, MILLION},
    http::{self, Connection, Request},
    machine::CpuWatch,
    options::Options,
    report::{CaseReport, Line, Samples, Target},
    scenario::{Pace, Scenario},
    subject::{Kind, Subject},
    users::{Population, User},
};

const SENDERS: usize = 200;
const RATE: f64 = 500.0;
const WINDOW: usize = 8;

/// The keywords: each word occurs in about every fifth message of the synthetic history.
const ASKED: [(&str, [&str; 4]); 4] = [
    (
        "one English word",
        ["potassium", "Pressure", "discharged", "checks"],
    ),
    (
        "three English words",
        [
            "chart dose stable",
            "fever ready family",
            "night scan checked",
            "ward bed thanks",
        ],
    ),
    ("one Chinese word", ["血压", "化验", "出院", "体温"]),
    (
        "three Chinese words",
        [
            "患者血压正常",
            "护士 复查 体温",
            "化验结果 马上",
            "医生 病房 用药",
        ],
    ),
];

pub async fn run(dataset: &Dataset, options: &Options) -> Outcome<CaseReport> {
    let million = dataset.million(options).await?;
    let mut samples = Samples::of("search");
    for round in 1..=options.rounds {
        let work = async |subject: &Subject| measure(dataset, subject, million, options).await;
        samples.record(
            round,
            Kind::Wardline,
            with(dataset, Kind::Wardline, MILLION, work).await,
        );
    }
    let live = dataset.live(!options.no_peer).await?;
    let mut costs = Samples::of("search, what the index costs");
    for round in 1..=options.rounds {
        let mut figures = Figures::new();
        // The order alternates, since the second of two never has quite the conditions of the
        // first.
        let order = if round % 2 == 0 {
            [true, false]
        } else {
            [false, true]
        };
        for is_indexed in order {
            figures.extend(insert_rate(dataset, live, options, is_indexed).await?);
        }
        costs.record(round, Kind::Wardline, Ok(figures));
    }
    let mut lines = Vec::new();
    for (who, _) in ASKERS {
        for (what, _) in ASKED {
            let p99 = samples.median(&figure(who, what, 99), Kind::Wardline);
            let p50 = samples.median(&figure(who, what, 50), Kind::Wardline);
            let name = format!("search: {what}, {who}, p99 ms (left), p50 ms (right)");
            lines.push(Line::new(&name, p99, Target::AtMost(50.0), " ms").with(p99, p50));
        }
    }
    let worst = samples.median(LAG, Kind::Wardline);
    lines.push(Line::new(
        "search: longest from commit to index at 500/s",
        worst,
        Target::AtMost(1.0),
        " s",
    ));
    let [with_index, without] = [true, false].map(|on| costs.median(&rate_of(on), Kind::Wardline));
    lines.push(Line::ratio(
        "search: messages/s with the index (left) against without (right)",
        with_index,
        without,
        Target::AtLeast(0.9),
    ));
    Ok(CaseReport {
        name: "search",
        how: format!(
            "`GET /api/chat/messages/search` on the database of a million messages, while {SENDERS} users send \
             {RATE} messages/s to each other (open loop). One search at a time over one persistent connection. Each word occurs in \
             about every fifth message. \"Anybody\": a random user, who has four sessions; \"big session\": one who has \
             half of all messages in one session. The lag is that of `/metrics` after each: how long the oldest \
             message of the last commit of the index had waited for it. What the index costs: {SENDERS} users in a \
             closed loop with {WINDOW} messages in flight, as in *throughput*, with the index and without."
        ),
        lines,
        raw: format!("{}\n{}", samples.raw(), costs.raw()),
        faults: Vec::new(),
    })
}

const LAG: &str = "longest lag s";

fn figure(who: &str, what: &str, percent: u8) -> String {
    format!("{who}, {what} p{percent} ms")
}

type Choose = for<'a> fn(&'a Population, u64) -> &'a User;

/// The users who search.
const ASKERS: [(&str, Choose); 2] = [("anybody", anybody), ("big session", of_the_big_session)];

fn anybody(population: &Population, random: u64) -> &User {
    &population.users[(random % population.users.len() as u64) as usize]
}

fn of_the_big_session(population: &Population, random: u64) -> &User {
    let most = |user: &&User| {
        user.memberships
            .iter()
            .map(|membership| membership.seq)
            .max()
    };
    population
        .users
        .iter()
        .max_by_key(most)
        .unwrap_or_else(|| anybody(population, random))
}

fn request<'a>(user: &'a User, keywords: &[&str; 4], random: u64) -> Request<'a> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let keyword = keywords[(random.rotate_left(32) % 4) as usize];
    query
        .append_pair("userId", &user.id)
        .append_pair("keyword", keyword)
        .append_pair("limit", "20");
    (
        format!("/api/chat/messages/search?{}", query.finish()),
        user.token.as_str(),
    )
}

/// Returns the value of one gauge of `/metrics`.
async fn gauge(subject: &Subject, name: &str) -> Outcome<f64> {
    let mut connection = Connection::open(subject.address).await?;
    let page = String::from_utf8_lossy(connection.get("/metrics", "").await?).into_owned();
    let value = page
        .lines()
        .find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.ok_or_else(|| format!("no {name} in the metrics").into())
}

async fn measure(
    dataset: &Dataset,
    subject: &Subject,
    population: &Population,
    options: &Options,
) -> Outcome<Figures> {
    let (mut clock, due_times) = Clock::new(SENDERS);
    let mut due_times = due_times.into_iter();
    let participants = connect_participants(subject, population, 0..SENDERS, |_| {
        due_times.next().map_or(Pace::Silent, Pace::Open)
    })
    .await?;
    let mut scenario = Scenario::begin(participants);
    clock.start(RATE);
    sleep(options.seconds(2.0, 0.5)).await;
    scenario.measure();
    let cpu = CpuWatch::start(subject.pid, dataset.mongod_pid());
    let (mut figures, mut lag) = (Figures::new(), 0_f64);
    for (who, choose) in ASKERS {
        for (what, keywords) in &ASKED {
            let next = |random| request(choose(population, random), keywords, random);
            let limit = options.seconds(5.0, 0.5);
            let mut times =
                http::times(subject.address, options.count(1_000, 50), limit, next).await?;
            for percent in [50, 99] {
                let time = times.percentile(f64::from(percent)).unwrap_or_default();
                figures.push(fig(figure(who, what, percent), time));
            }
            lag = lag.max(gauge(subject, "wardline_search_lag_seconds").await?);
        }
    }
    let shares = cpu.shares("searches and writes");
    drop(clock);
    let totals = scenario.finish().await;
    if let Some(error) = totals.errors.first() {
        return Err(error.clone().into());
    }
    figures.push(fig(LAG, lag));
    figures.push(fig("messages/s meanwhile", totals.rate));
    figures.push(fig(
        "documents",
        gauge(subject, "wardline_search_documents").await?,
    ));
    figures.extend(shares);
    Ok(figures)
}

fn rate_of(is_indexed: bool) -> String {
    format!(
        "{} the index, messages/s",
        if is_indexed { "with" } else { "without" }
    )
}

async fn insert_rate(
    dataset: &Dataset,
    population: &Population,
    options: &Options,
    is_indexed: bool,
) -> Outcome<Figures> {
    let data = if is_indexed {
        dataset.data()
    } else {
        dataset.data_without_index()?
    };
    let subject = Subject::start_with(dataset, Kind::Wardline, "bench", &data).await?;
    let result = async {
        let pace = |_| Pace::Closed {
            window: WINDOW,
            pause: None,
        };
        let mut scenario =
            Scenario::begin(connect_participants(&subject, population, 0..SENDERS, pace).await?);
        sleep(options.seconds(3.0, 0.5)).await;
        scenario.measure();
        let cpu = CpuWatch::start(subject.pid, dataset.mongod_pid());
        sleep(options.seconds(10.0, 1.0)).await;
        let shares = cpu.shares(if is_indexed { "with" } else { "without" });
        let totals = scenario.finish().await;
        if let Some(error) = totals.errors.first() {
            return Err(error.clone().into());
        }
        let mut figures = vec![fig(rate_of(is_indexed), totals.rate)];
        figures.extend(shares);
        Outcome::Ok(figures)
    }
    .await;
    subject.stop().await?;
    sleep(Duration::from_secs(1)).await;
    result
}
