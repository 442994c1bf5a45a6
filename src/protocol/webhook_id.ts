/** What a webhook id may be: it goes on in a header, to the target. */
export const webhookIdForm = /^[\x20-\x7e\xa0-\xff]{1,512}$/;

/** In words, for problems. */
export const webhookIdRule = "at most 512 printable characters of Latin-1";
