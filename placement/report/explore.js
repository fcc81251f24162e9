// Search and filters over services, hosts and clusters; a page of rows at a time, and one thing in detail.

const PAGE = 25;
const view = { kind: 'service', words: [], filters: {}, sort: null, down: false, page: 0, found: [], texts: {} };

const kinds = {
  service: {
    noun: ['service', 'services'],
    number: () => data.column['service.name'].length,
    filters: ['domain', 'sensitivity', 'region'],
    text: (n) => [data.column['service.name'][n], choice('service.domain', n), choice('service.sensitivity', n)],
    columns: [
      ['Service', (n) => data.column['service.name'][n], 'open'],
      ['Domain', (n) => choice('service.domain', n)],
      ['Sensitivity', (n) => choice('service.sensitivity', n)],
      ['Region', (n) => choice('service.region', n)],
      ['Instances', (n) => data.column['service.instances'][n], 'number'],
      ['First host', (n) => firstHost(n)],
      ['Database', (n) => clusterName(data.column['service.database'][n])],
      ['Cache', (n) => clusterName(data.column['service.cache'][n])],
    ],
  },
  host: {
    noun: ['host', 'hosts'],
    number: () => data.column['host.name'].length,
    filters: ['domain', 'pool', 'size', 'region', 'zone'],
    text: (n) => [data.column['host.name'][n], choice('host.size', n), choice('host.zone', n), choice('host.segment', n)],
    columns: [
      ['Host', (n) => data.column['host.name'][n], 'open'],
      ['Pool', (n) => choice('host.pool', n) + (data.column['host.spare'][n] ? ' (spare)' : '')],
      ['Size', (n) => choice('host.size', n)],
      ['Place', (n) => [choice('host.zone', n), choice('host.segment', n)].filter(Boolean).join(' / ') || choice('host.region', n)],
      ['Holds', (n) => data.column['host.instances'][n], 'number'],
      ['Fullest', (n) => data.hostFill[n], 'percent'],
      ...['cpu', 'memory', 'disk', 'network'].map((name) => [titles[name], (n) => utilisation(n, data.column['resource.title'].indexOf(name)), 'percent']),
      ['Price/h', (n) => data.column['host.price'][n] / 1e6, 'money'],
    ],
  },
  cluster: {
    noun: ['cluster', 'clusters'],
    number: () => data.column['cluster.name'].length,
    filters: ['domain', 'kind', 'tier', 'region'],
    text: (n) => [data.column['cluster.name'][n], choice('cluster.kind', n), choice('cluster.domains', n)],
    columns: [
      ['Cluster', (n) => data.column['cluster.name'][n], 'open'],
      ['Kind', (n) => choice('cluster.kind', n)],
      ['Tier', (n) => choice('cluster.tier', n)],
      ['Domains', (n) => choice('cluster.domains', n).replaceAll(';', ', ')],
      ['Sensitivity', (n) => choice('cluster.sensitivity', n).replaceAll(';', ', ')],
      ['Services', (n) => data.column['cluster.services'][n], 'number'],
      ['Nodes', (n) => data.clusterNodes.of(n + 1).length, 'number'],
    ],
  },
};

// a column that says the same of everything is left out
function columnsOf(kind) {
  return kinds[kind].columns.filter(([title]) => title !== 'Region' || data.column[kind + '.region'].length > 1);
}

function clusterName(number) {
  return number ? data.column['cluster.name'][number - 1] : '';
}

function firstHost(service) {
  const from = data.firstInstance[service];
  if (from === data.firstInstance[service + 1]) return '';
  return data.column['host.name'][data.column['instance.host'][from]];
}

function searchText(kind, row) {
  const texts = view.texts[kind] || (view.texts[kind] = new Array(kinds[kind].number()));
  if (texts[row] === undefined) texts[row] = kinds[kind].text(row).join('\n').toLowerCase();
  return texts[row];
}

