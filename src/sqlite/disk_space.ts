import { statfsSync } from "node:fs";

/** So much of a volume is left alone, bytes; of a small one a twentieth. */
const reserveBytes = 16 * 1024 * 1024;
const reserveShare = 1 / 20;
/** Others use it too: it is looked at again after so long, milliseconds. */
const lookAgainMs = 1_000;
/** What is written once goes into the log of the database and into the database. */
const copies = 2;

/**
 * The room on the volume of a database. Some of it is never given away: to take something out of a database takes room, too,
 * and without any nothing could be freed again.
 */
export class DiskSpace {
  readonly #path: string;
  readonly #reusable: () => number;
  #free = 0;
  #reserve = 0;
  #lookedAt = -Infinity;

  /** `reusable`: the bytes in the files of the database that nothing is in. */
  constructor(path: string, reusable: () => number) {
    this.#path = path;
    this.#reusable = reusable;
  }

  /** Why nothing more should be stored; undefined while there is room. */
  get problem(): string | undefined {
    if (this.takes(0)) return undefined;
    return `less than ${Math.ceil(this.#reserve / 1024)} KiB are free on the disk`;
  }

  /** Whether so many bytes leave what is to stay free. */
  takes(bytes: number): boolean {
    const isOld = performance.now() - this.#lookedAt > lookAgainMs;
    if (isOld || !this.#fits(bytes)) this.#look();
    if (!this.#fits(bytes)) return false;
    this.#free -= copies * bytes;
    return true;
  }

  #fits(bytes: number): boolean {
    return this.#free - copies * bytes >= this.#reserve;
  }

  #look(): void {
    this.#lookedAt = performance.now();
    try {
      const { bsize, blocks, bavail } = statfsSync(this.#path);
      // Some file systems do not tell; there the database itself says that it is full.
      this.#free = blocks === 0 ? Infinity : bavail * bsize + this.#reusable();
      this.#reserve = Math.min(reserveBytes, blocks * bsize * reserveShare);
    } catch {
      this.#free = Infinity;
    }
  }
}
