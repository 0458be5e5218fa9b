// Shows the mailbox and keeps it fresh. What a mail says goes into the page by textContent alone; its HTML is shown
// by the sandboxed frame.
"use strict";

const POLL_MS = 1000;
const STEP = 100;

const element = (id) => document.getElementById(id);
const show = (id, visible) => { element(id).hidden = !visible; };

let limit = STEP;
let mailbox = null; // the last list, or null before the first
let version = null; // its ETag
let opened = null; // the id of the mail that is shown, or null
let gone = false; // whether that mail is no longer there
let openings = 0; // tells an answer that came too late
const items = new Map(); // list items by mail id

/* The list */

async function refresh() {
  const range = `/api/v1/messages?limit=${limit}`;
  try {
    const response = await fetch(range, { cache: "no-cache" });
    if (!response.ok) throw new Error(`the mailbox answered ${response.status}`);
    show("trouble", false);
    const key = `${response.headers.get("ETag")} ${limit}`;
    if (key === version) return;
    const before = mailbox;
    mailbox = await response.json();
    version = key;
    render();
    announce(before);
  } catch (error) {
    element("trouble").textContent = `The mailbox cannot be reached (${error.message}). Trying again…`;
    show("trouble", true);
  }
}

async function poll() {
  if (!document.hidden) await refresh();
  setTimeout(poll, POLL_MS);
}

function render() {
  const { messages, total, unread } = mailbox;
  const list = element("list");
  const ids = new Set(messages.map((message) => message.ID));
  for (const [id, item] of items) {
    if (!ids.has(id)) {
      item.remove();
      items.delete(id);
    }
  }
  // Items that are still there stay the elements they were, so that nobody's focus or place is lost.
  let place = list.firstElementChild;
  for (const message of messages) {
    let item = items.get(message.ID);
    if (!item) {
      item = newItem(message);
      items.set(message.ID, item);
    }
    item.firstElementChild.classList.toggle("unread", !message.Read);
    item.querySelector(".unread-word").textContent = message.Read ? "" : "Unread. ";
    if (item === place) place = place.nextElementSibling;
    else list.insertBefore(item, place);
  }
  const number = (count) => count.toLocaleString();
  const mails = total === 1 ? "1 mail" : `${number(total)} mails`;
  element("count").textContent = total === 0 ? "" : unread === 0 ? mails : `${number(unread)} of ${number(total)} unread`;
  document.title = unread === 0 ? "Mailbox" : `(${unread}) Mailbox`;
  show("more", messages.length < total);
  arrange();
}

function newItem(message) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = `/view/${message.ID}`;
  const part = (kind, text) => {
    const span = document.createElement(kind === "time" ? "time" : "span");
    if (kind !== "time") span.className = kind;
    span.textContent = text;
    link.append(span);
    return span;
  };
  const to = part("to", "");
  const word = document.createElement("span");
  word.className = "unread-word visually-hidden";
  to.append(word, recipients(message) || "nobody");
  const created = new Date(message.Created);
  const time = part("time", shortTime(created));
  time.dateTime = message.Created;
  time.title = created.toLocaleString();
  part("subject", message.Subject || "(no subject)");
  part("snippet", message.Snippet);
  item.append(link);
  return item;
}

const recipients = (message) => [...message.To, ...message.Cc, ...message.Bcc].map((to) => to.Address).join(", ");

function shortTime(date) {
  const today = date.toDateString() === new Date().toDateString();
  return today
    ? date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" })
    : date.toLocaleDateString([], { day: "numeric", month: "short" });
}

function announce(before) {
  if (!before) return;
  const known = new Set(before.messages.map((message) => message.ID));
  const fresh = mailbox.messages.filter((message) => !message.Read && !known.has(message.ID));
  if (fresh.length === 0) return;
  element("news").textContent =
    fresh.length === 1 ? `New mail to ${recipients(fresh[0])}: ${fresh[0].Subject}` : `${fresh.length} new mails`;
}

/** Shows the parts of the page that fit what there is. */
function arrange() {
  const some = mailbox !== null && mailbox.total > 0;
  const reading = opened !== null;
  show("list-pane", some);
  show("delete-all", some);
  show("empty", mailbox !== null && !some && !reading);
  show("none-chosen", some && !reading);
  show("gone", reading && gone);
  if (!reading || gone) show("mail", false);
  document.body.classList.toggle("reading", reading);
  for (const [id, item] of items) {
    if (id === opened) item.firstElementChild.setAttribute("aria-current", "true");
    else item.firstElementChild.removeAttribute("aria-current");
  }
}

