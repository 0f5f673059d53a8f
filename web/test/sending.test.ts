// Everything that goes out, against the real service: files and the words that wait for them, changes that take themselves up
// again, and refusals that are final.
import "fake-indexeddb/auto";
import { afterEach, describe, expect, test } from "vitest";
import { saveEdit, sendDraft, takeBack } from "../src/core/sending";
import { openStorage } from "../src/core/storage";
import type { Message } from "../src/core/wire";
import { type Device, device, everybodyLeaves, group, live, store, stored, unconnected, until } from "./support/ward";

afterEach(everybodyLeaves);

const PNG = Uint8Array.from(
  atob("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="),
  (letter) => letter.charCodeAt(0),
);
const picture = (name: string) => new File([PNG], name, { type: "image/png" });
const note = (name: string) => new File([`${name}: nothing abnormal.`], name, { type: "text/plain" });
const emptied = (one: Device) => until(() => one.client.outbox.size === 0, "everything is sent", 60_000);
const write = (one: Device, id: string, content: string) => {
  one.client.drafts.set(id, content);
  sendDraft(one.client, id, { content, mentions: undefined });
};
const shape = (messages: readonly Message[]) =>
  messages.filter((one) => !one.system).map((one) => [one.messageType, one.fileName, one.content]);
const byText = async (one: Device, id: string, content: string) => {
  const found = (await stored(one, id)).find((message) => message.content === content);
  if (!found) throw new Error(`no message «${content}»`);
  return found;
};

describe("files and words", () => {
  test("attached and written offline, over a reload, go out in one order once there is a network", async () => {
    const doctor = await device("dr.chen");
    const before = await device("nurse.li", openStorage("sending-nurse"));
    const ward = await group(before, doctor);
    before.cable.pull();
    await until(() => !before.client.connection.live, "offline");
    const { attachments } = before.client;
    attachments.add(ward, [picture("a.png"), note("b.txt")]);
    await until(() => attachments.of(ward).every((one) => one.kept), "the files are kept");
    expect(attachments.of(ward).every((one) => !one.problem)).toBe(true);
    write(before, ward, "12床的心电图");
    write(before, ward, "Please look.");
    attachments.add(ward, [note("c.txt"), new File([], "empty.txt")]);
    expect(attachments.refusals(ward)).toEqual([{ name: "empty.txt", why: "empty" }]);
    write(before, ward, "And the report.");
    attachments.add(ward, [picture("waits.png")]);
    before.client.drafts.change(ward, { text: "half a sentence", replyTo: { id: "m", seq: 1 } });
    expect(before.client.outbox.of(ward).length).toBe(5);
    await until(() => attachments.of(ward).every((one) => one.kept), "the last one, too");
    await before.client.drafts.flush();
    await attachments.settled();
    await before.client.outbox.settled();
    before.client.stop();

    const after = await unconnected("nurse.li", openStorage("sending-nurse"));
    after.client.start();
    await live(after);
    await emptied(after);
    expect(shape(await stored(doctor, ward))).toEqual([
      ["image", "a.png", "12床的心电图"],
      ["file", "b.txt", ""],
      ["text", "", "Please look."],
      ["file", "c.txt", ""],
      ["text", "", "And the report."],
    ]);
    await until(() => after.client.attachments.of(ward).length === 1, "what was not sent is attached");
    expect(after.client.attachments.of(ward)[0]?.file.name).toBe("waits.png");
    expect(after.client.drafts.of(ward)).toMatchObject({ text: "half a sentence", replyTo: { id: "m" } });
    await after.client.attachments.settled();
    const kept = await (await openStorage("sending-nurse")).files();
    expect(kept.map((one) => one.name)).toEqual(["waits.png"]);
  });

  test("a file that is refused keeps its words here, and both can be taken back", async () => {
    const nurse = await device("nurse.li");
    const ward = await group(nurse, await device("dr.chen"));
    nurse.cable.pull();
    await until(() => !nurse.client.connection.live, "offline");
    nurse.client.attachments.add(ward, [new File([PNG.slice(0, 40)], "damaged.png", { type: "image/png" }), note("fine.txt")]);
    write(nurse, ward, "The viewer you asked for");
    nurse.cable.mend();
    await live(nurse);
    await until(() => nurse.client.outbox.of(ward)[0]?.state === "failed", "refused");
    write(nurse, ward, "Something else");
    await until(() => nurse.client.outbox.of(ward).length === 1, "the others are sent");
    expect(shape(await stored(nurse, ward))).toEqual([
      ["file", "fine.txt", ""],
      ["text", "", "Something else"],
    ]);
    const [refused] = nurse.client.outbox.of(ward);
    expect(refused?.body.content).toBe("The viewer you asked for");
    takeBack(nurse.client, refused?.clientMsgId ?? "");
    expect(nurse.client.outbox.size).toBe(0);
    expect(nurse.client.attachments.of(ward).map((one) => one.file.name)).toEqual(["damaged.png"]);
    expect(nurse.client.drafts.get(ward)).toBe("The viewer you asked for");
  });

  test("two tabs that send one draft make one message, and lose no word where they differ", async () => {
    const nurse = await device("nurse.li");
    const again = await device("nurse.li");
    const ward = await group(nurse, await device("dr.chen"));
    await until(() => again.client.sessions.get(ward)?.positioned ?? false, "the other tab knows it");
    const draft = { clientMsgId: `draft-${Math.random()}` };
    nurse.client.outbox.add(ward, { messageType: "text", content: "the same" }, draft);
    again.client.outbox.add(ward, { messageType: "text", content: "the same" }, draft);
    await Promise.all([emptied(nurse), emptied(again)]);
    const other = { clientMsgId: `draft-${Math.random()}` };
    nurse.client.outbox.add(ward, { messageType: "text", content: "bed 9" }, other);
    again.client.outbox.add(ward, { messageType: "text", content: "bed 9 and bed 10" }, other);
    await Promise.all([emptied(nurse), emptied(again)]);
    const said = (await stored(nurse, ward)).filter((one) => !one.system).map((one) => one.content);
    expect(said.sort()).toEqual(["bed 9", "bed 9 and bed 10", "the same"]);
  });
});

