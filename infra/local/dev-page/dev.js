// Shows what the local stack is doing. Asks every second while the page can be seen, and changes only the
// text that changed, so that nothing moves under the reader's eyes.

const EVERY_MS = 1_000;
const byId = (id) => document.getElementById(id);

const mailList = byId("mail-list");
const reader = byId("mail-reader");
const rows = new Map();
const mails = new Map();
let chosen = null;
let lost = false;

async function get(path) {
  const response = await fetch(path, { headers: { accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout(5_000) });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return response.json();
}

async function refresh() {
  try {
    const [state, inbox] = await Promise.all([get("/_dev/state"), get("/_dev/mails")]);
    showState(state);
    showMails(inbox.items ?? []);
    if (lost || byId("pulse").textContent !== "Live") pulse("Live", false);
    lost = false;
  } catch (error) {
    if (!lost) pulse(`No answer since ${time(new Date())}: is “make dev” still running? (${error.message})`, true);
    lost = true;
  }
}

function pulse(text, bad) {
  const node = byId("pulse");
  node.textContent = text;
  node.classList.toggle("is-bad", bad);
}

function showState({ functions = [], queues = [], emulator, table }) {
  for (const f of functions) {
    row("functions", f.name, [f.name, routeText(f.route), f.invocations, f.errors, f.running], { bad: f.errors > 0 ? 3 : -1, busy: f.running > 0 });
  }
  for (const { title, waiting, inFlight, dead } of pairs(queues)) {
    row("queues", title, [title, waiting, inFlight, dead], { bad: dead > 0 ? 3 : -1, busy: inFlight > 0 });
  }
  setText(byId("emulator"), emulator ?? "—");
  setText(byId("table"), table ?? "—");
}

/** Functions without a route are called by a queue or by the table's stream. */
function routeText(route) {
  if (route === "$default") return "any other path";
  return route ?? "queue or stream";
}

/** One row for "stampede-Queues-SendEmailQueue" and "stampede-Queues-SendEmailDeadLetters". */
function pairs(queues) {
  const found = new Map();
  for (const { name, waiting, in_flight: inFlight } of queues) {
    const [, title, kind] = name.match(/^(?:.*-Queues-)?(.+?)(DeadLetters|Queue)?$/);
    const pair = found.get(title) ?? { title, waiting: "—", inFlight: "—", dead: "—" };
    // Nobody reads the queue of what could not be relayed: it is one of dead letters, whatever its name.
    if (kind === "DeadLetters" || title === "RelayFailures") pair.dead = waiting ?? "?";
    else Object.assign(pair, { waiting: waiting ?? "?", inFlight: inFlight ?? "?" });
    found.set(title, pair);
  }
  return [...found.values()];
}

/** Makes the row once; afterwards only its cells change. */
function row(body, name, values, { bad, busy }) {
  const key = `${body}/${name}`;
  let cells = rows.get(key);
  if (cells === undefined) {
    const firstNumber = body === "functions" ? 2 : 1;
    const tr = document.createElement("tr");
    cells = values.map((value, i) => {
      const cell = document.createElement(i === 0 ? "th" : "td");
      if (i === 0) cell.scope = "row";
      if (i >= firstNumber) cell.className = "number";
      tr.append(cell);
      return cell;
    });
    byId(body).append(tr);
    rows.set(key, cells);
  }
  values.forEach((value, i) => {
    setText(cells[i], typeof value === "number" ? value.toLocaleString() : value);
    cells[i].classList.toggle("is-bad", i === bad);
  });
  cells[0].classList.toggle("is-busy", busy);
}

function setText(node, text) {
  if (node.textContent !== String(text)) node.textContent = text;
}

function showMails(items) {
  setText(byId("mail-count"), items.length === 0 ? "" : String(items.length));
  const newestFirst = [...items].sort((a, b) => String(b.sent_at).localeCompare(String(a.sent_at)));
  // From the oldest on, so that each new one lands on top of those before it.
  for (const mail of newestFirst.reverse()) {
    if (mails.has(mail.id)) continue;
    const { item, button } = entry(mail.subject, to(mail), time(new Date(mail.sent_at)), () => choose(mail.id));
    mailList.prepend(item);
    mails.set(mail.id, { mail, button, item });
  }
  // The stack was cleared meanwhile.
  const still = new Set(items.map((mail) => mail.id));
  for (const [id, { item }] of mails) {
    if (still.has(id)) continue;
    item.remove();
    mails.delete(id);
    if (chosen === id) {
      chosen = null;
      reader.replaceChildren();
    }
  }
  const newest = newestFirst.at(-1);
  if (chosen === null && newest !== undefined) choose(newest.id);
}

function choose(id) {
  chosen = id;
  mark(mails, id);
  const { mail } = mails.get(id);
  const about = `From ${mail.from} to ${to(mail)}, ${new Date(mail.sent_at).toLocaleString()}`;
  show(reader, mail.subject, about, mail.html && { srcdoc: mail.html }, mail.text);
}

/** A line of a list of emails. */
function entry(subject, left, right, read) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "mail";
  button.append(span("mail-subject", subject || "(no subject)"), span("mail-to", left), span("mail-time", right));
  button.addEventListener("click", read);
  const item = document.createElement("li");
  item.append(button);
  return { item, button };
}

/** Which line of a list is being read. */
function mark(entries, id) {
  for (const [other, { button }] of entries) {
    if (other === id) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
}

/** Shows an email: what it is about, then HTML (`srcdoc` or `src` of a frame) and text side by side. */
function show(place, title, about, html, plain) {
  const head = document.createElement("div");
  head.className = "mail-head";
  const subject = document.createElement("h3");
  subject.textContent = title || "(no subject)";
  head.append(subject, span("muted", about));

  const bodies = document.createElement("div");
  bodies.className = "mail-bodies";
  if (html) {
    // An empty sandbox: no scripts, no forms, no way to this page.
    const frame = document.createElement("iframe");
    frame.setAttribute("sandbox", "");
    frame.title = `The email “${title}” as HTML`;
    Object.assign(frame, html);
    bodies.append(part("HTML", frame));
  }
  const text = document.createElement("pre");
  text.tabIndex = 0;
  text.textContent = plain || "(no text part)";
  bodies.append(part("Text", text));
  place.replaceChildren(head, bodies);
}

function part(name, node) {
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  caption.textContent = name;
  figure.append(caption, node);
  return figure;
}

function span(className, text) {
  const node = document.createElement("span");
  node.className = className;
  node.textContent = text;
  return node;
}

function to(mail) {
  return [].concat(mail.to ?? []).join(", ");
}

function time(date) {
  return Number.isNaN(date.getTime()) ? "" : date.toLocaleTimeString();
}

/** The samples do not change while the stack runs: they are listed once. */
async function listTemplates() {
  const place = byId("template-reader");
  try {
    const { items } = await get("/_dev/templates");
    setText(byId("template-count"), String(items.length));
    const entries = new Map();
    const read = async (template) => {
      mark(entries, template.name);
      const text = await fetch(template.text).then((response) => response.text());
      show(place, template.subject, template.when, { src: template.html }, text);
    };
    for (const template of items) {
      const made = entry(template.when, template.subject, "", () => read(template));
      byId("template-list").append(made.item);
      entries.set(template.name, made);
    }
    if (items.length > 0) await read(items[0]);
  } catch (error) {
    place.textContent = `The templates cannot be listed (${error.message}).`;
  }
}

// One question at a time: the next is put a second after the last was answered.
async function loop() {
  for (;;) {
    if (document.hidden) await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
    else {
      await refresh();
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }
}

listTemplates();
loop();
