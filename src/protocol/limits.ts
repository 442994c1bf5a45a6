/** The largest body the relay takes, bytes; the old relay's limit. */
export const maxBodyBytes = 10 * 1024 * 1024;

/**
 * The largest frame either side reads, bytes. An envelope may be larger than its body: base64 adds a
 * third, JSON escapes more.
 */
export const maxFrameBytes = 64 * 1024 * 1024;

/** Message ids of one kind in one frame or request. */
export const maxBatchIds = 10_000;

/** The longest channel name, characters. */
export const maxChannelNameLength = 128;
