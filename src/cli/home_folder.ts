import { homedir } from "node:os";

/**
 * The user's home. Of a user whom the system does not know, and without HOME, it is `/`, as container engines have it:
 * nothing is there, and nothing can be written.
 */
export function homeFolder(): string {
  try {
    return homedir() || "/"; // Deno has null for it
  } catch {
    return "/"; // Bun throws
  }
}
