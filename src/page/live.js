// Keeps the page up to date while it is open. Everything it shows was drawn by the server.
const pill = document.getElementById("live");
const rows = document.getElementById("messages");
const maxRows = 200;
/** The state comes every second: after so long without one nothing comes any more, though no stream has ended. */
const silenceMs = 5_000;
const shown = new Map();
const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
let stream;
let silence;
let today = new Date().toDateString();

/** Times are UTC as they come; here they are those of whoever looks, with the day where it is another one. */
function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const date = new Date(time.dateTime);
    time.title = date.toLocaleString();
    const day = date.toDateString() === today
      ? ""
      : `${date.toLocaleDateString([], { month: "short", day: "numeric" })} `;
    time.textContent = day + date.toLocaleTimeString([], clock);
  }
  for (const zone of root.querySelectorAll("[data-zone]")) zone.remove();
}

function tell(state, text) {
  if (pill.dataset.state === state) return;
  pill.dataset.state = state;
  pill.textContent = text;
}

/** What does the same as the old one; where that is gone, the first of them. */
function focusAgain(section, old) {
  const does = ({ href, form }) => href ?? form?.action;
  const all = [...section.querySelectorAll("a, button")];
  (all.find((one) => does(one) === does(old)) ?? all[0])?.focus();
}

function update({ run, sections }) {
  // Another process answers now, or the sign-in has ended: what this page shows was for before.
  if (run !== pill.dataset.run) return location.reload();
  const now = new Date().toDateString();
  if (now !== today) {
    today = now;
    localTimes(document);
  }
  for (const [name, html] of Object.entries(sections)) {
    const section = document.getElementById(name);
    if (!section || shown.get(name) === html) continue;
    const old = section.contains(document.activeElement) ? document.activeElement : undefined;
    section.innerHTML = html;
    if (old) focusAgain(section, old);
    localTimes(section);
    shown.set(name, html);
  }
}

function show({ html }) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const row = template.content.firstElementChild;
  localTimes(row);
  const old = document.getElementById(row.id);
  const hadFocus = old?.contains(document.activeElement);
  if (old) old.replaceWith(row);
  else {
    document.getElementById("no-messages")?.remove();
    row.classList.add("new");
    rows.prepend(row);
    while (rows.childElementCount > maxRows) rows.lastElementChild.remove();
  }
  if (hadFocus) row.querySelector("a")?.focus();
}

/** A browser has six connections to a server: pages that nobody sees must not hold them. */
function follow() {
  stream?.close();
  clearTimeout(silence);
  if (document.hidden) return;
  tell("lost", "Connecting");
  stream = new EventSource(`/live?since=${rows?.dataset.version ?? 0}`);
  stream.addEventListener("open", () => tell("on", "Live"));
  stream.addEventListener("state", ({ data }) => {
    awaitState();
    update(JSON.parse(data));
  });
  stream.addEventListener("message", ({ data }) => show(JSON.parse(data)));
  stream.addEventListener("error", () => {
    if (stream.readyState !== EventSource.CLOSED) return tell("lost", "Reconnecting");
    clearTimeout(silence);
    tell("off", "Not live: reload");
  });
  awaitState();
}

function awaitState() {
  clearTimeout(silence);
  silence = setTimeout(() => {
    tell("lost", "Reconnecting");
    follow();
  }, silenceMs);
}

localTimes(document);
// What a button came to is told once, not again when the page is loaded anew.
if (location.search) history.replaceState(null, "", location.pathname);
if (pill) {
  document.addEventListener("visibilitychange", follow);
  follow();
}
