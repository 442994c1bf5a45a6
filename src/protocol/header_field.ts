/** A token (RFC 9110 sections 5.1 and 5.6.2). */
export const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** A field value may hold visible bytes, spaces and tabs (RFC 9110 section 5.5): no CR, LF, NUL, and nothing above a byte. */
export const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/** What is none could smuggle in another header, or a request. */
export function isHeaderField([name, value]: readonly [name: string, value: string]): boolean {
  return headerName.test(name) && fieldValue.test(value);
}
