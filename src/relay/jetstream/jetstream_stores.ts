import { Kvm } from "@nats-io/kv";
import { type OpenStores, StoreOpenError } from "../store.ts";
import type { NatsAddress } from "./address.ts";
import { NatsServer } from "./connection.ts";
import { jetStreamDirectory } from "./jetstream_directory.ts";
import { JetStreamStore } from "./jetstream_store.ts";
import { directoryBucket, historyBucket } from "./names.ts";

/** What the headers of a message may take of the server's `max_payload`, bytes. */
const headerBytes = 65_536;
/** How long failed deliveries of a message are known. */
const historyMs = 30 * 86_400_000;

/** All channels in JetStream, shared with every relay that is given the same server. */
export function jetStreamStores(address: NatsAddress): OpenStores {
  return async (tell, clock) => {
    const server = await NatsServer.connect(address);
    const opened: JetStreamStore[] = [];
    try {
      const kvm = new Kvm(server.nc);
      const { replicas } = address;
      const history = await kvm.create(historyBucket, { replicas, ttl: historyMs });
      const directory = await kvm.create(directoryBucket, { replicas });
      return {
        name: "jetstream",
        maxBodyBytes: Math.max(1, server.maxPayload - headerBytes),
        async open(channel, settings) {
          const store = await JetStreamStore.open(server, history, clock, channel, settings);
          opened.push(store);
          return store;
        },
        directory: jetStreamDirectory(server, directory, clock, tell),
        get problem() {
          return server.problem ?? opened.find(({ problem }) => problem !== undefined)?.problem;
        },
        async close() {
          await Promise.all(opened.map((store) => store.close()));
          await server.close();
        },
      };
    } catch (error) {
      await server.close();
      const why = error instanceof Error ? error.message : String(error);
      throw new StoreOpenError(`cannot open the relay's streams: ${why}`);
    }
  };
}
