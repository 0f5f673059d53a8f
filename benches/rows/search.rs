//! Searches at a million messages while others write, and what the index costs those who write.

use std::time::Duration;

use tokio::time::sleep;

use super::{Figures, cast, fig, with};
use crate::{
    Outcome,
    clock::Clock,
    cluster::{House, MILLION},
    contestant::{Contestant, Kind},
    http::{self, Line as Connection, Request},
    machine::CpuWatch,
    options::Options,
    people::{Person, World},
    report::{Line, Row, Samples, Target},
    talk::{Pace, Talk},
};

const TALKERS: usize = 200;
const RATE: f64 = 500.0;
const WINDOW: usize = 8;

/// What is asked: each word stands in about every fifth message of the synthetic history.
const ASKED: [(&str, [&str; 4]); 4] = [
    ("one English word", ["potassium", "Pressure", "discharged", "checks"]),
    (
        "three English words",
        ["chart dose stable", "fever ready family", "night scan checked", "ward bed thanks"],
    ),
    ("one Chinese word", ["血压", "化验", "出院", "体温"]),
    ("three Chinese words", ["患者血压正常", "护士 复查 体温", "化验结果 马上", "医生 病房 用药"]),
];

pub async fn run(house: &House, options: &Options) -> Outcome<Row> {
    let million = house.million(options).await?;
    let mut samples = Samples::of("search");
    for round in 1..=options.rounds {
        let work = async |contestant: &Contestant| measure(house, contestant, million, options).await;
        samples.note(round, Kind::Wardline, with(house, Kind::Wardline, MILLION, work).await);
    }
    let live = house.live(!options.no_peer).await?;
    let mut costs = Samples::of("search, what the index costs");
    for round in 1..=options.rounds {
        let mut figures = Figures::new();
        // In turns: the second of two is never quite in the position of the first.
        let order = if round % 2 == 0 { [true, false] } else { [false, true] };
        for is_indexed in order {
            figures.extend(insert_rate(house, live, options, is_indexed).await?);
        }
        costs.note(round, Kind::Wardline, Ok(figures));
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
    lines.push(Line::new("search: longest from commit to index at 500/s", worst, Target::AtMost(1.0), " s"));
    let [with_index, without] = [true, false].map(|on| costs.median(&rate_of(on), Kind::Wardline));
    lines.push(Line::ratio(
        "search: messages/s with the index (left) against without (right)",
        with_index,
        without,
        Target::AtLeast(0.9),
    ));
    Ok(Row {
        name: "search",
        how: format!(
            "`GET /api/chat/messages/search` on the database of a million messages, while {TALKERS} people write \
             {RATE} messages/s to each other (open loop). One search at a time over one kept connection. Each word stands in \
             about every fifth message. \"Anybody\": a random person, who has four sessions; \"big session\": one who has \
             half of all messages in one session. The lag is what `/metrics` says after each: how long the oldest \
             message of the last commit of the index had waited for it. What the index costs: {TALKERS} people in a \
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

type Choose = for<'a> fn(&'a World, u64) -> &'a Person;

/// Who asks.
const ASKERS: [(&str, Choose); 2] = [("anybody", anybody), ("big session", of_the_big_session)];

fn anybody(world: &World, random: u64) -> &Person {
    &world.people[(random % world.people.len() as u64) as usize]
}

fn of_the_big_session(world: &World, random: u64) -> &Person {
    let most = |person: &&Person| person.seats.iter().map(|seat| seat.seq).max();
    world.people.iter().max_by_key(most).unwrap_or_else(|| anybody(world, random))
}

fn request<'a>(person: &'a Person, keywords: &[&str; 4], random: u64) -> Request<'a> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let keyword = keywords[(random.rotate_left(32) % 4) as usize];
    query.append_pair("userId", &person.id).append_pair("keyword", keyword).append_pair("limit", "20");
    (format!("/api/chat/messages/search?{}", query.finish()), person.token.as_str())
}

/// What `/metrics` says of one gauge.
async fn gauge(contestant: &Contestant, name: &str) -> Outcome<f64> {
    let mut connection = Connection::open(contestant.address).await?;
    let page = String::from_utf8_lossy(connection.get("/metrics", "").await?).into_owned();
    let value = page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.ok_or_else(|| format!("no {name} in the metrics").into())
}

async fn measure(
    house: &House,
    contestant: &Contestant,
    world: &World,
    options: &Options,
) -> Outcome<Figures> {
    let (mut clock, told) = Clock::new(TALKERS);
    let mut told = told.into_iter();
    let cast = cast(contestant, world, 0..TALKERS, |_| told.next().map_or(Pace::Silent, Pace::Open)).await?;
    let mut talk = Talk::begin(cast);
    clock.start(RATE);
    sleep(options.seconds(2.0, 0.5)).await;
    talk.measure();
    let cpu = CpuWatch::start(contestant.pid, house.mongod_pid());
    let (mut figures, mut lag) = (Figures::new(), 0_f64);
    for (who, choose) in ASKERS {
        for (what, keywords) in &ASKED {
            let next = |random| request(choose(world, random), keywords, random);
            let limit = options.seconds(5.0, 0.5);
            let mut times = http::times(contestant.address, options.count(1_000, 50), limit, next).await?;
            for percent in [50, 99] {
                let time = times.percentile(f64::from(percent)).unwrap_or_default();
                figures.push(fig(figure(who, what, percent), time));
            }
            lag = lag.max(gauge(contestant, "wardline_search_lag_seconds").await?);
        }
    }
    let shares = cpu.shares("searches and writes");
    drop(clock);
    let talked = talk.finish().await;
    if let Some(error) = talked.errors.first() {
        return Err(error.clone().into());
    }
    figures.push(fig(LAG, lag));
    figures.push(fig("messages/s meanwhile", talked.rate));
    figures.push(fig("documents", gauge(contestant, "wardline_search_documents").await?));
    figures.extend(shares);
    Ok(figures)
}

fn rate_of(is_indexed: bool) -> String {
    format!("{} the index, messages/s", if is_indexed { "with" } else { "without" })
}

async fn insert_rate(house: &House, world: &World, options: &Options, is_indexed: bool) -> Outcome<Figures> {
    let data = if is_indexed { house.data() } else { house.data_without_index()? };
    let contestant = Contestant::start_with(house, Kind::Wardline, "bench", &data).await?;
    let result = async {
        let pace = |_| Pace::Closed { window: WINDOW, pause: None };
        let mut talk = Talk::begin(cast(&contestant, world, 0..TALKERS, pace).await?);
        sleep(options.seconds(3.0, 0.5)).await;
        talk.measure();
        let cpu = CpuWatch::start(contestant.pid, house.mongod_pid());
        sleep(options.seconds(10.0, 1.0)).await;
        let shares = cpu.shares(if is_indexed { "with" } else { "without" });
        let talked = talk.finish().await;
        if let Some(error) = talked.errors.first() {
            return Err(error.clone().into());
        }
        let mut figures = vec![fig(rate_of(is_indexed), talked.rate)];
        figures.extend(shares);
        Outcome::Ok(figures)
    }
    .await;
    contestant.stop().await?;
    sleep(Duration::from_secs(1)).await;
    result
}