// hosts with an instance of the domain; clusters say themselves
function inDomain(kind, domain) {
  const c = data.column;
  const number = c['service.domain'].indexOf(domain);
  if (kind === 'service') return (n) => c['service.domain_no'][n] === number;
  if (kind === 'cluster') return (n) => choice('cluster.domains', n).split(';').includes(domain);
  const hosts = new Uint8Array(c['host.name'].length);
  data.instanceService.forEach((service, row) => { if (c['service.domain_no'][service] === number) hosts[c['instance.host'][row]] = 1; });
  return (n) => hosts[n] === 1;
}

function rowsOf(kind) {
  const tests = kinds[kind].filters.filter((name) => view.filters[name]).map((name) => {
    if (name === 'domain') return inDomain(kind, view.filters.domain);
    const wanted = data.column[kind + '.' + name].indexOf(view.filters[name]);
    const numbers = data.column[kind + '.' + name + '_no'];
    return (n) => numbers[n] === wanted;
  });
  const rows = [];
  for (let n = 0; n < kinds[kind].number(); n++) {
    if (tests.every((test) => test(n)) && view.words.every((word) => searchText(kind, n).includes(word))) rows.push(n);
  }
  return rows;
}

function search() {
  const found = {};
  for (const kind of Object.keys(kinds)) found[kind] = rowsOf(kind);
  if (!found[view.kind].length && view.words.length) {
    const other = Object.keys(kinds).find((kind) => found[kind].length);
    if (other && other !== view.kind) { view.kind = other; view.sort = null; showFilters(); }
  }
  for (const button of document.querySelectorAll('.tabs button')) {
    button.setAttribute('aria-pressed', String(button.dataset.kind === view.kind));
    button.querySelector('.badge').textContent = count(found[button.dataset.kind].length);
  }
  view.found = sorted(found[view.kind]);
  view.page = 0;
  showRows();
}

function sorted(rows) {
  if (view.sort === null) return rows;
  const [, value] = columnsOf(view.kind)[view.sort];
  const sign = view.down ? -1 : 1;
  const keys = new Map(rows.map((n) => [n, value(n)]));
  return rows.sort((a, b) => {
    const [one, other] = [keys.get(a), keys.get(b)];
    return sign * (one < other ? -1 : one > other ? 1 : 0) || a - b;
  });
}

function showFilters() {
  const shown = kinds[view.kind].filters.map((name) => {
    const choices = data.column[(name === 'domain' ? 'service' : view.kind) + '.' + name].filter(Boolean);
    if (choices.length < 2) return '';
    const select = make('select', [make('option', 'all', { value: '' }), ...choices.map((text) => make('option', text, { value: text }))]);
    select.value = view.filters[name] || '';
    if (select.selectedIndex < 0) { select.value = ''; delete view.filters[name]; }
    select.addEventListener('change', () => { view.filters[name] = select.value; search(); });
    return make('label', [name[0].toUpperCase() + name.slice(1), select]);
  });
  document.getElementById('filters').replaceChildren(...shown.filter(Boolean));
}

function cell(kind, value, style, row) {
  if (style === 'open') {
    const button = make('button', value, { type: 'button', title: value });
    button.addEventListener('click', () => openDetail(kind, row, true));
    return make('th', button, { scope: 'row' });
  }
  if (style === 'number') return make('td', count(value), { class: 'number' });
  if (style === 'percent') return make('td', percent(value), { class: 'number' });
  if (style === 'money') return make('td', value.toFixed(3), { class: 'number' });
  return make('td', value, { title: value });
}

