import type { Instance } from "./instance.ts";

/** A program and its arguments. */
export type Command = readonly string[];

/** What runs services on a system: one file for each, and commands. */
export interface Manager {
  /** Absolute; the file of an instance is `hookferry-NAME` and the ending. */
  readonly folder: string;
  readonly ending: string;
  readonly mode: number;
  /** It makes a user for a service that names none. */
  readonly makesUsers: boolean;
  /** Below these a service sees nothing, or something else than others do. */
  readonly hidden: readonly string[];
  /** A service writes into its state folder, and elsewhere only where its file says so. */
  readonly confines: boolean;
  /** What goes into the file. */
  text(instance: Instance): string;
  /** Run before `start` where it runs already and `start` would not take the file as it is now. */
  unload(service: string): readonly Command[];
  /** Run once the file is there: it is started, now and at every boot. */
  start(instance: Instance): readonly Command[];
  /** Run before the file is removed. */
  stop(service: string): readonly Command[];
  /** Run afterwards. */
  forget(service: string): readonly Command[];
  /** Ends with 0 while it runs. */
  isRunning(service: string): Command;
  /** Where its state is; it outlives the service. */
  stateFolder(instance: string): string;
}
