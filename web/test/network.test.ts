// The core against the real service, with the network cut under it.
import "fake-indexeddb/auto";
import { afterEach, describe, expect, test } from "vitest";
import { openStorage } from "../src/core/storage";
import {
  type Device,
  device,
  essence,
  everybodyLeaves,
  group,
  live,
  store,
  stored,
  texts,
  unconnected,
  until,
} from "./support/ward";

afterEach(everybodyLeaves);

const say = (one: Device, sessionId: string, content: string) =>
  one.client.outbox.add(sessionId, { messageType: "text", content });
const numbered = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name} ${index + 1}`);
const emptied = (...all: Device[]) =>
  until(() => all.every((one) => one.client.outbox.size === 0), "everything is sent", 60_000);
const head = (one: Device, id: string, seq: number) =>
  until(() => store(one, id).syncedSeq >= seq, `seq ${seq} is known`);

/** Everything the device has is what a fresh fetch gives, and it has everything. */
async function converged(one: Device, sessionId: string): Promise<void> {
  const truth = await stored(one, sessionId);
  const session = store(one, sessionId);
  await until(() => session.head === truth.length, "the newest is known");
  await one.client.history.ensure(session, 1, session.head);
  expect(session.timeline.all().map(essence)).toEqual(truth.map(essence));
}

describe("talking", () => {
  test("a message goes to everybody once, with its place, and how far it came is told", async () => {
    const nurse = await device("nurse.li");
    const doctor = await device("dr.chen");
    const ward = await group(nurse, doctor);
    say(nurse, ward, "Bed 12 is ready.");
    const there = () => store(doctor, ward).newest?.content === "Bed 12 is ready.";
    await until(there, "the doctor has it");
    await emptied(nurse);
    const seq = store(nurse, ward).head;
    await until(() => store(nurse, ward).newest?.deliveredCount === 1, "delivered");
    doctor.client.reading.seen(ward, seq);
    await until(() => (store(nurse, ward).memberships.get(doctor.client.me)?.readSeq ?? 0) >= seq, "read");
    await converged(nurse, ward);
    await converged(doctor, ward);
  });

  test("what is read on one device is read on the other", async () => {
    const nurse = await device("nurse.li");
    const desk = await device("dr.chen");
    const phone = await device("dr.chen");
    const ward = await group(nurse, desk);
    await until(() => phone.client.sessions.get(ward)?.positioned ?? false, "the phone knows it");
    say(nurse, ward, "Please look at this.");
    await until(() => store(desk, ward).unread === 1 && store(phone, ward).unread === 1, "unread on both");
    desk.client.reading.seen(ward, store(desk, ward).head);
    await until(() => store(phone, ward).unread === 0 && store(desk, ward).unread === 0, "read on both");
  });

  test("who types and who is here is told", async () => {
    const nurse = await device("nurse.li");
    const doctor = await device("dr.chen");
    const ward = await group(nurse, doctor);
    doctor.client.typing(ward, true);
    await until(() => store(nurse, ward).typing.has(doctor.client.me), "typing");
    doctor.client.typing(ward, false);
    await until(() => !store(nurse, ward).typing.has(doctor.client.me), "no longer typing");
    doctor.client.setPresence("away");
    await until(() => nurse.client.people.get(doctor.client.me)?.status === "away", "away");
    doctor.client.setPresence("online");
    await until(() => nurse.client.people.get(doctor.client.me)?.status === "online", "back");
  });
});

describe("without a network", () => {
  test("what is written offline arrives once and in its order", async () => {
    const nurse = await device("nurse.li");
    const doctor = await device("dr.chen");
    const ward = await group(nurse, doctor);
    nurse.cable.pull();
    await until(() => nurse.client.connection.state.name === "offline", "offline");
    const said = numbered("offline", 25);
    for (const one of said) say(nurse, ward, one);
    say(doctor, ward, "meanwhile");
    await emptied(doctor);
    expect(nurse.client.outbox.of(ward).every((entry) => entry.state === "unsent")).toBe(true);
    nurse.cable.mend();
    await emptied(nurse);
    expect(texts(await stored(nurse, ward))).toEqual(["meanwhile", ...said]);
    await converged(nurse, ward);
    await converged(doctor, ward);
  });

  test("an answer that was lost does not make a second message, also over a reload", async () => {
    const nurse = await device("nurse.li", openStorage("lost-answers"));
    const doctor = await device("dr.chen");
    const ward = await group(nurse, doctor);
    nurse.cable.deafen();
    const said = numbered("unanswered", 5);
    for (const one of said) say(nurse, ward, one);
    await until(() => texts([...store(doctor, ward).timeline.all()]).includes("unanswered 1"), "the first one arrived");
    await nurse.client.outbox.settled();
    expect(nurse.client.outbox.size).toBe(5);
    nurse.client.stop();

    const again = await device("nurse.li", openStorage("lost-answers"));
    await emptied(again);
    expect(texts(await stored(again, ward))).toEqual(said);
    await converged(again, ward);
    await converged(doctor, ward);
  });

  test("a link that stalls is noticed by the send that hangs, and the message arrives once", async () => {
    const nurse = await device("nurse.li");
    const doctor = await device("dr.chen");
    const ward = await group(nurse, doctor);
    nurse.cable.deafen();
    say(nurse, ward, "Is anybody there?");
    await until(() => !nurse.client.connection.live, "the stalled link is given up", 20_000);
    nurse.cable.mend();
    await emptied(nurse);
    expect(texts(await stored(nurse, ward))).toEqual(["Is anybody there?"]);
  });

  test("two people talk through a network that breaks all the time: nothing is lost, doubled or reordered", async () => {
    const nurse = await device("nurse.li");
    const doctor = await device("dr.chen");
    const witness = await device("dr.zhao");
    const ward = await group(nurse, doctor, witness);
    let random = 42;
    const chance = () => {
      random = (random * 1_103_515_245 + 12_345) % 2_147_483_648;
      return random / 2_147_483_648;
    };
    const breaking = setInterval(() => {
      for (const one of [nurse, doctor, witness]) {
        const luck = chance();
        if (luck < 0.25) one.cable.cut();
        else if (luck < 0.32) {
          one.cable.deafen();
          setTimeout(() => one.cable.mend(), 60);
        }
      }
    }, 120);
    const from = { nurse: numbered("nurse", 150), doctor: numbered("doctor", 150) };
    for (let index = 0; index < 150; index++) {
      say(nurse, ward, from.nurse[index] ?? "");
      say(doctor, ward, from.doctor[index] ?? "");
      if (index % 10 === 0) await new Promise((resume) => setTimeout(resume, 40));
    }
    await new Promise((resume) => setTimeout(resume, 3_000));
    clearInterval(breaking);
    for (const one of [nurse, doctor, witness]) one.cable.mend();
    await emptied(nurse, doctor);
    const all = texts(await stored(nurse, ward));
    expect(all.filter((one) => one.startsWith("nurse"))).toEqual(from.nurse);
    expect(all.filter((one) => one.startsWith("doctor"))).toEqual(from.doctor);
    for (const one of [nurse, doctor, witness]) await live(one);
    for (const one of [nurse, doctor, witness]) await converged(one, ward);
  }, 120_000);

  test("whoever was away for changes ends where those are who were there", async () => {
    const nurse = await device("nurse.li");
    const doctor = await device("dr.chen");
    const ward = await group(nurse, doctor);
    for (const one of numbered("change", 8)) say(nurse, ward, one);
    await emptied(nurse);
    const seq = store(nurse, ward).head;
    await head(doctor, ward, seq);
    doctor.cable.pull();
    const at = (index: number) =>
      store(nurse, ward)
        .timeline.all()
        .filter((one) => !one.system)[index]?._id;
    const call = (method: string, path: string, body?: unknown) =>
      nurse.client.api.call(method, `/api/chat/messages/${path}`, { body });
    await call("PUT", `${at(0)}`, { content: "changed 1" });
    await call("POST", `${at(1)}/recall`);
    await call("DELETE", `${at(2)}`, { userId: nurse.client.me });
    await call("POST", `${at(3)}/reactions`, { emoji: "👍" });
    await nurse.client.api.call("PATCH", `/api/chat/sessions/${ward}`, { body: { sessionName: "Another name" } });
    say(nurse, ward, "after all that");
    await emptied(nurse);
    doctor.cable.mend();
    await live(doctor);
    await converged(nurse, ward);
    await converged(doctor, ward);
    expect(store(doctor, ward).document.sessionName).toBe("Another name");
    expect(store(doctor, ward).rev).toBe(store(nurse, ward).rev);
  });

  test("a change told while the page it changes is on its way is not forgotten", async () => {
    const nurse = await device("nurse.li");
    const doctor = await device("dr.chen");
    const ward = await group(nurse, doctor);
    for (const one of numbered("page", 40)) say(nurse, ward, one);
    await emptied(nurse);
    const fresh = await device("dr.chen");
    const session = store(fresh, ward);
    const first = store(nurse, ward)
      .timeline.all()
      .filter((one) => !one.system);
    const editing = first
      .slice(0, 10)
      .map((one) =>
        nurse.client.api.call("PUT", `/api/chat/messages/${one._id}`, { body: { content: `${one.content}, changed` } }),
      );
    const loading = fresh.client.history.ensure(session, 1, session.head);
    await Promise.all([...editing, loading]);
    await until(() => session.rev >= 10, "all changes are known");
    await converged(fresh, ward);
  });

  test("who was away for more than a thousand messages loads what is looked at", async () => {
    const nurse = await device("nurse.li");
    const doctor = await device("dr.chen");
    const ward = await group(nurse, doctor);
    doctor.cable.pull();
    const writers = numbered("many", 1_700);
    const link = nurse.client.connection.link;
    await Promise.all(
      writers.map((content, index) =>
        link?.ask(
          "message:send",
          { sessionId: ward, senderId: nurse.client.me, content, clientMsgId: `many-${ward}-${index}` },
          60_000,
        ),
      ),
    );
    doctor.cable.mend();
    await live(doctor);
    const session = store(doctor, ward);
    await until(() => session.head >= 1_700, "the newest is known");
    expect(session.timeline.loaded).toBeLessThan(1_000);
    await doctor.client.history.ensure(session, session.head - 99, session.head);
    expect(session.newest?.content).toBe("many 1700");
    await converged(doctor, ward);
  }, 120_000);
});

describe("leaving", () => {
  test("whoever is removed from a group no longer has it, whoever is added has it at once", async () => {
    const nurse = await device("nurse.li");
    const doctor = await device("dr.chen");
    const third = await device("dr.zhao");
    const ward = await group(nurse, doctor);
    const path = `/api/chat/sessions/${ward}/participants`;
    await nurse.client.api.call("POST", path, { body: { userIds: [third.client.me] } });
    await until(() => third.client.sessions.get(ward) !== undefined, "the new one has it");
    await until(() => store(doctor, ward).document.participants.length === 3, "the others know");
    await nurse.client.api.call("DELETE", `${path}/${doctor.client.me}`);
    await until(() => doctor.client.sessions.get(ward) === undefined, "the removed one does not");
    await until(() => !store(nurse, ward).document.participants.includes(doctor.client.me), "and the others see it");
  });

  test("an ended token signs out, and is not tried again", async () => {
    const nurse = await device("nurse.li");
    await nurse.client.api.call("POST", "/api/auth/logout");
    await until(() => nurse.ended() !== "", "signed out");
    expect(nurse.client.connection.state.name).toBe("signedOut");
  });

  test("a draft is kept over a reload", async () => {
    const one = await unconnected("nurse.li", openStorage("drafts"));
    one.client.drafts.set("ward", "half a sent");
    one.client.drafts.set("ward", "half a sentence");
    one.client.stop();
    await one.client.drafts.flush();
    const again = await unconnected("nurse.li", openStorage("drafts"));
    await again.client.drafts.load();
    expect(again.client.drafts.get("ward")).toBe("half a sentence");
  });
});
