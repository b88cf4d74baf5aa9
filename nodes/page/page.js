// The chat: a room's messages by the transport that is picked, direct messages, and who is here. Text from others is
// put in as text, never as markup.
import {bayeux, events, poll, socket, user} from './transports.js';

const transports = {poll, events, socket, bayeux};
const at = (id) => document.getElementById(id);
const kMostShown = 500;

let me = null;          // the user's own socket
let name = '';
let room = '';
let cursor = '0';       // of the room's last message: every transport goes on from here
let stopReading = () => {};

function show(words, kind = '') {
  const log = at('messages');
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const item = document.createElement('li');
  item.textContent = words;
  item.className = kind;
  log.append(item);
  while (log.childElementCount > kMostShown) log.firstElementChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
}

const tellError = (words) => { at('error').textContent = words; };

// What this page publishes is JSON; curl's messages are text.
function parsed(text) {
  try {
    const message = JSON.parse(text);
    if (typeof message?.text === 'string') return message;
  } catch { /* it is text */ }
  return {text};
}

function read() {
  stopReading();
  at('state').textContent = 'connecting';
  stopReading = transports[at('transport').value](`room.${room}`, cursor, {
    message(text, itsCursor) {
      cursor = itsCursor;
      at('cursor').textContent = itsCursor;
      const {from, text: words, sent} = parsed(text);
      if (typeof sent === 'number') at('latency').textContent = `${Math.max(0, Date.now() - sent)} ms`;
      show(typeof from === 'string' ? `${from}: ${words}` : words);
    },
    node: (itsName) => { at('node').textContent = itsName.slice(0, 12); },
    missed: () => show('Messages may have been missed here.', 'note'),
    state: (words) => { at('state').textContent = words; },
  });
}

at('join').addEventListener('submit', (event) => {
  event.preventDefault();
  if (name !== at('name').value) {
    me?.stop();
    name = at('name').value;
    me = user(name, {
      direct: (from, text) => show(`${from} to you: ${text}`, 'direct'),
      error: tellError,
      state: () => {},
    });
  }
  if (room !== at('room').value) {
    room = at('room').value;
    cursor = '0';
    at('messages').replaceChildren();
    show(`You are in ${room}.`, 'note');
  }
  tellError('');
  at('send').querySelector('button').disabled = false;
  read();
  at('text').focus();
});

at('transport').addEventListener('change', () => { if (room) read(); });

at('send').addEventListener('submit', async (event) => {
  event.preventDefault();
  const to = at('to').value, text = at('text').value;
  tellError('');
  try {
    if (to) {
      me.send(to, text);
      show(`you to ${to}: ${text}`, 'direct');
    } else {
      const body = JSON.stringify({from: name, text, sent: Date.now()});
      const answer = await fetch(`/publish?channel=room.${room}`, {method: 'POST', body,
                                                                   headers: {'Content-Type': 'text/plain'}});
      if (!answer.ok) throw new Error(await answer.text());
    }
    at('text').value = '';
  } catch (error) {
    tellError(`Not sent: ${error.message}`);
  }
});

// The list is made anew only if it has changed, so that nobody loses the place of their keyboard in it.
function listUsers(users) {
  if (JSON.stringify(users) === at('users').dataset.shown) return;
  at('users').dataset.shown = JSON.stringify(users);
  const to = at('to').value;
  at('to').replaceChildren(new Option('everybody in the room', ''), ...users.map((one) => new Option(one, one)));
  at('to').value = users.includes(to) ? to : '';
  at('users').replaceChildren(...users.map((one) => {
    const item = document.createElement('li');
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = one;
    button.setAttribute('aria-label', `Write to ${one}`);
    button.addEventListener('click', () => {
      at('to').value = one;
      at('text').focus();
    });
    item.append(button);
    return item;
  }));
}

async function lookAround() {
  try {
    const answer = await fetch('/users', {cache: 'no-store'});
    if (answer.ok) listUsers(await answer.json());
  } catch { /* the next look may tell */ }
  setTimeout(lookAround, 2000);
}
lookAround();