/* One mail */

async function open(id) {
  const opening = ++openings;
  opened = id;
  gone = false;
  arrange();
  if (id === null) return;
  try {
    const url = `/api/v1/message/${encodeURIComponent(id)}`;
    const [response, source] = await Promise.all([fetch(url), fetch(`${url}/raw`)]);
    if (opening !== openings) return;
    if (!response.ok || !source.ok) {
      gone = true;
      arrange();
      return;
    }
    const message = await response.json();
    const text = await source.text();
    if (opening !== openings) return;
    fill(message, text);
    show("mail", true);
    element("subject").focus({ preventScroll: true });
    refresh();
  } catch (error) {
    element("trouble").textContent = `The mail cannot be read (${error.message}).`;
    show("trouble", true);
  }
}

function fill(message, source) {
  element("subject").textContent = message.Subject || "(no subject)";
  const fields = element("fields");
  fields.replaceChildren();
  const field = (name, value) => {
    if (!value) return;
    const term = document.createElement("dt");
    const definition = document.createElement("dd");
    term.textContent = name;
    definition.textContent = value;
    fields.append(term, definition);
  };
  const people = (addresses) =>
    addresses.map(({ Name, Address }) => (Name ? `${Name} <${Address}>` : Address)).join(", ");
  field("From", people([message.From]));
  field("To", people(message.To));
  field("Cc", people(message.Cc));
  field("Bcc", people(message.Bcc));
  field("Reply to", people(message.ReplyTo));
  field("Date", new Date(message.Date).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" }));
  field("Attached", [...message.Inline, ...message.Attachments].map((file) => file.FileName || file.ContentType).join(", "));
  element("text").textContent = message.Text;
  element("source").textContent = source;
  const html = message.HTML !== "";
  element("tab-html").disabled = !html;
  if (html) element("html").src = `/view/${encodeURIComponent(message.ID)}.html`;
  else element("html").removeAttribute("src");
  select(html ? "html" : "text");
}

/* Tabs */

const TABS = ["html", "text", "source"];

function select(chosen, focus = false) {
  for (const name of TABS) {
    const tab = element(`tab-${name}`);
    tab.setAttribute("aria-selected", String(name === chosen));
    tab.tabIndex = name === chosen ? 0 : -1;
    show(`panel-${name}`, name === chosen);
    if (focus && name === chosen) tab.focus();
  }
}

for (const name of TABS) {
  element(`tab-${name}`).addEventListener("click", () => select(name));
  element(`tab-${name}`).addEventListener("keydown", (event) => {
    const there = TABS.filter((other) => !element(`tab-${other}`).disabled);
    const at = there.indexOf(name);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: there.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    select(there[(to + there.length) % there.length], true);
  });
}

/* Going about */

const idIn = (path) => (path.startsWith("/view/") ? decodeURIComponent(path.slice("/view/".length)) : null);

function go(path) {
  if (path !== location.pathname) history.pushState(null, "", path);
  open(idIn(path));
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  const left = opened;
  go(link.pathname);
  if (opened === null) items.get(left)?.firstElementChild.focus();
});
addEventListener("popstate", () => open(idIn(location.pathname)));

element("more").addEventListener("click", () => {
  limit += STEP;
  refresh();
});

async function remove(ids) {
  const body = ids ? JSON.stringify({ IDs: ids }) : undefined;
  const headers = ids ? { "content-type": "application/json" } : {};
  try {
    await fetch("/api/v1/messages", { method: "DELETE", headers, body });
    go("/");
  } finally {
    refresh();
  }
}

element("delete").addEventListener("click", () => remove([opened]));
element("delete-all").addEventListener("click", () => {
  const { total } = mailbox;
  if (confirm(total === 1 ? "Delete the mail?" : `Delete all ${total.toLocaleString()} mails?`)) remove(null);
});

element("copy").addEventListener("click", async (event) => {
  const button = event.currentTarget;
  try {
    await navigator.clipboard.writeText(element("example").textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(element("example"));
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
});

document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
open(idIn(location.pathname));
poll();
