const maxBytes = 64 * 1024;

/**
 * The text of a response, at most 64 KiB of it; the rest is thrown away with the connection. Reading to the
 * end is what lets the connection be used again.
 */
export async function boundedText(response: Response): Promise<string> {
  if (!response.body) return "";
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let bytes = 0; bytes < maxBytes;) {
    const { value, done } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
  return text;
}
