#!/usr/bin/env node
// Long-poll server on Node.js: one process, one thread, one event loop. A held request is a response object
// in the set of its channel; a publish ends them one after another. A client that leaves is taken out by its
// 'close' event.
const http = require('node:http');
const { parseArgs } = require('node:util');

const channels = new Map(); // channel name -> set of the responses that wait for its next message

function registerClient(channel, response) {
  if (!channels.has(channel)) channels.set(channel, new Set());
  const waiting = channels.get(channel).add(response);
  response.on('close', () => waiting.delete(response));
}

function broadcastMessage(channel, message) {
  const waiting = channels.get(channel) ?? [];
  channels.delete(channel);
  for (const response of waiting) answer(response, message);
}

function heldRequests() {
  let held = 0;
  for (const waiting of channels.values()) held += waiting.size;
  return held;
}

function answer(response, body, contentType = 'text/plain;charset=utf-8') {
  response.setHeader('Content-Type', contentType);
  response.end(body);
}

async function readMessage(request, query) {
  if (request.method === 'GET') return query.get('message') ?? '';
  const chunks = await request.toArray();
  const body = Buffer.concat(chunks);
  const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded');
  return isForm ? new URLSearchParams(body.toString()).get('message') ?? '' : body;
}

const server = http.createServer(async (request, response) => {
  const [path, search] = request.url.split('?', 2);
  const query = new URLSearchParams(search);
  const channel = query.get('channel') ?? 'all';
  if (path === '/subscribe') {
    registerClient(channel, response);
  } else if (path === '/publish') {
    try {
      broadcastMessage(channel, await readMessage(request, query));
      answer(response, 'ok');
    } catch {
      response.destroy(); // the publisher left before its message was whole
    }
  } else if (path === '/stats') {
    answer(response, JSON.stringify({ pattern: 'node', pid: process.pid, held: heldRequests() }), 'application/json');
  } else {
    response.statusCode = 404;
    answer(response, 'no such page\n');
  }
});

function stop(status, message) {
  console.error(`node: ${message}`);
  process.exit(status);
}

function readOptions() {
  const options = { address: { type: 'string', default: '127.0.0.1' }, port: { type: 'string', default: '8000' } };
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return stop(64, `${error.message}; use --address A --port N`);
  }
}

const { address, port } = readOptions();
if (!(Number(port) >= 0 && Number(port) <= 65535)) stop(64, `'${port}' is no port; use --port 0 to 65535`);
server.on('error', (error) => stop(1, error.message));
server.listen(Number(port), address, () => console.log(`READY port=${server.address().port} pid=${process.pid}`));
process.on('SIGTERM', () => process.exit(0));
