// The page: the facts of the runs, what is shown, and drawing it again when that changes.
'use strict';

const reasons = {
  'memory-user': 'No data: this run has no hold scenario.',
  'memory-kernel': 'No data: this run has no hold scenario with kernel memory.',
  'churn': 'No data: this run has no churn scenario.',
  'offered': 'No data: this run has no steady scenario with cursors.',
  'loss': 'No data: this run has no steady scenario without cursors.',
  'blocking': 'No data: this run has no blocking scenario.',
  'growth': 'No data: no broadcast at several sizes.',
  'budget': 'No data: needs a broadcast of a pattern and the floor, chosen above, and results/microbench.json, made by ' +
    'make microbench.',
};

function drawAll() {
  drawTable();
  drawGrowth();
  for (const figure of document.querySelectorAll('[data-plot]')) {
    const {plot} = figure.dataset;
    const reason = shownEntries().length === 0 ? 'Nothing is chosen above.'
      : reasons[plot] ?? 'No data: not measured in this scenario at this size.';
    draw(figure, plots[plot](), reason);
  }
}

function factsOf(run) {
  const {machine} = run;
  const facts = {
    'started': run.started_at, 'commit': run.commit, 'command line': run.command_line?.join(' '), 'seed': run.seed,
    ...Object.fromEntries(Object.entries(machine).filter(([name]) => !name.endsWith('settings'))),
    ...machine.settings, 'changed settings': machine.changed_settings?.join(', ') || 'none',
  };
  const rows = Object.entries(facts).flatMap(([name, value]) => [
    element('dt', {}, name.replaceAll('_', ' ')), element('dd', {}, `${value ?? '-'}`)]);
  const summary = `${run.started_at}: ${placeOf(run)}, seed ${run.seed}`;
  return element('details', {}, element('summary', {}, summary), element('dl', {}, ...rows));
}

function placeOf({machine, commit}) {
  const short = (commit?.slice(0, 12) ?? 'unknown') + (commit?.endsWith('-changed') ? ' (changed)' : '');
  return `${machine.cores} cores of ${machine.cpu ?? 'an unknown CPU'}, ${machine.kernel}, commit ${short}`;
}

// On loopback the load generator and the server share the cores.
function drawMachine() {
  const cores = ascending(data.runs.map(({machine}) => machine.cores)).map(readable).join(' or ');
  document.getElementById('machine').textContent = `The server and the load generator share this machine's ${cores} ` +
      'cores and talk over loopback: what one takes the other does not have, and no network is measured.';
}

// Runs of one machine and commit share a line that can be opened.
function drawRuns() {
  const place = document.getElementById('runs');
  place.append(...data.runs.map(factsOf));
  if (data.runs.length === 1 || new Set(data.runs.map(placeOf)).size > 1) return;
  const summary = `${data.runs.length} runs from ${data.runs[0].started_at} on: ${placeOf(data.runs[0])}`;
  place.replaceChildren(element('details', {}, element('summary', {}, summary), ...place.children));
}

function fillSelect(id, options, chosen, change) {
  const select = document.getElementById(id);
  select.replaceChildren(...options.map((value) => element('option', {value, selected: value === chosen},
      typeof value === 'number' ? readable(value) : value)));
  select.onchange = () => change(select.value);
}

// The size at which most entries were measured; of several 4,000, or else the largest.
function fullestSize(name, sizes) {
  const measured = (held) => data.series.filter((series) => series.scenario === name && series.held === held).length;
  const most = Math.max(...sizes.map(measured));
  const full = sizes.filter((held) => measured(held) === most);
  return full.includes(4000) ? 4000 : full.at(-1);
}

function chooseScenario(name) {
  state.scenario = name;
  const sizes = sizesOf(name);
  if (!sizes.includes(state.held)) state.held = fullestSize(name, sizes);
  fillSelect('held', sizes, state.held, (value) => { state.held = Number(value); chooseRate(); drawAll(); });
  chooseRate();
}

// The choice of a rate is hidden unless there is one.
function chooseRate() {
  const rates = ratesOf(state.scenario, state.held);
  if (!rates.includes(state.rate)) [state.rate] = rates;
  document.getElementById('rate').parentElement.hidden = rates.length < 2;
  fillSelect('rate', rates, state.rate, (value) => { state.rate = Number(value); drawAll(); });
}

function toggle(names) {
  const hide = names.some((name) => !state.hidden.has(name));
  for (const name of names) hide ? state.hidden.add(name) : state.hidden.delete(name);
  drawChips();
  drawAll();
}

function chip(label, names) {
  const chip = element('button', {type: 'button', onclick: () => toggle(names)}, label);
  chip.ariaPressed = String(names.some((name) => !state.hidden.has(name)));
  return chip;
}

function drawChips() {
  const ofGroup = (group) => data.entries.filter((entry) => entry.group === group).map(({name}) => name);
  document.getElementById('groups').replaceChildren(
      ...groups.filter((group) => ofGroup(group).length > 0).map((group) => chip(groupNames[group], ofGroup(group))));
  document.getElementById('entries').replaceChildren(
      ...data.entries.map((entry) => chip(entryLabel(entry), [entry.name])));
}

// The picture of the README, #picture=HELD,ENTRY,...: two plots of these entries at that size.
function choosePicture() {
  const [, choice] = location.hash.match(/^#picture=(.+)$/) ?? [];
  if (!choice) return;
  const [held, ...names] = choice.split(',');
  document.body.classList.add('picture');
  state.held = Number(held);
  for (const {name} of data.entries) if (!names.includes(name)) state.hidden.add(name);
}

drawMachine();
drawRuns();
choosePicture();
fillSelect('scenario', data.scenarios.map(({name}) => name), null, (name) => { chooseScenario(name); drawAll(); });
chooseScenario((scenarioNamed('broadcast') ?? data.scenarios[0]).name);
document.getElementById('scenario').value = state.scenario;
drawProblems();
drawMechanisms();
drawNodes();
drawChips();
drawAll();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
