import type { DatabaseSync } from "node:sqlite";
import type { Database } from "./database.ts";
import type { DiskSpace } from "./disk_space.ts";

/** Makes the error that callers get when the database can neither be written nor read; `why` is SQLite's word. */
export type UnavailableError = (why: string, cause: unknown) => Error;

/** What a write must outlive when it is done. `power` is for a database opened with `normal`: its others need not. */
export type Outlives = "process" | "power";

interface Write {
  readonly run: () => unknown;
  readonly outlives: Outlives;
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Puts what is written in one turn of the event loop into one transaction, so that all share one wait for the
 * disk. While that wait lasts more gathers: under load the groups grow by themselves.
 */
export class GroupCommit {
  readonly #db: DatabaseSync;
  readonly #space: DiskSpace | undefined;
  readonly #unavailable: UnavailableError;
  readonly #onCommit: (durationMs: number, writes: number) => void;
  #waiting: Write[] = [];
  #scheduled: ReturnType<typeof setImmediate> | undefined;
  #problem: string | undefined;
  #readProblem: string | undefined;

  constructor(
    { db, space }: Pick<Database, "db" | "space">,
    unavailable: UnavailableError,
    onCommit: (durationMs: number, writes: number) => void = () => {},
  ) {
    this.#db = db;
    this.#space = space;
    this.#unavailable = unavailable;
    this.#onCommit = onCommit;
  }

  /** Why the last commit or the last read failed, until one succeeds; of a full disk, until there is room on it. */
  get problem(): string | undefined {
    return this.#problem ?? this.#readProblem;
  }

  /** Throws the `UnavailableError` where so many bytes would not leave room for what frees some. */
  assertRoom(bytes: number): void {
    if (!this.#space || this.#space.takes(bytes)) return;
    throw this.#unavailable(this.#space.problem ?? "the disk is nearly full", undefined);
  }

  /** What `read` gives. Throws the `UnavailableError`. */
  read<T>(read: () => T): T {
    try {
      const result = read();
      this.#readProblem = undefined;
      return result;
    } catch (error) {
      this.#readProblem = error instanceof Error ? error.message : String(error);
      throw this.#unavailable(this.#readProblem, error);
    }
  }

  /**
   * Resolves with what `write` gave when it is committed. Rejects with the `UnavailableError` when the whole
   * group could not be; nothing of it was written then.
   */
  run<T>(write: () => T, outlives: Outlives = "process"): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ run: write, outlives, resolve, reject });
      this.#scheduled ??= setImmediate(this.#flushScheduled);
    });
  }

  // Made once: Deno keeps what it has called for a while, and one made here would keep the write with it.
  readonly #flushScheduled = () => this.flush();

  /** Commits what is waiting now. */
  flush(): void {
    if (this.#scheduled) clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const writes = this.#waiting;
    if (writes.length === 0) return;
    this.#waiting = [];
    const mustSync = writes.some(({ outlives }) => outlives === "power");
    const startedAt = performance.now();
    let results: unknown[];
    try {
      if (mustSync) this.#db.exec("PRAGMA synchronous = FULL");
      this.#db.exec("BEGIN IMMEDIATE");
      results = writes.map(({ run }) => run());
      this.#db.exec("COMMIT");
      // What has room where a larger one had none proves nothing.
      if (!isFull(this.#problem) || !this.#space?.problem) this.#problem = undefined;
    } catch (error) {
      // There may be none: it did not begin, or SQLite has rolled it back itself.
      this.#try("ROLLBACK");
      this.#problem = error instanceof Error ? error.message : String(error);
      const failure = this.#unavailable(this.#problem, error);
      for (const { reject } of writes) reject(failure);
      return;
    } finally {
      // Of a database that cannot be read it fails; what comes then is written more safely than it need be.
      if (mustSync) this.#try("PRAGMA synchronous = NORMAL");
    }
    this.#onCommit(performance.now() - startedAt, writes.length);
    for (const [i, { resolve }] of writes.entries()) resolve(results[i] as never);
  }

  /** That it failed changes nothing of what is told. */
  #try(sql: string): void {
    try {
      this.#db.exec(sql);
    } catch {
      // Whoever writes next hears of it.
    }
  }
}

/** SQLite's word for SQLITE_FULL. */
function isFull(problem: string | undefined): boolean {
  return problem !== undefined && /\bdisk is full\b/.test(problem);
}
