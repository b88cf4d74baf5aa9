// What is shown, and figures as text. Shared by table.js, charts.js and page.js.
'use strict';

const data = JSON.parse(document.getElementById('data').textContent);
const groups = ['pattern', 'student', 'peer', 'floor'];
const groupNames = {pattern: 'patterns', student: 'students', peer: 'peers', floor: 'floor'};
data.entries.sort((a, b) => groups.indexOf(a.group) - groups.indexOf(b.group) || a.name.localeCompare(b.name));

const state = {scenario: null, held: null, rate: null, hidden: new Set(), sort: {column: 'entry', descending: false}};

const shownEntries = () => data.entries.filter((entry) => !state.hidden.has(entry.name));
const scenarioNamed = (name) => data.scenarios.find((scenario) => scenario.name === name);
const ascending = (numbers) => [...new Set(numbers)].sort((a, b) => a - b);
const sizesOf = (scenario) => ascending(data.series.filter((series) => series.scenario === scenario)
    .map((series) => series.held));
// Messages per second; [null] if the scenario has no rate.
const ratesOf = (scenario, held) => ascending(data.series.filter(
    (series) => series.scenario === scenario && series.held === held).map((series) => series.publishes_per_second));
const rateShown = (scenario, held) =>
  scenario === state.scenario && held === state.held ? state.rate : ratesOf(scenario, held)[0];
const seriesOf = (scenario, entry, held, rate = rateShown(scenario, held)) => data.series.find((series) =>
  series.scenario === scenario && series.entry === entry && series.held === held && series.publishes_per_second === rate);

// One hue for each family (the name up to its first "-"), lighter for each further variant. Students' servers have hues
// of their own, so that the others keep theirs.
const hues = ['#4e79a7', '#59a14f', '#b07aa1', '#e15759', '#f28e2b', '#499894', '#c9a227', '#9c755f', '#d37295', '#6b6ecf'];
const studentHues = ['#c2006b', '#007d8a', '#6f00c2', '#8a6d00', '#00701a', '#a33c00'];
const colours = new Map();
{
  const families = new Map();
  const taken = {};
  for (const {name, group} of data.entries) {
    const [kind, choice] = group === 'student' ? ['student', studentHues] : ['other', hues];
    const family = `${kind} ${name.split('-')[0]}`;
    taken[kind] ??= 0;
    if (!families.has(family)) families.set(family, {hue: choice[taken[kind]++ % choice.length], members: 0});
    const known = families.get(family);
    colours.set(name, group === 'floor' ? '#8a8f99' : lighter(known.hue, 0.24 * known.members++));
  }
}

function lighter(hex, share) {
  const parts = hex.match(/[0-9a-f]{2}/g).map((part) => parseInt(part, 16));
  return '#' + parts.map((part) => Math.round(part + (225 - part) * share).toString(16).padStart(2, '0')).join('');
}

// Three significant digits, with commas by thousands; "-" for what was not measured.
function readable(number) {
  if (number === null || number === undefined || Number.isNaN(number)) return '-';
  const digits = Math.abs(number) >= 100 ? {maximumFractionDigits: 0} : {maximumSignificantDigits: 3};
  return number.toLocaleString('en-US', digits);
}

// The ends of an interval need fewer digits: 158,234 is 158k.
function rough(number) {
  const size = Math.abs(number);
  return size < 1e4 ? readable(number) : size < 1e6 ? `${readable(number / 1e3)}k` : `${readable(number / 1e6)}M`;
}

const element = (tag, members = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), members);
  made.append(...children);
  return made;
};

const entryLabel = (entry) => {
  const label = element('span', {className: entry.group}, element('span', {className: 'mark'}), entry.name);
  label.firstChild.style.setProperty('--colour', colours.get(entry.name));
  return label;
};
