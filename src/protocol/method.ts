/**
 * Methods that a webhook may have: those that go on to a target. CONNECT opens a tunnel, TRACE sends the request back with
 * what is secret in it (RFC 9110, section 9.3).
 */
export const webhookMethod = /^(?!(?:connect|trace)$)[a-z](?:[a-z-]{0,30}[a-z])?$/i;
