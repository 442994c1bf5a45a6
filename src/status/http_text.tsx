/** @jsxImportSource hono/jsx */
import type { KeptBody, KeptRequest } from "../observe/picture.ts";
import { utf8Text } from "../protocol/body_text.ts";
import { size } from "../page/wording.ts";

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

export function Body({ body: { bytes, total } }: { readonly body: KeptBody }) {
  if (total === 0) return <p class="quiet">No body.</p>;
  const isCut = total > bytes.byteLength;
  const text = textOf(bytes, isCut);
  return (
    <>
      {text === undefined
        ? <p class="quiet">{size(total)} that are not text.</p>
        : <pre tabindex={0} aria-label="Body">{text}</pre>}
      {isCut && <p class="quiet">The first {size(bytes.byteLength)} of {size(total)}.</p>}
    </>
  );
}

/** Undefined when it is not UTF-8. A character may have been cut in two at the end. */
function textOf(bytes: Uint8Array, isCut: boolean): string | undefined {
  for (let less = 0; less <= (isCut ? 3 : 0); less++) {
    const text = utf8Text(bytes.subarray(0, bytes.byteLength - less));
    if (text !== undefined) return text;
  }
  return undefined;
}
