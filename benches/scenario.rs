//! Conversations under load: the pace of the senders, the latencies, and whether a message was
//! lost, doubled or out of order.

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
    wire::{self, Mark, MessageTemplate, Packet},
};

/// How long messages in flight may take to arrive after the last send.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(15);

/// When a participant sends.
pub enum Pace {
    /// Keeps `window` messages in flight, with an optional pause after each acknowledgement.
    Closed {
        window: usize,
        pause: Option<Duration>,
    },
    /// Sends at the received due times, without waiting for earlier messages.
    Open(mpsc::Receiver<Instant>),
    /// Sends nothing.
    Silent,
}

/// A user who takes part in a scenario; sender `n` is the `n`th participant.
pub struct Participant {
    pub socket: Socket,
    pub session: String,
    pub user: String,
    pub pace: Pace,
}

const WARMING: u8 = 0;
const MEASURED: u8 = 1;
const ENDING: u8 = 2;

/// A sent message.
#[derive(Clone, Copy)]
struct Slot {
    /// When it was sent, or was due.
    at: Instant,
    /// Whether it was sent in the measured time.
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
    /// The messages of each sender.
    sent: Vec<Mutex<Vec<Slot>>>,
}

impl Shared {
    fn with<T>(&self, sender: usize, access: impl FnOnce(&mut Vec<Slot>) -> T) -> T {
        access(
            &mut self.sent[sender]
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    fn phase(&self) -> u8 {
        self.phase.load(Ordering::Relaxed)
    }
}

/// The observations of one participant.
#[derive(Default)]
struct Observations {
    socket: Option<Socket>,
    error: Option<String>,
    /// Messages whose second half, acknowledgement or delivery, this participant received in the
    /// measured time.
    completed: u64,
    acks: Times,
    deliveries: Times,
    faults: Faults,
}

/// The counts of violated guarantees.
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

/// The totals of a scenario.
pub struct Totals {
    /// The messages per second that were acknowledged and delivered in the measured time.
    pub rate: f64,
    pub acks: Times,
    pub deliveries: Times,
    pub unanswered: u64,
    pub faults: Faults,
    pub sockets: Vec<Socket>,
    pub errors: Vec<String>,
}

/// A running scenario.
pub struct Scenario {
    shared: Arc<Shared>,
    senders: Vec<JoinHandle<Observations>>,
    measured: Option<Instant>,
}

impl Scenario {
    pub fn begin(participants: Vec<Participant>) -> Self {
        static RUNS: AtomicU32 = AtomicU32::new(0);
        let shared = Arc::new(Shared {
            run: rand::random_range(0..99_000_000) + RUNS.fetch_add(1, Ordering::Relaxed),
            phase: AtomicU8::new(WARMING),
            stop: CancellationToken::new(),
            sent: participants.iter().map(|_| Mutex::default()).collect(),
        });
        let senders = participants
            .into_iter()
            .enumerate()
            .map(|(me, participant)| {
                let template = MessageTemplate::new(
                    shared.run,
                    me as u32,
                    &participant.session,
                    &participant.user,
                );
                let (shared, mut observed) = (Arc::clone(&shared), Observations::default());
                tokio::spawn(async move {
                    let mut socket = participant.socket;
                    match run_participant(
                        &shared,
                        me,
                        &mut socket,
                        &template,
                        participant.pace,
                        &mut observed,
                    )
                    .await
                    {
                        Ok(()) => observed.socket = Some(socket),
                        Err(error) => observed.error = Some(error.to_string()),
                    }
                    observed
                })
            });
        Self {
            senders: senders.collect(),
            shared,
            measured: None,
        }
    }

    /// Starts the measured time.
    pub fn measure(&mut self) {
        self.shared.phase.store(MEASURED, Ordering::Relaxed);
        self.measured = Some(Instant::now());
    }

    /// Warms up, measures and finishes.
    pub async fn run(mut self, warm: Duration, measured: Duration) -> Totals {
        sleep(warm).await;
        self.measure();
        sleep(measured).await;
        self.finish().await
    }

    /// Stops the sends, and waits for the messages in flight.
    pub async fn finish(self) -> Totals {
        self.shared.phase.store(ENDING, Ordering::Relaxed);
        let elapsed = self
            .measured
            .map_or(Duration::ZERO, |since| since.elapsed());
        let deadline = Instant::now() + DRAIN_TIMEOUT;
        let is_open = |slot: &Slot| match slot.answer {
            Answer::Awaited => true,
            Answer::Acknowledged => !slot.received,
            Answer::Refused => false,
        };
        let has_open_messages =
            |sender| self.shared.with(sender, |slots| slots.iter().any(is_open));
        while (0..self.senders.len()).any(has_open_messages) && Instant::now() < deadline {
            if self.senders.iter().any(JoinHandle::is_finished) {
                break; // a connection ended
            }
            sleep(Duration::from_millis(50)).await;
        }
        self.shared.stop.cancel();
        let mut totals = Totals {
            rate: 0.0,
            acks: Times::default(),
            deliveries: Times::default(),
            unanswered: 0,
            faults: Faults::default(),
            sockets: Vec::new(),
            errors: Vec::new(),
        };
        let mut completed = 0;
        for sender in self.senders {
            let Ok(observed) = sender.await else {
                totals
                    .errors
                    .push("a sender of the load tool panicked".to_owned());
                continue;
            };
            completed += observed.completed;
            totals.acks.append(observed.acks);
            totals.deliveries.append(observed.deliveries);
            totals.faults.add(observed.faults);
            totals.sockets.extend(observed.socket);
            totals.errors.extend(observed.error);
        }
        totals.rate = completed as f64 / elapsed.as_secs_f64().max(f64::EPSILON);
        for slots in &self.shared.sent {
            for slot in slots.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                match slot.answer {
                    Answer::Awaited => totals.unanswered += 1,
                    Answer::Acknowledged if !slot.received => totals.faults.missing += 1,
                    Answer::Acknowledged | Answer::Refused => {}
                }
            }
        }
        totals
    }
}

async fn run_participant(
    shared: &Shared,
    me: usize,
    socket: &mut Socket,
    template: &MessageTemplate,
    mut pace: Pace,
    observed: &mut Observations,
) -> io::Result<()> {
    let stop = shared.stop.cancelled();
    tokio::pin!(stop);
    // The newest number and `seq` received from the other participant.
    let mut newest: Option<(u32, u64)> = None;
    let mut in_flight = 0;
    let mut pause_until: Option<Instant> = None;
    loop {
        if let Pace::Closed { window, .. } = &pace {
            while in_flight < *window && shared.phase() != ENDING && pause_until.is_none() {
                send(shared, me, socket, template, Instant::now());
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
                    send(shared, me, socket, template, due);
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
                    acknowledged(shared, me, id, body, observed);
                    if let Pace::Closed {
                        pause: Some(pause), ..
                    } = &pace
                    {
                        pause_until = Some(Instant::now() + *pause);
                    }
                }
                Packet::Event {
                    name: b"message:receive",
                    body,
                } => {
                    received(shared, body, &mut newest, observed);
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

fn send(shared: &Shared, me: usize, socket: &mut Socket, template: &MessageTemplate, at: Instant) {
    let counts = shared.phase() == MEASURED;
    let number = shared.with(me, |slots| {
        slots.push(Slot {
            at,
            counts,
            answer: Answer::Awaited,
            received: false,
            seq: 0,
        });
        slots.len() - 1
    });
    socket.output.text(|out| template.write(out, number as u32));
}

fn micros(since: Instant) -> u32 {
    u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX)
}

fn acknowledged(shared: &Shared, me: usize, number: u64, body: &[u8], observed: &mut Observations) {
    let seq = wire::field(body, b"\"seq\":").filter(|_| wire::is_success(body));
    let slot = shared.with(me, |slots| {
        let slot = slots.get_mut(number as usize)?;
        match seq {
            Some(seq) => {
                observed.faults.contradicted += u64::from(slot.received && slot.seq != seq);
                (slot.answer, slot.seq) = (Answer::Acknowledged, seq);
            }
            None => slot.answer = Answer::Refused,
        }
        Some(*slot)
    });
    let Some(slot) = slot else { return };
    if slot.answer == Answer::Refused {
        if observed.error.is_none() {
            let words = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
            observed.error = Some(format!("a message was refused: {words}"));
        }
        return;
    }
    if slot.counts {
        observed.acks.push(micros(slot.at));
    }
    observed.completed += u64::from(slot.received && shared.phase() == MEASURED);
}

fn received(
    shared: &Shared,
    body: &[u8],
    newest: &mut Option<(u32, u64)>,
    observed: &mut Observations,
) {
    let (Some(mark), Some(seq)) = (Mark::find(body), wire::field(body, b"\"seq\":")) else {
        return;
    };
    if mark.run != shared.run {
        return;
    }
    let slot = shared.with(mark.sender as usize, |slots| {
        let slot = slots.get_mut(mark.number as usize)?;
        let before = *slot;
        observed.faults.contradicted +=
            u64::from(slot.answer == Answer::Acknowledged && slot.seq != seq);
        (slot.received, slot.seq) = (true, seq);
        Some(before)
    });
    let Some(slot) = slot else { return };
    if slot.received {
        observed.faults.doubled += 1;
        return;
    }
    if newest.is_some_and(|(number, newest)| mark.number <= number || seq <= newest) {
        observed.faults.disordered += 1;
    } else {
        *newest = Some((mark.number, seq));
    }
    if slot.counts {
        observed.deliveries.push(micros(slot.at));
    }
    observed.completed +=
        u64::from(slot.answer == Answer::Acknowledged && shared.phase() == MEASURED);
}
