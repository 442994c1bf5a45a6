/** The connections of a process: each a connector of its own, with its own budgets, journal and figures. */
import { onAbort } from "../async/abort.ts";
import type { Clock } from "../async/clock.ts";
import type { Settings } from "../config/settings.ts";
import type { Lifetime } from "../flow.ts";
import { Pause } from "../source/pause.ts";
import { journalFolder } from "./connector_journal.ts";
import type { Watch } from "./watch_connector.ts";
import type { RunningConnector } from "./running_connector.ts";

export interface Member {
  readonly running: RunningConnector;
  readonly watch: Watch;
}

export interface Fleet {
  /** By name; one without connections in its file has the name "". */
  readonly members: ReadonlyMap<string, Member>;
  /** Aborted once all of them have to finish: the life of `run` ends, or one of them has failed. */
  readonly ending: AbortSignal;
  /**
   * Goes on with these: those that stay get their settings, those that are new begin, and those that are not named any
   * more finish what they have in hand, side by side. Rejects when one of them cannot: then it went back to those of
   * before.
   */
  apply(settings: ReadonlyMap<string, Settings>): Promise<void>;
  /** All of them, and those that begin meanwhile, as a connector's `Pause`. */
  pause(forMs?: number): void;
  resume(): void;
  /** Until `life` ends and all have finished, or one of them fails: then the others finish, and it rejects as that one. */
  run(life: Lifetime): Promise<{ readonly abandoned: number }>;
  /** Closes the journals. */
  close(): void;
}

interface Running extends Member {
  readonly leave: AbortController;
  ended: Promise<number> | undefined;
}

export function createFleet(
  first: ReadonlyMap<string, Settings>,
  make: (name: string, settings: Settings) => Member,
  clock: Clock,
): Fleet {
  const members = new Map<string, Running>();
  /** They are not named any more, and finish what they have in hand. */
  const leaving = new Set<Running>();
  /** Of the process: each connection tells of its own. */
  const pause = new Pause(clock, () => {});
  const over = Promise.withResolvers<void>();
  over.promise.catch(() => {}); // whoever runs the fleet is told
  const ending = new AbortController();
  let life: Lifetime | undefined;
  try {
    for (const [name, settings] of first) add(name, settings);
  } catch (error) {
    close();
    throw error;
  }

  return {
    members,
    ending: ending.signal,
    async apply(settings) {
      const before = new Map([...members].map(([name, { running }]) => [name, running.settings]));
      try {
        await goOn(settings);
      } catch (error) {
        if (!ending.signal.aborted) await goOn(before);
        throw error;
      }
    },
    pause(forMs) {
      pause.pause(forMs);
      for (const { running } of members.values()) running.connector.pause.pause(forMs);
    },
    resume() {
      pause.resume();
      for (const { running } of members.values()) running.connector.pause.resume();
    },
    async run(given) {
      life = given;
      for (const member of members.values()) begin(member);
      onAbort(given.drain, end);
      let ends: ReturnType<typeof endings> = [];
      try {
        await over.promise;
      } finally {
        ends = endings();
        await Promise.allSettled(ends);
      }
      const left = await Promise.all(ends);
      return { abandoned: left.reduce((sum, one) => sum + one, 0) };
    },
    close,
  };

  function endings(): (Promise<number> | 0)[] {
    return [...members.values(), ...leaving].map(({ ended }) => ended ?? 0);
  }

  /** As `apply`, but it stays where it is when one of them cannot. */
  async function goOn(settings: ReadonlyMap<string, Settings>): Promise<void> {
    const all = [...settings];
    const present = [...members];
    const had = present.map(([name, { running }]) => ({ name, of: exclusives(running.settings) }));
    // What it has already it goes on with: of two with the default journal of both, say, one has it in memory.
    const isTaken = ([name, one]: readonly [string, Settings]) => {
      const own = had.find((each) => each.name === name)?.of;
      const others = had.flatMap((each) => each.name === name ? [] : each.of);
      return exclusives(one).some((each) => !own?.includes(each) && others.includes(each));
    };
    // Given another name, say: it begins when the one that has its channel and journal has ended.
    const later = new Map(all.filter(isTaken));
    const now = all.filter(([name]) => !later.has(name));
    const made = now.filter(([name]) => !members.has(name)).map(([name, one]) => add(name, one));
    made.forEach(begin); // none of them fails any more
    const works = present.map(async ([name, member]) => {
      const next = settings.get(name);
      if (next && !later.has(name)) await member.running.apply(next);
      else await leave(name, member);
    });
    await Promise.allSettled(works);
    await Promise.all(works);
    for (const [name, one] of later) begin(add(name, one));
  }

  async function leave(name: string, member: Running): Promise<void> {
    members.delete(name);
    leaving.add(member);
    member.leave.abort();
    try {
      await member.ended;
    } finally {
      leaving.delete(member);
      member.running.close();
    }
  }

  function close(): void {
    pause.close();
    for (const { running } of members.values()) running.close();
  }

  function end(): void {
    ending.abort();
    over.resolve();
  }

  function add(name: string, settings: Settings): Running {
    if (ending.signal.aborted) throw new Error("the connector is stopping");
    const member = { ...make(name, settings), leave: new AbortController(), ended: undefined };
    members.set(name, member);
    const { isPaused, until } = pause;
    const forMs = until === undefined ? undefined : Math.max(1, until - clock.now());
    if (isPaused) member.running.connector.pause.pause(forMs);
    return member;
  }

  function begin(member: Running): void {
    if (!life) return;
    const drain = AbortSignal.any([ending.signal, member.leave.signal]);
    member.ended = member.running.run({ drain, abort: life.abort })
      .then(({ abandoned }) => abandoned);
    member.ended.catch((error) => {
      over.reject(error);
      end();
    }).then(() => {
      if (!drain.aborted) end(); // without being asked
    });
  }
}

/** What two connections of one process would take from each other: its messages, and its journal where it is on disk. */
function exclusives(settings: Settings): readonly string[] {
  const { url, channel } = settings.source;
  const folder = journalFolder(settings);
  return [`channel ${channel} at ${url.href}`, ...(folder === undefined ? [] : [folder])];
}
