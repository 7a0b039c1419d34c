// The status page: asks status.json again and again, and shows it. Whatever is shown goes in as
// text, never as markup: names in it come from guests.
'use strict';

const PERIOD_MS = 2000;
const TIMEOUT_MS = 5000;
const KEPT = 60;  // Points of a chart: two minutes.
const SVG = 'http://www.w3.org/2000/svg';
const REMARKS = [
  'loans_refused', 'bulk_fallbacks', 'vain_wakeups', 'storms', 'credit_stalls', 'bad_headers', 'bad_descriptors',
  'bad_loans', 'bad_credits', 'bad_frames',
];
const CHARTS = [
  {name: 'Messages', of: (rates) => rates.messages_sent, format: (value) => count(value) + '/s'},
  {name: 'Payload', of: (rates) => rates.bytes_sent, format: (value) => bytes(value) + '/s'},
  {name: 'Doorbells', of: (rates) => rates.doorbells_sent, format: (value) => count(value) + '/s'},
  {name: 'Memory in use', of: (rates, status) => used(status.region), format: bytes},
];

let before = null;            // The last status.
const histories = new Map();  // Chart or slot -> the last KEPT values.

// 1234567 as "1.23 M".
function count(value) {
  return scaled(value, 1000, ['', ' k', ' M', ' G', ' T']);
}

// 1234567 as "1.18 MiB".
function bytes(value) {
  return scaled(value, 1024, [' B', ' KiB', ' MiB', ' GiB', ' TiB']);
}

function scaled(value, base, units) {
  if (!Number.isFinite(value)) return '–';
  let unit = 0;
  while (value >= base && unit + 1 < units.length) {
    value /= base;
    ++unit;
  }
  const digits = unit === 0 && Number.isInteger(value) ? 0 : value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toFixed(digits) + units[unit];
}

// 3725 s as "1 h 2 min".
function duration(seconds) {
  const parts = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
  let first = parts.findIndex(([size]) => seconds >= size);
  if (first < 0) first = 3;
  let rest = Math.floor(seconds);
  return parts.slice(first, first + 2).map(([size, unit]) => {
    const number = Math.floor(rest / size);
    rest -= number * size;
    return number + ' ' + unit;
  }).join(' ');
}

function used(region) {
  return region.size_bytes - region.free_bytes;
}

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// A curve of the last values, the newest at the right, from 0 to the highest.
function chart(values, label) {
  const width = KEPT - 1;
  const height = 20;
  const highest = Math.max(...values, 1e-9);
  const points = values.map((value, i) => {
    const x = width - (values.length - 1 - i);
    return x + ',' + (height - height * value / highest).toFixed(2);
  });
  const svg = shape('svg', {viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label});
  const left = width - (values.length - 1);
  svg.append(
    shape('polygon', {class: 'area', points: `${left},${height} ${points.join(' ')} ${width},${height}`}),
    shape('line', {class: 'base', x1: 0, y1: height, x2: width, y2: height}),
    shape('polyline', {class: 'curve', points: points.join(' ')}));
  return svg;
}

function remember(key, value) {
  const values = histories.get(key) || [];
  if (Number.isFinite(value)) values.push(value);
  if (values.length > KEPT) values.shift();
  histories.set(key, values);
  return values;
}

// Counters of each slot, by slot.
function countersOf(status) {
  return new Map(status.slots.map((slot) => [slot.slot, slot.counters]));
}

// What `now` has more than `old`, a second; a slot that was not there before has counted from 0, and so has one of a
// daemon that was started anew. In NaN seconds: NaN, which is: not known yet.
function ratesOf(now, old, seconds) {
  const rates = {};
  for (const [name, value] of Object.entries(now)) {
    const was = old && old[name] <= value ? old[name] : 0;
    rates[name] = (value - was) / seconds;
  }
  return rates;
}

function sum(list) {
  const total = {};
  for (const rates of list) {
    for (const [name, value] of Object.entries(rates)) total[name] = (total[name] || 0) + value;
  }
  return total;
}

function fillList(id, entries) {
  const cells = entries.map(([name, value]) => {
    const pair = element('div');
    pair.append(element('dt', name), element('dd', value));
    return pair;
  });
  document.getElementById(id).replaceChildren(...cells);
}

function showCharts(rates, status) {
  document.getElementById('charts').replaceChildren(...CHARTS.map(({name, of, format}) => {
    const value = of(rates, status);
    const figure = element('figure');
    const values = remember(name, value);
    figure.append(element('figcaption', name), element('output', format(value)),
      chart(values, name + ' over the last two minutes'));
    return figure;
  }));
}

// As in "agent, rank ×4".
function namesOf(endpoints) {
  const counts = new Map();
  for (const {name} of endpoints) counts.set(name, (counts.get(name) || 0) + 1);
  return [...counts].map(([name, times]) => times > 1 ? `${name} ×${times}` : name).join(', ');
}

function remarksOf(counters) {
  const texts = REMARKS.filter((name) => counters[name] > 0)
    .map((name) => `${name.replace('_', ' ')}: ${count(counters[name])}`);
  const isBad = REMARKS.some((name) => name.startsWith('bad_') && counters[name] > 0);
  return element('td', texts.join(', '), isBad ? 'bad' : '');
}