function showRows() {
  const kind = kinds[view.kind];
  const columns = columnsOf(view.kind);
  const heads = columns.map(([title, , style], n) => {
    const mark = view.sort === n ? (view.down ? ' ↓' : ' ↑') : '';
    const button = make('button', title + mark, { type: 'button' });
    button.addEventListener('click', () => {
      view.down = view.sort === n ? !view.down : ['number', 'percent', 'money'].includes(style);
      view.sort = n;
      view.found = sorted(view.found);
      view.page = 0;
      showRows();
      document.querySelectorAll('#results thead button')[n].focus();
    });
    const attributes = { scope: 'col', 'aria-sort': view.sort === n ? (view.down ? 'descending' : 'ascending') : 'none' };
    if (['number', 'percent', 'money'].includes(style)) attributes.class = 'number';
    return make('th', button, attributes);
  });
  const from = view.page * PAGE;
  const rows = view.found.slice(from, from + PAGE).map((n) => make('tr', columns.map(([, value, style]) => cell(view.kind, value(n), style, n))));
  const results = document.getElementById('results');
  results.tHead.replaceChildren(make('tr', heads));
  results.tBodies[0].replaceChildren(...rows);
  const pages = Math.max(1, Math.ceil(view.found.length / PAGE));
  document.getElementById('previous').disabled = view.page === 0;
  document.getElementById('next').disabled = view.page >= pages - 1;
  document.getElementById('page-text').textContent = 'Page ' + count(view.page + 1) + ' of ' + count(pages);
  const number = view.found.length;
  document.getElementById('found').textContent = count(number) + ' ' + kind.noun[number === 1 ? 0 : 1] + (number === kind.number() ? '' : ' of ' + count(kind.number()));
}

function goButton(kind, row, text) {
  const button = make('button', text, { type: 'button', class: 'go' });
  button.addEventListener('click', () => openDetail(kind, row, true));
  return button;
}

function list(items) {
  const shown = items.slice(0, 400).map((item) => make('li', item));
  if (items.length > 400) shown.push(make('li', 'and ' + count(items.length - 400) + ' more'));
  return make('ul', shown);
}

function terms(pairs) {
  return make('dl', pairs.filter(([, value]) => value !== '').flatMap(([name, value]) => [make('dt', name), make('dd', value)]));
}

const details = {
  service(n) {
    const c = data.column;
    const instances = [];
    for (let row = data.firstInstance[n]; row < data.firstInstance[n + 1]; row++) {
      const host = c['instance.host'][row];
      instances.push([count(row - data.firstInstance[n] + 1) + ': ', goButton('host', host, c['host.name'][host])]);
    }
    const link = (number) => (number ? goButton('cluster', number - 1, clusterName(number)) : '');
    return [
      terms([['Domain', choice('service.domain', n)], ['Sensitivity', choice('service.sensitivity', n)], ['Region', choice('service.region', n)], ['Database', link(c['service.database'][n])], ['Cache', link(c['service.cache'][n])]]),
      make('h4', count(instances.length) + ' instances'),
      list(instances),
    ];
  },
  host(n) {
    const c = data.column;
    const meters = c['resource.title'].flatMap((resource, r) => [
      make('span', titles[resource]),
      bar(utilisation(n, r)),
      make('span', percent(utilisation(n, r)) + ' · ' + amount(n, 'used', r) + ' of ' + amount(n, 'limit', r)),
    ]);
    const services = new Map();
    for (const row of data.hostInstances.of(n)) services.set(data.instanceService[row], (services.get(data.instanceService[row]) || 0) + 1);
    const held = Array.from(services, ([service, number]) => [goButton('service', service, c['service.name'][service]), number > 1 ? ' × ' + number : '']);
    const nodes = Array.from(data.hostNodes.of(n), (node) => {
      const cluster = c['node.cluster'][node];
      const role = choice('node.role', node) === 'member' ? '' : ' (' + choice('node.role', node) + ')';
      return cluster ? [goButton('cluster', cluster - 1, nodeName(node)), role] : [nodeName(node), role];
    });
    return [
      terms([['Pool', choice('host.pool', n)], ['Size', choice('host.size', n)], ['Place', [choice('host.region', n), choice('host.zone', n), choice('host.segment', n)].filter(Boolean).join(' / ')], ['Price', (c['host.price'][n] / 1e6).toFixed(3) + ' per hour'], ['Spare', c['host.spare'][n] ? 'stands by for a host that fails' : '']]),
      make('div', meters, { class: 'meters' }),
      ...(held.length ? [make('h4', count(held.length) + ' services'), list(held)] : []),
      ...(nodes.length ? [make('h4', count(nodes.length) + ' nodes'), list(nodes)] : []),
    ];
  },
  cluster(n) {
    const c = data.column;
    const nodes = Array.from(data.clusterNodes.of(n + 1), (node) => {
      const host = c['node.host'][node];
      return [nodeName(node) + ' (' + choice('node.role', node) + ') on ', goButton('host', host, c['host.name'][host])];
    });
    const users = [];
    for (let s = 0; s < c['service.name'].length; s++) {
      if (c['service.database'][s] === n + 1 || c['service.cache'][s] === n + 1) users.push(goButton('service', s, c['service.name'][s]));
    }
    return [
      terms([['Kind', choice('cluster.kind', n)], ['Tier', choice('cluster.tier', n)], ['Region', choice('cluster.region', n)], ['Domains', choice('cluster.domains', n).replaceAll(';', ', ')], ['Sensitivity', choice('cluster.sensitivity', n).replaceAll(';', ', ')]]),
      make('h4', count(nodes.length) + ' nodes'),
      list(nodes),
      ...(users.length ? [make('h4', count(users.length) + ' services'), list(users)] : []),
    ];
  },
};

