import { readFileSync } from "node:fs";
import {
  jetstream,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstreamManager,
  type StreamConfig,
} from "@nats-io/jetstream";
import {
  connect,
  type ConnectionOptions,
  credsAuthenticator,
  type NatsConnection,
} from "@nats-io/transport-node";
import { systemClock } from "../../async/clock.ts";
import { within } from "../../async/within.ts";
import { StoreOpenError, StoreUnavailableError } from "../store.ts";
import type { NatsAddress } from "./address.ts";

/** How long a server may take to answer. */
const timeoutMs = 5_000;

/** JetStream's own error codes. */
const nameInUse = 10058;
/** Also said of a stream of the same name that another relay is making in the same moment. */
const subjectsOverlap = 10065;
const noStream = 10059;
const noMessage = 10057;

export function isApiError(error: unknown, code: number): boolean {
  return error instanceof JetStreamApiError && error.code === code;
}

/** One connection to a NATS server with JetStream; it comes back by itself when it is lost. */
export class NatsServer {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly replicas: number;
  #isConnected = true;
  #failure: string | undefined;
  readonly #onReconnect = new Set<() => void>();

  private constructor(
    nc: NatsConnection,
    js: JetStreamClient,
    jsm: JetStreamManager,
    replicas: number,
  ) {
    this.nc = nc;
    this.js = js;
    this.jsm = jsm;
    this.replicas = replicas;
    void this.#watch();
  }

  /** Rejects with `StoreOpenError`. */
  static async connect(address: NatsAddress): Promise<NatsServer> {
    const where = address.servers.join(",");
    let nc: NatsConnection | undefined;
    try {
      nc = await connect(optionsOf(address));
      const jsm = await jetstreamManager(nc, { timeout: timeoutMs });
      const js = jetstream(nc, { timeout: timeoutMs });
      return new NatsServer(nc, js, jsm, address.replicas);
    } catch (error) {
      await nc?.close();
      throw new StoreOpenError(`cannot use the NATS server ${where}: ${textOf(error)}`);
    }
  }

  /** Why nothing can be stored now. */
  get problem(): string | undefined {
    return this.#isConnected ? this.#failure : "the connection to the NATS server is lost";
  }

  /** Largest message the server takes, bytes: its `max_payload`. */
  get maxPayload(): number {
    return this.nc.info?.max_payload ?? 1_048_576;
  }

  /** Calls it each time the connection, lost before, is there again, until the result is called. */
  onReconnect(listener: () => void): () => void {
    this.#onReconnect.add(listener);
    return () => this.#onReconnect.delete(listener);
  }

  request(subject: string, payload: string) {
    return this.nc.request(subject, payload, { timeout: timeoutMs });
  }

  /** Runs it; whatever goes wrong is a `StoreUnavailableError`, and shows in `problem` until something works. */
  async attempt<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      this.#failure = undefined;
      return result;
    } catch (error) {
      this.#failure = `cannot ${what}: ${textOf(error)}`;
      throw new StoreUnavailableError(this.#failure, error);
    }
  }

  /** Makes a stream, or gives the one that is there these settings. */
  async keepStream(config: Partial<StreamConfig> & { readonly name: string }): Promise<void> {
    const whole = { ...config, num_replicas: this.replicas };
    try {
      await this.jsm.streams.add(whole);
    } catch (error) {
      if (!isApiError(error, nameInUse) && !isApiError(error, subjectsOverlap)) throw error;
      try {
        await this.jsm.streams.update(config.name, whole);
      } catch (failure) {
        throw isApiError(failure, noStream) ? error : failure;
      }
    }
  }

  /** False when it is not there: of all that remove a message at once one is told true. */
  async removeMessage(stream: string, sequence: number): Promise<boolean> {
    try {
      return await this.jsm.streams.deleteMessage(stream, sequence, false);
    } catch (error) {
      if (isApiError(error, noMessage)) return false;
      throw error;
    }
  }

  /** Sends what is on its way, where there is a connection, and ends it. */
  async close(): Promise<void> {
    if (this.nc.isClosed()) return;
    // A server that says nothing is found out late: it is not waited for.
    const drained = this.#isConnected ? this.nc.drain().catch(() => {}) : undefined;
    await within(timeoutMs, drained, undefined, systemClock);
    await this.nc.close();
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.nc.status()) {
      if (type === "disconnect") this.#isConnected = false;
      if (type !== "reconnect") continue;
      this.#isConnected = true;
      for (const listener of this.#onReconnect) listener();
    }
  }
}

function optionsOf(
  { servers, tls, user, password, token, credsPath }: NatsAddress,
): ConnectionOptions {
  return {
    servers: [...servers],
    name: "hookferry relay",
    timeout: timeoutMs,
    maxReconnectAttempts: -1,
    // What one relay tells the others it need not hear itself.
    noEcho: true,
    ...(tls ? { tls: {} } : {}),
    ...(user === undefined ? {} : { user, pass: password ?? "" }),
    ...(token === undefined ? {} : { token }),
    ...(credsPath === undefined
      ? {}
      : { authenticator: credsAuthenticator(readFileSync(credsPath)) }),
  };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
