//! A conversation under load: who sends when, what came back, and whether anything was lost, doubled or
//! out of order.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    client::Socket,
    stats::Times,
    wire::{self, Letter, Mark, Packet},
};

/// How long what is under way may take to arrive once nobody sends any more.
const DRAIN: Duration = Duration::from_secs(15);

/// When somebody sends.
pub enum Pace {
    /// So many messages without their acknowledgement, and perhaps a pause after each.
    Closed { window: usize, pause: Option<Duration> },
    /// At the moments that come through here, whatever became of the messages before.
    Open(mpsc::Receiver<Instant>),
    /// Never.
    Silent,
}

/// Somebody who takes part; voice `n` of a talk is the `n`th of its cast.
pub struct Cast {
    pub socket: Socket,
    pub session: String,
    pub user: String,
    pub pace: Pace,
}

const WARMING: u8 = 0;
const MEASURED: u8 = 1;
const ENDING: u8 = 2;

/// A message on its way.
#[derive(Clone, Copy)]
struct Slot {
    /// When it was sent, or should have been.
    at: Instant,
    /// It was sent in the measured time.
    counts: bool,
    answer: Answer,
    received: bool,
    seq: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Awaited,
    Acknowledged,
    Refused,
}

struct Shared {
    run: u32,
    phase: AtomicU8,
    stop: CancellationToken,
    /// The messages of each voice.
    sent: Vec<Mutex<Vec<Slot>>>,
}

impl Shared {
    fn with<T>(&self, voice: usize, look: impl FnOnce(&mut Vec<Slot>) -> T) -> T {
        look(&mut self.sent[voice].lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn phase(&self) -> u8 {
        self.phase.load(Ordering::Relaxed)
    }
}

/// What one voice saw.
#[derive(Default)]
struct Seen {
    socket: Option<Socket>,
    error: Option<String>,
    /// Messages that became acknowledged and delivered, by this voice's half, in the measured time.
    completed: u64,
    acks: Times,
    deliveries: Times,
    faults: Faults,
}

/// What must not be.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Faults {
    /// Acknowledged and never received.
    pub missing: u64,
    /// Received more than once.
    pub doubled: u64,
    /// Received after a later one of its session, or stored in another order than sent.
    pub disordered: u64,
    /// Acknowledged with another `seq` than received.
    pub contradicted: u64,
}

impl Faults {
    pub fn total(self) -> u64 {
        self.missing + self.doubled + self.disordered + self.contradicted
    }

    pub fn add(&mut self, other: Self) {
        self.missing += other.missing;
        self.doubled += other.doubled;
        self.disordered += other.disordered;
        self.contradicted += other.contradicted;
    }
}

/// What a conversation came to.
pub struct Talked {
    /// Messages per second that became acknowledged and delivered in the measured time.
    pub rate: f64,
    pub acks: Times,
    pub deliveries: Times,
    pub unanswered: u64,
    pub faults: Faults,
    pub sockets: Vec<Socket>,
    pub errors: Vec<String>,
}

/// A conversation that goes on.
pub struct Talk {
    shared: Arc<Shared>,
    voices: Vec<JoinHandle<Seen>>,
    measured: Option<Instant>,
}

impl Talk {
    pub fn begin(cast: Vec<Cast>) -> Self {
        static RUNS: AtomicU32 = AtomicU32::new(0);
        let shared = Arc::new(Shared {
            run: rand::random_range(0..99_000_000) + RUNS.fetch_add(1, Ordering::Relaxed),
            phase: AtomicU8::new(WARMING),
            stop: CancellationToken::new(),
            sent: cast.iter().map(|_| Mutex::default()).collect(),
        });
        let voices = cast.into_iter().enumerate().map(|(me, cast)| {
            let letter = Letter::new(shared.run, me as u32, &cast.session, &cast.user);
            let (shared, mut seen) = (Arc::clone(&shared), Seen::default());
            tokio::spawn(async move {
                let mut socket = cast.socket;
                match speak(&shared, me, &mut socket, &letter, cast.pace, &mut seen).await {
                    Ok(()) => seen.socket = Some(socket),
                    Err(error) => seen.error = Some(error.to_string()),
                }
                seen
            })
        });
        Self { voices: voices.collect(), shared, measured: None }
    }

    /// From now on it counts.
    pub fn measure(&mut self) {
        self.shared.phase.store(MEASURED, Ordering::Relaxed);
        self.measured = Some(Instant::now());
    }

    /// Warms up, measures, and ends it.
    pub async fn run(mut self, warm: Duration, measured: Duration) -> Talked {
        sleep(warm).await;
        self.measure();
        sleep(measured).await;
        self.finish().await
    }

