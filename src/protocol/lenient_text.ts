const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The text of bytes in UTF-8, a byte order mark kept; what is not valid becomes U+FFFD. */
export function lenientText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
