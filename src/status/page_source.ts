import type { KeptExchanges, RecentMessage, Series, TargetLoad } from "../observe/picture.ts";
import type { Control } from "./control.ts";

/** What the page shows, asked when somebody looks. */
export interface PageSource {
  /** What it connects: "orders at relay.example". */
  readonly subtitle: string;
  /** As `/status` says it. */
  status(): Record<string, unknown>;
  targets(): readonly TargetLoad[];
  readonly recent: {
    /** The newest first. */
    messages(): readonly RecentMessage[];
    message(messageId: string): RecentMessage | undefined;
    /** At the relay, when it was connected to last. */
    readonly waiting: number | undefined;
    series(stepSeconds: number): Series;
  };
  /** Undefined = they are not kept. */
  readonly exchanges?: { of(messageId: string): KeptExchanges | undefined } | undefined;
  readonly control: Control;
}
