import { expect, test } from "bun:test";
import { createMeeting } from "./build-meeting.ts";

const forever = new AbortController().signal;

test("whoever comes first waits for the other", async () => {
  const meeting = createMeeting<string>();
  const offered = meeting.offer("b x", "early");
  expect(await meeting.take("b x", forever)).toBe("early");
  expect(await offered).toBe(true);
  const taken = meeting.take("b y", forever);
  expect(await meeting.offer("b y", "late")).toBe(true);
  expect(await taken).toBe("late");
});

test("what nobody wants any more is given back, by build", async () => {
  const meeting = createMeeting<string>();
  const [mine, other] = [meeting.offer("mine x", "1"), meeting.offer("other x", "2")];
  meeting.close("mine ");
  expect(await mine).toBe(false);
  expect(await meeting.take("other x", forever)).toBe("2");
  expect(await other).toBe(true);
});

test("who stops waiting takes nothing", async () => {
  const meeting = createMeeting<string>();
  const controller = new AbortController();
  const taken = meeting.take("b x", controller.signal);
  controller.abort(new Error("left"));
  expect(taken).rejects.toThrow("left");
  await taken.catch(() => {});
  const offered = meeting.offer("b x", "1");
  meeting.close("b ");
  expect(await offered).toBe(false);
});