describe("changes", () => {
  test("that were made offline are shown, kept over a reload, and made when there is a network", async () => {
    const doctor = await device("dr.chen");
    const before = await device("nurse.li", openStorage("changing-nurse"));
    const ward = await group(before, doctor);
    for (const one of ["to edit", "to recall", "to react"]) write(before, ward, one);
    await emptied(before);
    const [edit, recall, react] = await Promise.all(["to edit", "to recall", "to react"].map((one) => byText(before, ward, one)));
    if (!edit || !recall || !react) throw new Error("missing");
    before.cable.pull();
    await until(() => !before.client.connection.live, "offline");
    const { client } = before;
    client.drafts.change(ward, { text: "below", edit: { id: edit._id, seq: edit.seq, base: "to edit", text: "edited", mentions: [] } });
    saveEdit(client, ward, "edited", undefined);
    expect(client.drafts.of(ward)).toMatchObject({ text: "below", edit: undefined });
    const one = (message: Message) => `/api/chat/messages/${message._id}`;
    client.change(ward, { what: "recall", method: "POST", path: `${one(recall)}/recall`, messageId: recall._id });
    const emoji = { messageId: react._id, what: "react" as const };
    client.change(ward, { ...emoji, text: "👍", method: "POST", path: `${one(react)}/reactions`, body: { emoji: "👍" } });
    client.change(ward, { ...emoji, text: "✅", method: "POST", path: `${one(react)}/reactions`, body: { emoji: "✅" } });
    client.change(ward, { ...emoji, text: "✅", method: "DELETE", path: `${one(react)}/reactions/${encodeURIComponent("✅")}` });
    client.change(ward, { what: "group", method: "PATCH", path: `/api/chat/sessions/${ward}`, body: { topic: "夜班" } });
    write(before, ward, "after all that");
    expect(client.outbox.changesOf(ward).map((entry) => entry.change?.what)).toEqual(["edit", "recall", "react", "group"]);
    await client.outbox.settled();
    client.stop();

    const after = await unconnected("nurse.li", openStorage("changing-nurse"));
    after.client.start();
    await live(after);
    await emptied(after);
    const all = await stored(doctor, ward);
    const now = (message: Message) => all.find((one) => one._id === message._id);
    expect(now(edit)).toMatchObject({ content: "edited" });
    expect(now(recall)).toMatchObject({ isDeleted: true });
    expect(now(react)?.reactions).toEqual([{ emoji: "👍", users: [after.client.me] }]);
    expect(all.at(-1)?.content).toBe("after all that");
    await until(() => store(doctor, ward).document.topic === "夜班", "the topic is told");
  });

  test("an answer that waited answers what its author saw, whatever the message says when it arrives", async () => {
    const nurse = await device("nurse.li");
    const doctor = await device("dr.chen");
    const ward = await group(doctor, nurse);
    write(doctor, ward, "give 5 mg");
    await emptied(doctor);
    const asked = await byText(nurse, ward, "give 5 mg");
    await byTextSoon(nurse, ward, "give 5 mg");
    const answer = (content: string) => {
      nurse.client.drafts.change(ward, { text: content, replyTo: { id: asked._id, seq: asked.seq } });
      sendDraft(nurse.client, ward, { content, mentions: undefined });
    };
    nurse.cable.pull();
    await until(() => !nurse.client.connection.live, "offline");
    answer("will do");
    await doctor.client.api.call("PUT", `/api/chat/messages/${asked._id}`, { body: { content: "give 50 mg" } });
    nurse.cable.mend();
    await live(nurse);
    await emptied(nurse);
    const edited = await byText(nurse, ward, "give 50 mg");
    expect(await byText(doctor, ward, "will do")).toMatchObject({
      replyToAsOf: asked.createdAt,
      replyToChange: { kind: "edited", at: edited.editedAt },
    });
    await byTextSoon(nurse, ward, "give 50 mg");
    answer("50, I see");
    await emptied(nurse);
    const second = await byText(doctor, ward, "50, I see");
    expect(second.replyToAsOf).toBe(edited.editedAt);
    expect(second.replyToChange).toBeUndefined();
  });

  test("and answers that are refused for good say so, hold up nothing, and give their words back", async () => {
    const nurse = await device("nurse.li");
    const doctor = await device("dr.chen");
    const ward = await group(nurse, doctor);
    write(doctor, ward, "asked");
    await emptied(doctor);
    const asked = await byText(nurse, ward, "asked");
    nurse.cable.pull();
    await until(() => !nurse.client.connection.live, "offline");
    nurse.client.drafts.change(ward, { text: "my answer", replyTo: { id: asked._id, seq: asked.seq } });
    sendDraft(nurse.client, ward, { content: "my answer", mentions: undefined });
    nurse.client.drafts.change(ward, { edit: { id: asked._id, seq: asked.seq, base: "asked", text: "not mine", mentions: [] } });
    saveEdit(nurse.client, ward, "not mine", undefined);
    write(nurse, ward, "goes on");
    await doctor.client.api.call("POST", `/api/chat/messages/${asked._id}/recall`);
    // Others write, so that the service no longer has the deleted one at hand.
    nurse.cable.mend();
    await live(nurse);
    await until(() => nurse.client.outbox.changesOf(ward)[0]?.state === "failed", "the edit is refused");
    await byTextSoon(nurse, ward, "goes on");
    const [edit] = nurse.client.outbox.changesOf(ward);
    expect(edit?.problem?.code).toMatch(/NOT_FOUND|FORBIDDEN/);
    takeBack(nurse.client, edit?.clientMsgId ?? "");
    expect(nurse.client.drafts.get(ward)).toBe("not mine");
    const [answer] = nurse.client.outbox.of(ward);
    if (answer) {
      expect(answer).toMatchObject({ state: "failed", problem: { code: "INVALID_MESSAGE", details: { replyTo: expect.any(String) } } });
      nurse.client.outbox.withoutReply(answer.clientMsgId);
    }
    await byTextSoon(nurse, ward, "my answer");
    expect(nurse.client.outbox.size).toBe(0);
  });
});

async function byTextSoon(one: Device, id: string, content: string): Promise<void> {
  await until(() => store(one, id).timeline.all().some((message) => message.content === content), `«${content}» is there`);
}