function traffic(messages, payload) {
  const cell = element('td', count(messages) + '/s', 'number');
  cell.append(element('small', bytes(payload) + '/s'));
  return cell;
}

// `peer` is missing when nobody is in the slot any more.
function peerRow(slot, peer, counters, rates, now) {
  const row = element('tr', undefined, peer ? '' : 'gone');
  const since = peer ? duration((now - Date.parse(peer.joined_at)) / 1000) : '';
  const spark = element('td');
  spark.append(chart(remember(slot, rates.bytes_sent + rates.bytes_received), `Payload of slot ${slot} over the last two minutes`));
  row.append(
    element('td', slot, 'number'),
    element('td', peer ? peer.kind : '—'),
    element('td', peer ? peer.state : 'left', peer ? (peer.state === 'ready' ? 'good' : 'warn') : ''),
    element('td', since, 'nowrap'),
    element('td', peer ? namesOf(peer.endpoints) : ''),
    traffic(rates.messages_sent, rates.bytes_sent),
    traffic(rates.messages_received, rates.bytes_received),
    element('td', count(rates.doorbells_sent) + '/s', 'number'),
    element('td', count(rates.sleeps) + '/s', 'number'),
    spark, remarksOf(counters));
  return row;
}

function showPeers(status, counters, rates) {
  const peers = new Map(status.peers.map((peer) => [peer.slot, peer]));
  const now = Date.parse(status.time);
  document.getElementById('peers').replaceChildren(...[...counters].map(([slot, values]) =>
    peerRow(slot, peers.get(slot), values, rates.get(slot), now)));
}

function showRegion({region}) {
  const share = 100 * used(region) / region.size_bytes;
  document.getElementById('used').style.width = share.toFixed(2) + '%';
  fillList('region', [
    ['In use', `${bytes(used(region))} of ${bytes(region.size_bytes)}`],
    ['UUID', region.uuid],
    ['Slots', region.slots],
    ['Doorbells of a slot', region.vectors],
    ['Processes at once', region.endpoints],
    ['Layout version', region.layout_version],
  ]);
}

function furtherRow(region) {
  const row = element('tr');
  if (region.problem) {
    const why = element('td', 'not served: ' + region.problem, 'bad');
    why.colSpan = 6;
    row.append(element('td', region.name), why);
    return row;
  }
  row.append(
    element('td', region.name),
    element('td', 'served', 'good'),
    element('td', bytes(used(region)), 'number'),
    element('td', bytes(region.size_bytes), 'number'),
    ...[region.virtual_machines, region.endpoints, region.services].map((value) => element('td', value, 'number')));
  return row;
}

function showFurtherRegions(regions) {
  document.getElementById('further').hidden = regions.length === 0;
  document.getElementById('regions').replaceChildren(...regions.map(furtherRow));
}

function showDaemon(status) {
  const {process} = status;
  fillList('events', [
    ['Revision', status.revision],
    ...Object.entries(status.events).map(([word, times]) => [word[0].toUpperCase() + word.slice(1), times]),
    ['Dead, still held', status.dead_endpoints],
    ['Services', status.services],
  ]);
  fillList('daemon', [
    ['Up', duration((Date.parse(status.time) - Date.parse(status.started_at)) / 1000)],
    ['Processor time', process.cpu_seconds.toFixed(2) + ' s'],
    ['Resident memory', bytes(process.resident_bytes)],
    ['Descriptors', `${process.open_descriptors} of ${process.max_descriptors}`],
  ]);
}

function showHealth(word, className) {
  const badge = document.getElementById('health');
  badge.textContent = word;
  badge.className = 'badge ' + className;
  document.body.classList.toggle('stale', className === 'bad');
}

function show(status) {
  const seconds = before ? status.monotonic_s - before.monotonic_s : 0;
  const old = before ? countersOf(before) : new Map();
  const counters = countersOf(status);
  const rates = new Map([...counters].map(([slot, now]) => [slot, ratesOf(now, old.get(slot), seconds > 0 ? seconds : NaN)]));
  before = status;
  document.title = 'tombolod ' + status.region.uuid.slice(0, 8);
  document.getElementById('version').textContent = status.version;
  document.getElementById('when').textContent = status.time.replace('T', ' ').replace('Z', ' UTC');
  showHealth(status.health, {good: 'good', starting: 'warn'}[status.health] || 'bad');
  showCharts(sum(rates.values()), status);
  showRegion(status);
  showFurtherRegions(status.further_regions);
  showPeers(status, counters, rates);
  showDaemon(status);
}

async function refresh() {
  try {
    const answer = await fetch('api/v1/status.json', {cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS)});
    if (!answer.ok) throw new Error('status ' + answer.status);
    show(await answer.json());
  } catch (error) {
    showHealth('no answer', 'bad');
    document.getElementById('when').textContent = String(error.message || error);
  }
  setTimeout(refresh, PERIOD_MS);
}

refresh();
