/** @jsxImportSource hono/jsx */
/** What the pages of connector and relay are made of. */
import type { Child } from "hono/jsx";

/** Good, in between, or bad: said by a shape and a word, not by colour alone. */
export type Mood = "good" | "busy" | "bad" | "quiet";

export function Badge({ mood, children }: { readonly mood: Mood; readonly children: Child }) {
  return <span class={`badge ${mood}`}>{children}</span>;
}

export interface FactProps {
  readonly name: string;
  readonly value: string;
  /** A few words more. */
  readonly note?: string | undefined;
  readonly mood?: Mood | undefined;
}

/** Numbers with their names. */
export function Facts({ facts }: { readonly facts: readonly FactProps[] }) {
  return (
    <dl class="facts">
      {facts.map(({ name, value, note, mood }) => (
        <div class={mood}>
          <dt>{name}</dt>
          <dd>
            <span class="value">{value}</span>
            {note !== undefined && <span class="note">{note}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Names and what they are of one thing; without those that are not known. */
export function Details({ facts }: { readonly facts: readonly (readonly [string, Child])[] }) {
  return (
    <dl class="details">
      {facts.filter(([, value]) => value !== undefined).map(([name, value]) => (
        <div>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Panel(
  { title, aside, children }: {
    readonly title: string;
    readonly aside?: Child;
    readonly children: Child;
  },
) {
  return (
    <section class="panel">
      <div class="panel-head">
        <h2>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

/** A table that scrolls by itself where it is too wide, also with the keyboard. */
export function TableBox(
  { label, children }: { readonly label: string; readonly children: Child },
) {
  return <div class="table-box" role="region" aria-label={label} tabindex={0}>{children}</div>;
}

export interface Column {
  readonly name: string;
  readonly kind?: "number" | "wide" | "number wide";
  readonly note?: Child;
}

export function Head({ columns }: { readonly columns: readonly Column[] }) {
  return (
    <thead>
      <tr>
        {columns.map(({ name, kind, note }) => <th scope="col" class={kind}>{name}{note}</th>)}
      </tr>
    </thead>
  );
}

/** Day and time (UTC; the script makes it local, and leaves the day of today out). */
export function Time({ at }: { readonly at: number }) {
  const iso = new Date(at).toISOString();
  return <time datetime={iso}>{iso.slice(0, 19).replace("T", " ")}</time>;
}

/** Says that times are UTC as long as no script makes them local. */
export function Zone() {
  return <span class="note" data-zone="">{` UTC`}</span>;
}

/** A button that is a form: it works without a script. */
export function Action(
  { path, name, kind, about }: {
    readonly path: string;
    readonly name: string;
    readonly kind?: "primary" | "link" | undefined;
    /** What it is done to, for those who do not see where the button is. */
    readonly about?: string;
  },
) {
  return (
    <form method="post" action={path} class="action">
      <button type="submit" class={kind}>
        {name}
        {about !== undefined && <span class="sr">{` ${about}`}</span>}
      </button>
    </form>
  );
}

/** Where one signs in, to go on at this path. */
export function signInPath(path: string): string {
  return `/-/session?${new URLSearchParams({ to: path })}`;
}

/** Sign in, and come back to `path`; sign out; or nothing where nobody can. */
export function Account(
  { standing, open, path }: {
    readonly standing: "in" | "out" | "off";
    readonly open: boolean;
    readonly path: string;
  },
) {
  if (standing === "off" || open) return null;
  return standing === "in"
    ? <Action path="/-/session/end" name="Sign out" kind="link" />
    : <a class="account" href={signInPath(path)}>Sign in</a>;
}
