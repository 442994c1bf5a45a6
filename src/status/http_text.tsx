/** @jsxImportSource hono/jsx */
import type { KeptBody, KeptRequest } from "../observe/picture.ts";
import { utf8Beginning } from "../protocol/body_text.ts";
import { size } from "../observe/wording.ts";

export function Request({ request }: { readonly request: KeptRequest }) {
  return (
    <>
      <p class="line">{request.line}</p>
      <Headers headers={request.headers} />
      <Body body={request.body} />
    </>
  );
}

export function Headers({ headers }: { readonly headers: KeptRequest["headers"] }) {
  return (
    <dl class="headers">
      {headers.map(([name, value]) => (
        <div>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Body({ body: { bytes, isCut, total } }: { readonly body: KeptBody }) {
  if (total === 0) return <p class="quiet">No body.</p>;
  const text = utf8Beginning(bytes, isCut);
  return (
    <>
      {text === undefined
        ? <p class="quiet">{size(total)} that are not text.</p>
        : <pre tabindex={0} aria-label="Body">{text}</pre>}
      {isCut && <p class="quiet">The first {size(bytes.byteLength)} of {size(total)}.</p>}
    </>
  );
}
