// Many nodes: a table of all that nodes/bench measured, by parts. Medians and ends are in the data.
'use strict';

function nodesRow({what, unit, value, repeats, notes}) {
  const told = element('td', {className: 'wide'}, what, ...notes.map((note) => element('small', {className: 'wrong'}, note)));
  return element('tr', {}, told, ...(value ?? [null, null, null]).map((number) => element('td', {}, readable(number))),
      element('td', {className: 'left'}, unit), element('td', {}, readable(repeats)));
}

function drawNodes() {
  const place = document.getElementById('nodes');
  if (!data.nodes)
    return place.replaceChildren(element('p', {className: 'empty'}, 'No data: make nodes-bench measures many nodes.'));
  const {run, figures} = data.nodes;
  document.getElementById('nodes-place').textContent =
      measuredPlace(run.started_at, run.machine.cores, run.machine.cpu ?? 'an unknown CPU');
  const head = ['what', 'median', 'smallest', 'largest', 'unit', 'repeats'].map((name) =>
    element('th', {scope: 'col', className: ['what', 'unit'].includes(name) ? 'left' : ''}, name));
  const parts = [...new Set(figures.map(({part}) => part))].map((part) => element('tbody', {},
      element('tr', {}, element('th', {scope: 'rowgroup', colSpan: head.length, className: 'left'}, part)),
      ...figures.filter((figure) => figure.part === part).map(nodesRow)));
  place.className = 'scroll';
  place.replaceChildren(element('table', {}, element('thead', {}, element('tr', {}, ...head)), ...parts));
}
