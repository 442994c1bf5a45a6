/** The largest body the relay takes by default, bytes; the old relay's limit. A frame carries it whatever is in it. */
export const maxBodyBytes = 10 * 1024 * 1024;

/** The largest that a channel may take: a frame carries it as base64, and as most texts. */
export const maxChannelBodyBytes = 45 * 1024 * 1024;

/**
 * The largest frame either side reads, bytes. An envelope may be larger than its body: base64 adds a
 * third, JSON escapes write six characters for one.
 */
export const maxFrameBytes = 64 * 1024 * 1024;

/** The most bytes that a UTF-16 unit becomes in UTF-8 (RFC 3629, section 3). */
export const utf8BytesPerUnit = 3;

/** Message ids of one kind in one frame or request. */
export const maxBatchIds = 10_000;

/** Messages that are read of one answer to a poll; no more than a hundred are ever asked for. */
export const maxPollMessages = 1_000;

/** The longest message id, characters. */
export const maxMessageIdLength = 256;

/** Of one webhook: how many headers, and the characters of their names and values together. */
export const maxHeaders = 1_000;
export const maxHeaderChars = 256 * 1024;

/** The longest path, with its query, characters. */
export const maxPathLength = 64 * 1024;

/** Of what the other side says in words this much is passed on, characters. */
export const maxQuoteLength = 200;

/** The longest channel name, characters. */
export const maxChannelNameLength = 128;
/** So long a connector may be away and keeps what it has (`resume`), milliseconds; no longer than the ack timeout. */
export const resumeMs = 10_000;
