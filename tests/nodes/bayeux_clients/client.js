// One real client of Bayeux: client.js faye|cometd long-polling|websocket URL. Commands are lines on standard input
// (["subscribe", "/a/*"], ["publish", "/a/b", DATA], ["unsubscribe", "/a/*"], ["disconnect"]); each is answered by a
// line on standard output, and each message that comes is one: ["message", CHANNEL, DATA].
'use strict';
const readline = require('readline');

const [library, transport, url] = process.argv.slice(2);
const say = (...words) => console.log(JSON.stringify(words));
const subscriptions = new Map();

function fayeClient() {
  const faye = require('faye');
  const client = new faye.Client(url, {retry: 0.2});
  if (transport === 'long-polling') client.disable('websocket');
  return {
    subscribe(pattern) {
      const subscription = client.subscribe(pattern).withChannel((channel, data) => say('message', channel, data));
      subscriptions.set(pattern, subscription);
      return subscription;
    },
    unsubscribe: async (pattern) => subscriptions.get(pattern).cancel(),
    publish: (channel, data) => client.publish(channel, data),
    disconnect: () => client.disconnect(),
  };
}

function cometdClient() {
  require('cometd-nodejs-client').adapt();
  const {CometD} = require('cometd');
  const client = new CometD();
  client.configure({url, backoffIncrement: 200, maxBackoff: 1000});
  client.unregisterTransport(transport === 'long-polling' ? 'websocket' : 'long-polling');
  client.unregisterTransport('callback-polling');
  const done = (resolve, reject) => (reply) => reply.successful ? resolve() : reject(new Error(JSON.stringify(reply)));
  const on = (message) => say('message', message.channel, message.data);
  // After another handshake a program subscribes again, as CometD's manual says.
  client.addListener('/meta/handshake', (reply) => {
    if (!reply.successful) return;
    for (const [pattern, old] of subscriptions) subscriptions.set(pattern, client.resubscribe(old));
  });
  const ready = new Promise((resolve, reject) => client.handshake(done(resolve, reject)));
  return {
    subscribe: async (pattern) => {
      await ready;
      await new Promise((resolve, reject) => {
        subscriptions.set(pattern, client.subscribe(pattern, on, done(resolve, reject)));
      });
    },
    unsubscribe: (pattern) => new Promise((resolve, reject) => {
      client.unsubscribe(subscriptions.get(pattern), done(resolve, reject));
    }),
    publish: async (channel, data) => {
      await ready;
      await new Promise((resolve, reject) => client.publish(channel, data, done(resolve, reject)));
    },
    disconnect: () => new Promise((resolve, reject) => client.disconnect(done(resolve, reject))),
  };
}

const client = library === 'faye' ? fayeClient() : cometdClient();
readline.createInterface({input: process.stdin}).on('line', async (line) => {
  const [command, ...words] = JSON.parse(line);
  try {
    await client[command](...words);
    say(command, 'done');
  } catch (error) {
    say(command, 'failed', String(error.message || error));
  }
}).on('close', () => process.exit(0));