    /// Nobody sends any more; waits for what is under way.
    pub async fn finish(self) -> Talked {
        self.shared.phase.store(ENDING, Ordering::Relaxed);
        let elapsed = self.measured.map_or(Duration::ZERO, |since| since.elapsed());
        let deadline = Instant::now() + DRAIN;
        let is_open = |slot: &Slot| match slot.answer {
            Answer::Awaited => true,
            Answer::Acknowledged => !slot.received,
            Answer::Refused => false,
        };
        let is_under_way = |voice| self.shared.with(voice, |slots| slots.iter().any(is_open));
        while (0..self.voices.len()).any(is_under_way) && Instant::now() < deadline {
            if self.voices.iter().any(JoinHandle::is_finished) {
                break; // somebody's connection is gone
            }
            sleep(Duration::from_millis(50)).await;
        }
        self.shared.stop.cancel();
        let mut talked = Talked {
            rate: 0.0,
            acks: Times::default(),
            deliveries: Times::default(),
            unanswered: 0,
            faults: Faults::default(),
            sockets: Vec::new(),
            errors: Vec::new(),
        };
        let mut completed = 0;
        for voice in self.voices {
            let Ok(seen) = voice.await else {
                talked.errors.push("a voice of the load tool broke".to_owned());
                continue;
            };
            completed += seen.completed;
            talked.acks.append(seen.acks);
            talked.deliveries.append(seen.deliveries);
            talked.faults.add(seen.faults);
            talked.sockets.extend(seen.socket);
            talked.errors.extend(seen.error);
        }
        talked.rate = completed as f64 / elapsed.as_secs_f64().max(f64::EPSILON);
        for slots in &self.shared.sent {
            for slot in slots.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                match slot.answer {
                    Answer::Awaited => talked.unanswered += 1,
                    Answer::Acknowledged if !slot.received => talked.faults.missing += 1,
                    Answer::Acknowledged | Answer::Refused => {}
                }
            }
        }
        talked
    }
}

async fn speak(
    shared: &Shared,
    me: usize,
    socket: &mut Socket,
    letter: &Letter,
    mut pace: Pace,
    seen: &mut Seen,
) -> io::Result<()> {
    let stop = shared.stop.cancelled();
    tokio::pin!(stop);
    // Of the other one's messages: the newest number and `seq` received.
    let mut newest: Option<(u32, u64)> = None;
    let mut in_flight = 0;
    let mut pause_until: Option<Instant> = None;
    loop {
        if let Pace::Closed { window, .. } = &pace {
            while in_flight < *window && shared.phase() != ENDING && pause_until.is_none() {
                send(shared, me, socket, letter, Instant::now());
                in_flight += 1;
            }
        }
        socket.flush().await?;
        tokio::select! {
            biased;
            () = &mut stop => return Ok(()),
            filled = socket.input.fill(&mut socket.stream) => filled?,
            due = next_due(&mut pace) => {
                if shared.phase() != ENDING {
                    send(shared, me, socket, letter, due);
                }
                continue;
            }
            () = wait_until(pause_until) => {
                pause_until = None;
                continue;
            }
        }
        let Socket { input, output, .. } = &mut *socket;
        while let Some(packet) = input.next()? {
            match wire::read(packet) {
                Packet::Ping => output.bytes(b"3"),
                Packet::Answer { id, body } => {
                    in_flight = usize::saturating_sub(in_flight, 1);
                    acknowledged(shared, me, id, body, seen);
                    if let Pace::Closed { pause: Some(pause), .. } = &pace {
                        pause_until = Some(Instant::now() + *pause);
                    }
                }
                Packet::Event { name: b"message:receive", body } => {
                    received(shared, body, &mut newest, seen);
                }
                _ => {}
            }
        }
    }
}

async fn next_due(pace: &mut Pace) -> Instant {
    if let Pace::Open(due) = pace
        && let Some(due) = due.recv().await
    {
        return due;
    }
    std::future::pending().await
}

async fn wait_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}

fn send(shared: &Shared, me: usize, socket: &mut Socket, letter: &Letter, at: Instant) {
    let counts = shared.phase() == MEASURED;
    let number = shared.with(me, |slots| {
        slots.push(Slot { at, counts, answer: Answer::Awaited, received: false, seq: 0 });
        slots.len() - 1
    });
    socket.output.text(|out| letter.write(out, number as u32));
}

fn micros(since: Instant) -> u32 {
    u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX)
}

fn acknowledged(shared: &Shared, me: usize, number: u64, body: &[u8], seen: &mut Seen) {
    let seq = wire::field(body, b"\"seq\":").filter(|_| wire::is_success(body));
    let slot = shared.with(me, |slots| {
        let slot = slots.get_mut(number as usize)?;
        match seq {
            Some(seq) => {
                seen.faults.contradicted += u64::from(slot.received && slot.seq != seq);
                (slot.answer, slot.seq) = (Answer::Acknowledged, seq);
            }
            None => slot.answer = Answer::Refused,
        }
        Some(*slot)
    });
    let Some(slot) = slot else { return };
    if slot.answer == Answer::Refused {
        if seen.error.is_none() {
            let words = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
            seen.error = Some(format!("a message was refused: {words}"));
        }
        return;
    }
    if slot.counts {
        seen.acks.push(micros(slot.at));
    }
    seen.completed += u64::from(slot.received && shared.phase() == MEASURED);
}

fn received(shared: &Shared, body: &[u8], newest: &mut Option<(u32, u64)>, seen: &mut Seen) {
    let (Some(mark), Some(seq)) = (Mark::find(body), wire::field(body, b"\"seq\":")) else { return };
    if mark.run != shared.run {
        return;
    }
    let slot = shared.with(mark.voice as usize, |slots| {
        let slot = slots.get_mut(mark.number as usize)?;
        let before = *slot;
        seen.faults.contradicted += u64::from(slot.answer == Answer::Acknowledged && slot.seq != seq);
        (slot.received, slot.seq) = (true, seq);
        Some(before)
    });
    let Some(slot) = slot else { return };
    if slot.received {
        seen.faults.doubled += 1;
        return;
    }
    if newest.is_some_and(|(number, newest)| mark.number <= number || seq <= newest) {
        seen.faults.disordered += 1;
    } else {
        *newest = Some((mark.number, seq));
    }
    if slot.counts {
        seen.deliveries.push(micros(slot.at));
    }
    seen.completed += u64::from(slot.answer == Answer::Acknowledged && shared.phase() == MEASURED);
}
