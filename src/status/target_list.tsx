/** @jsxImportSource hono/jsx */
import { Badge, Head } from "../page/parts.tsx";
import type { TargetLoad } from "../observe/picture.ts";
import { count } from "../observe/wording.ts";
import type { StatusText } from "./status_text.ts";

/** Each target: whether it answers, what it has to do, what went wrong last. */
export function TargetList(
  { status, loads }: {
    readonly status: Pick<StatusText, "targets">;
    readonly loads: readonly TargetLoad[];
  },
) {
  return (
    <table>
      <caption class="sr">Targets</caption>
      <Head
        columns={[
          { name: "Target" },
          { name: "State" },
          { name: "In flight", kind: "number" },
          { name: "Waiting", kind: "number wide" },
          { name: "Failures in a row", kind: "number wide" },
          { name: "Last failure", kind: "wide" },
        ]}
      />
      <tbody>
        {loads.map(({ name, url, inFlight, waiting }) => {
          const known = status.targets[name];
          const failures = known?.failures_in_a_row ?? 0;
          return (
            <tr>
              <th scope="row">
                {name}
                <span class="under">{url}</span>
              </th>
              <td>
                <TargetBadge
                  breaker={known?.breaker ?? "closed"}
                  failures={failures}
                  isTried={known?.tried ?? false}
                  isIdle={inFlight + waiting === 0}
                />
              </td>
              <td class="number">{count(inFlight)}</td>
              <td class="number wide">{count(waiting)}</td>
              <td class="number wide">{count(failures)}</td>
              <td class="wide reason">{known?.last_failure ?? "none"}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function TargetBadge(
  { breaker, failures, isTried, isIdle }: {
    readonly breaker: "closed" | "open" | "half_open";
    readonly failures: number;
    readonly isTried: boolean;
    readonly isIdle: boolean;
  },
) {
  if (breaker === "open") return <Badge mood="bad">breaker open</Badge>;
  if (breaker === "half_open") {
    return isIdle
      ? <Badge mood="quiet">tries the next one</Badge>
      : <Badge mood="busy">probing</Badge>;
  }
  if (failures > 0) return <Badge mood="busy">failing</Badge>;
  return isTried ? <Badge mood="good">answers</Badge> : <Badge mood="quiet">not tried yet</Badge>;
}
