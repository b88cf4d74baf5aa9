// A WebSocket by ws: socket.js URL. Commands are lines on standard input (["text", TEXT], ["fragments", [TEXT, ...]],
// ["bytes", TEXT], ["ping", TEXT], ["close", CODE, WHY]); what happens is a line on standard output (["open"],
// ["text", TEXT], ["pong", TEXT], ["close", CODE, WHY]).
'use strict';
const readline = require('readline');
const {WebSocket} = require('ws');

const say = (...words) => console.log(JSON.stringify(words));
const socket = new WebSocket(process.argv[2]);
socket.on('open', () => say('open'));
socket.on('message', (data) => say('text', data.toString()));
socket.on('pong', (data) => say('pong', data.toString()));
socket.on('close', (code, why) => say('close', code, why.toString()));
socket.on('error', (error) => say('error', error.message));

const commands = {
  text: (text) => socket.send(text),
  fragments: (texts) => texts.forEach((text, i) => socket.send(text, {fin: i + 1 === texts.length})),
  bytes: (text) => socket.send(Buffer.from(text)),
  ping: (text) => socket.ping(text),
  close: (code, why) => socket.close(code, why),
};
readline.createInterface({input: process.stdin}).on('line', (line) => {
  const [command, ...words] = JSON.parse(line);
  commands[command](...words);
}).on('close', () => process.exit(0));