function bar(share) {
  const space = 'http://www.w3.org/2000/svg';
  const drawing = document.createElementNS(space, 'svg');
  for (const [key, value] of Object.entries({ viewBox: '0 0 100 10', preserveAspectRatio: 'none', class: 'bar', 'aria-hidden': 'true' })) drawing.setAttribute(key, value);
  const part = document.createElementNS(space, 'rect');
  for (const [key, value] of Object.entries({ width: Math.min(share, 1) * 100, height: 10, class: 'used' })) part.setAttribute(key, value);
  drawing.append(part);
  return drawing;
}

function openDetail(kind, row, move) {
  const place = document.getElementById('detail');
  const name = data.column[kind + '.name'][row];
  place.replaceChildren(make('h3', kinds[kind].noun[0][0].toUpperCase() + kinds[kind].noun[0].slice(1) + ' ' + name), ...details[kind](row));
  if (move) {
    history.replaceState(null, '', '#' + kind + '=' + encodeURIComponent(name));
    place.focus({ preventScroll: true });
    place.scrollIntoView({ block: 'nearest' });
  }
}

// #host=NAME, #service=NAME, #cluster=NAME, #search=WORDS
function openAddress() {
  const [kind, text] = location.hash.slice(1).split('=');
  if (text === undefined) return;
  let name = text;
  try { name = decodeURIComponent(text); } catch { /* shown as it stands */ }
  if (kind === 'search') {
    document.getElementById('search').value = name;
    setWords(name);
    document.getElementById('explore').scrollIntoView();
  } else if (kinds[kind]) {
    const row = data.column[kind + '.name'].indexOf(name);
    if (row >= 0) { openDetail(kind, row, false); document.getElementById('detail').scrollIntoView(); }
  }
}

function setWords(text) {
  view.words = text.toLowerCase().split(/\s+/).filter(Boolean);
  search();
}

function startExplorer() {
  const input = document.getElementById('search');
  let waiting = 0;
  input.addEventListener('input', () => { clearTimeout(waiting); waiting = setTimeout(() => setWords(input.value), 60); });
  document.getElementById('search-form').addEventListener('submit', (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    setWords(input.value);
    document.getElementById('explore').scrollIntoView();
    const first = document.querySelector('#results tbody button');
    if (first) first.focus({ preventScroll: true });
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === '/' && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) { event.preventDefault(); input.focus(); }
  });
  for (const button of document.querySelectorAll('.tabs button')) {
    button.addEventListener('click', () => { view.kind = button.dataset.kind; view.sort = null; showFilters(); search(); });
  }
  const turn = (step) => () => { view.page += step; showRows(); };
  document.getElementById('previous').addEventListener('click', turn(-1));
  document.getElementById('next').addEventListener('click', turn(1));
  showFilters();
  search();
  window.addEventListener('hashchange', openAddress);
  openAddress();
}
