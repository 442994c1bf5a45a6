/** @jsxImportSource hono/jsx */
import { duration, rate } from "../observe/wording.ts";

/** The drawing's own units; it is stretched to the room there is. */
const width = 600;
const height = 120;

interface Scale {
  /** The value at the upper edge: a round number. */
  readonly top: number;
  y(value: number): number;
}

/** Values upwards from `base`, the highest of them below the upper edge. */
function scale(highest: number, base: number): Scale {
  const top = niceAbove(highest);
  return { top, y: (value) => base - (value / top) * base };
}

/** Two digits at the most, and zeros. */
function niceAbove(value: number): number {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((n) => n * power >= value) ?? 10);
}

export interface RateSeries {
  readonly stepSeconds: number;
  readonly values: readonly number[];
  /** What it counts: "Delivered". */
  readonly name: string;
}

/** Two rates a second over the last minutes: one upwards, one downwards. */
export function RateChart({ up, down }: { readonly up: RateSeries; readonly down: RateSeries }) {
  const base = height * 0.72;
  const room = (height - base) / base;
  const most = (values: readonly number[]) => Math.max(0, ...values);
  const { top, y } = scale(Math.max(most(up.values), most(down.values) / room), base);
  const bars = (values: readonly number[], sign: 1 | -1) =>
    values.map((value, i) => {
      if (value === 0) return "";
      const long = Math.max(2, base - y(value));
      return `M${x(i, values.length)} ${base - sign}V${(base - sign * long).toFixed(1)}`;
    }).join("");
  const told = (series: RateSeries) =>
    `${series.name} per second: ${rate(latest(series.values))} now, at most ${
      rate(most(series.values))
    }.`;
  return (
    <Chart
      label={`${told(up)} ${told(down)}`}
      seconds={up.values.length * up.stepSeconds}
      top={`${top}/s`}
    >
      <path class="grid" d={`M0 ${height * 0.01}H${width}`} />
      <path class="bars good" d={bars(up.values, 1)} />
      <path class="bars bad" d={bars(down.values, -1)} />
      <path class="base" d={`M0 ${base}H${width}`} />
    </Chart>
  );
}

/** The median as a dot and the slowest twentieth as a line above it, milliseconds. */
export function LatencyChart(
  { p50, p95, stepSeconds }: {
    readonly p50: readonly (number | undefined)[];
    readonly p95: readonly (number | undefined)[];
    readonly stepSeconds: number;
  },
) {
  const { top, y } = scale(Math.max(0, ...p95.map((ms) => ms ?? 0)), height - 2);
  const at = (ms: number) => y(ms).toFixed(1);
  const draw = (one: (i: number, median: number, slow: number) => string) =>
    p50.map((median, i) => {
      const slow = p95[i];
      return median === undefined || slow === undefined ? "" : one(i, median, slow);
    }).join("");
  const last = p95.findLast((ms) => ms !== undefined);
  const label = last === undefined
    ? "Latency: nothing was sent."
    : `Latency: the slowest twentieth took ${duration(last)} lately.`;
  return (
    <Chart label={label} seconds={p50.length * stepSeconds} top={duration(top)}>
      <path class="grid" d={`M0 ${height * 0.01}H${width}`} />
      <path
        class="whiskers"
        d={draw((i, median, slow) => `M${x(i, p50.length)} ${at(median)}V${at(slow)}`)}
      />
      <path
        class="dots"
        d={draw((i, median) => `M${x(i, p50.length)} ${at(median)}h0`)}
      />
      <path class="base" d={`M0 ${height - 1}H${width}`} />
    </Chart>
  );
}

/** The last step that is over: the one under way has not all of its time yet. */
export function latest(values: readonly number[]): number {
  return values.at(-2) ?? 0;
}

function x(i: number, steps: number): string {
  return (((i + 0.5) * width) / steps).toFixed(1);
}

function Chart(
  { label, seconds, top, children }: {
    readonly label: string;
    readonly seconds: number;
    readonly top: string;
    readonly children: unknown;
  },
) {
  return (
    <div class="chart">
      <svg
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={label}
      >
        {children}
      </svg>
      <span class="top-label" aria-hidden="true">{top}</span>
      <span class="from" aria-hidden="true">{Math.round(seconds / 60)} min ago</span>
      <span class="to" aria-hidden="true">now</span>
    </div>
  );
}

/** Where a stretch of time lies in the whole, as a bar; both in milliseconds. */
export function Stretch(
  { from, to, whole, kind }: {
    readonly from: number;
    readonly to: number;
    readonly whole: number;
    readonly kind: string;
  },
) {
  const unit = 1_000 / Math.max(1, whole);
  const start = Math.max(0, Math.min(992, from * unit));
  const long = Math.max(8, Math.min(1_000 - start, (to - from) * unit));
  return (
    <svg class="stretch" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">
      <rect class="track" x="0" y="4" width="1000" height="2" />
      <rect class={kind} x={start.toFixed(1)} y="0" width={long.toFixed(1)} height="10" rx="3" />
    </svg>
  );
}
