import type { Clock } from "../async/clock.ts";
import { type Journal, JournalUnavailable } from "../flow.ts";
import type { Finished } from "../flow.ts";
import { type Database, DatabaseOpenError, openFolder, openMemory } from "../sqlite/database.ts";
import { GroupCommit } from "../sqlite/group_commit.ts";
import { type BoxLimits, DeadLetterBox, type LetterName } from "./dead_letter_box.ts";
import { DeadLetters } from "./dead_letters.ts";
import { migrations } from "./schema.ts";
import { SqliteJournal } from "./sqlite_journal.ts";

const owner = "connector";

export interface OpenJournal {
  readonly journal: Journal;
  readonly deadLetters: DeadLetters;
  /** What was remembered when it was opened, oldest first; given once, and not held here any more. */
  takeRemembered(): readonly Finished[];
  /** The same for as long as the journal lives: the relay knows the connector by it across restarts. */
  readonly connectorId: string;
  /** Why nothing can be written now; undefined when all is well. */
  readonly problem: string | undefined;
  /** Writes what is waiting. */
  close(): void;
}

export interface OpenJournalOptions {
  /** Undefined = in memory: it lives as long as the process. */
  readonly folder: string | undefined;
  readonly limits: BoxLimits;
  readonly clock: Clock;
  /** Dead letters that had to make room. */
  readonly onDropped: (letters: readonly LetterName[]) => void;
}

/** Opens the journal and holds it for this process alone. Throws `DatabaseOpenError`. */
export function openJournal({ folder, limits, clock, onDropped }: OpenJournalOptions): OpenJournal {
  const database = folder === undefined
    ? openMemory({ owner, migrations })
    : openFolder({ folder, name: "journal", owner, migrations, synchronous: "normal" });
  try {
    const commit = new GroupCommit(
      database,
      (why, cause) => new JournalUnavailable(why, cause),
    );
    const box = new DeadLetterBox(database.db, limits, onDropped);
    const journal = new SqliteJournal(database.db, commit, box, clock);
    return {
      journal,
      deadLetters: new DeadLetters(box, commit, clock),
      takeRemembered: () => journal.takeRemembered(),
      connectorId: connectorIdIn(database),
      get problem() {
        return commit.problem;
      },
      close() {
        commit.flush();
        database.close();
      },
    };
  } catch (error) {
    database.close();
    const why = error instanceof Error ? error.message : String(error);
    throw new DatabaseOpenError(`cannot read the journal in ${JSON.stringify(folder)}: ${why}`);
  }
}

function connectorIdIn({ db }: Database): string {
  db.prepare("INSERT INTO meta (name, value) VALUES ('connector_id', ?) ON CONFLICT DO NOTHING")
    .run(`hookferry-${crypto.randomUUID()}`);
  const row = db.prepare("SELECT value FROM meta WHERE name = 'connector_id'").get();
  return String(row?.["value"]);
}
