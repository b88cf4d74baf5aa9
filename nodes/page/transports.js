// Four ways to read a channel from behind a cursor. Each takes the channel's name, the cursor, and the functions to
// call: message(text, cursor), node(name), missed(), state(words). Each returns a function that stops it. Whoever
// goes on with another way from the last cursor loses nothing and gets nothing twice.

const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
// By chance, so that all who lost one server do not come back at once.
const pause = (seconds = 1) => wait(1000 * seconds * (0.5 + Math.random()));
const socketUrl = (path) => `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${path}`;

// Runs `turn` again and again, with a pause after a failure, until it is stopped.
function repeat(call, turn) {
  const stopper = new AbortController();
  (async () => {
    while (!stopper.signal.aborted) {
      try {
        await turn(stopper.signal);
      } catch (error) {
        if (stopper.signal.aborted) return;
        call.state(`lost, trying again (${error.message})`);
        await pause(error.seconds);
      }
    }
  })();
  return () => stopper.abort();
}

function refuse(response) {
  const error = new Error(`status ${response.status}`);
  error.seconds = Number(response.headers.get('Retry-After')) || 1;
  throw error;
}

export function poll(channel, since, call) {
  const tab = Math.random();  // without it a second tab would wait for the first one's answer
  return repeat(call, async (signal) => {
    const target = `/subscribe?channel=${channel}&since=${since}&tab=${tab}`;
    call.state('open');  // a poll that is held is as good as it gets
    const response = await fetch(target, {cache: 'no-store', signal});
    if (!response.ok) refuse(response);
    call.node(response.headers.get('Comet-Node') ?? 'a node');
    const text = await response.text();
    since = response.headers.get('Comet-Cursor');
    if (response.headers.get('Comet-Missed')) call.missed();
    if (response.status === 200) call.message(text, since);
  });
}

// A browser's EventSource gives up at an answer such as 503; so each of its lives is one turn.
export function events(channel, since, call) {
  return repeat(call, (signal) => new Promise((_, fail) => {
    const source = new EventSource(`/events?channel=${channel}&since=${since}`);
    signal.addEventListener('abort', () => source.close());
    source.addEventListener('welcome', (event) => {
      call.state('open');
      call.node(JSON.parse(event.data).node);
    });
    source.addEventListener('missed', () => call.missed());
    source.onmessage = (event) => call.message(event.data, since = event.lastEventId);
    source.onerror = () => {
      source.close();
      fail(new Error('the stream has ended'));
    };
  }));
}

// One WebSocket, for as long as it lives. `take` gets each of the gateway's actions, and that one's data.
export function oneSocket(path, signal, take) {
  return new Promise((_, fail) => {
    const socket = new WebSocket(socketUrl(path));
    signal.addEventListener('abort', () => socket.close());
    socket.onmessage = (event) => {
      const answer = JSON.parse(event.data);
      take(answer.action, answer.data, answer, socket);
    };
    socket.onclose = () => fail(new Error('the socket is closed'));
  });
}

export function socket(channel, since, call) {
  return repeat(call, (signal) => oneSocket(`/ws?channel=${channel}&since=${since}`, signal, (action, data) => {
    if (action === 'welcome') {
      call.state('open');
      call.node(data.node);
    }
    if (action === 'missed') call.missed();
    if (action === 'message') call.message(data.text, since = data.cursor);
  }));
}

// Bayeux by long polling: shake hands, subscribe from behind the cursor, then connect again and again.
export function bayeux(channel, since, call) {
  const name = '/' + channel.replaceAll('.', '/');
  const send = async (message, signal) => {
    const response = await fetch('/live', {method: 'POST', body: JSON.stringify([message]), signal,
                                           headers: {'Content-Type': 'application/json'}});
    if (!response.ok) refuse(response);
    const answers = await response.json();
    const last = answers[answers.length - 1];
    if (!last.successful) throw new Error(last.error);
    return answers;
  };
  return repeat(call, async (signal) => {
    const [hello] = await send({channel: '/meta/handshake', version: '1.0',
                                supportedConnectionTypes: ['long-polling']}, signal);
    const clientId = hello.clientId;
    await send({channel: '/meta/subscribe', clientId, subscription: name, ext: {since}}, signal);
    call.state('open');
    call.node(hello.ext.node);
    while (!signal.aborted) {
      const answers = await send({channel: '/meta/connect', clientId, connectionType: 'long-polling'}, signal);
      if (answers[answers.length - 1].ext?.missed) call.missed();
      for (const {data, ext} of answers.slice(0, -1)) {
        call.message(typeof data === 'string' ? data : JSON.stringify(data), since = ext.cursor);
      }
    }
  });
}

// The user's own socket: direct messages from any gateway. Returns how to send, and how to stop.
export function user(name, call) {
  let since = '', current = null;
  const stop = repeat(call, (signal) => {
    const path = `/ws/${name}` + (since && `?since=${since}`);
    return oneSocket(path, signal, (action, data, answer, opened) => {
      if (action === 'welcome') current = opened;
      if (action === 'error') call.error(data.error);
      if (action === 'message') call.direct(answer.from, data.text);
      since = answer.cursor ?? data?.cursor ?? since;
    });
  });
  return {stop, send: (to, text) => {
    if (current?.readyState !== WebSocket.OPEN) throw new Error('not connected: try again');
    current.send(JSON.stringify({action: 'message', data: {to, text}}));
  }};
}
