import { JournalUnavailable } from "../flow.ts";

/** What `read` gives, or why the journal cannot be read now. */
export function readJournal<T>(read: () => T): T | JournalUnavailable {
  try {
    return read();
  } catch (error) {
    if (error instanceof JournalUnavailable) return error;
    throw error;
  }
}
