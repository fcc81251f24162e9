// The heat map: a canvas per pool, a column per host (or the mean of neighbours), a row per resource.

const heat = { order: 'fill', maps: [], printing: false };
const ROW = 18;

function heatColours() {
  const style = getComputedStyle(document.documentElement);
  const light = ['#f3f6fa', '#a9c8e8', '#2f75bd', '#0b2f5a'];
  return light.map((fallback, n) => {
    const text = heat.printing ? fallback : style.getPropertyValue('--heat' + n).trim() || fallback;
    return [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
  });
}

function heatColour(stops, share) {
  const place = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
  const n = Math.min(Math.floor(place), stops.length - 2);
  const rest = place - n;
  return 'rgb(' + stops[n].map((from, k) => Math.round(from + (stops[n + 1][k] - from) * rest)).join(',') + ')';
}

function heatOrder(hosts) {
  const c = data.column;
  const names = (n) => c['host.name'][n];
  const byName = (a, b) => a - b; // hosts come sorted by name
  const byFill = (a, b) => data.hostFill[b] - data.hostFill[a] || heatSum(b) - heatSum(a) || byName(a, b);
  const size = (n) => c['host.limit1'][n];
  const orders = {
    fill: (a, b) => size(b) - size(a) || byFill(a, b),
    full: byFill,
    name: byName,
    zone: (a, b) => {
      const place = (n) => choice('host.region', n) + '\t' + choice('host.zone', n) + '\t' + choice('host.segment', n);
      return place(a).localeCompare(place(b)) || byFill(a, b) || names(a).localeCompare(names(b));
    },
  };
  return Array.from(hosts).sort(orders[heat.order]);
}

function heatSum(host) {
  let sum = 0;
  for (let r = 0; r < data.column['resource.title'].length; r++) sum += utilisation(host, r);
  return sum;
}

function drawHeat() {
  const stops = heatColours();
  const scale = document.getElementById('heat-scale').getContext('2d');
  for (let x = 0; x < 180; x++) { scale.fillStyle = heatColour(stops, x / 179); scale.fillRect(x, 0, 1, 10); }
  for (const map of heat.maps) drawMap(map, stops);
}

function drawMap(map, stops) {
  const resources = data.column['resource.title'].length;
  const density = Math.min(window.devicePixelRatio || 1, 2);
  const width = Math.max(map.canvas.clientWidth || 800, 40);
  map.canvas.width = Math.round(width * density);
  map.canvas.height = ROW * resources * density;
  const context = map.canvas.getContext('2d');
  context.scale(density, density);
  const hosts = map.hosts;
  map.columns = Math.min(hosts.length, Math.floor(width * density));
  for (let x = 0; x < map.columns; x++) {
    const [from, to] = columnRange(map, x);
    const left = (x * width) / map.columns;
    const right = ((x + 1) * width) / map.columns;
    const gap = right - left > 6 ? 1 : 0;
    for (let r = 0; r < resources; r++) {
      let sum = 0;
      for (let n = from; n < to; n++) sum += utilisation(hosts[n], r);
      context.fillStyle = heatColour(stops, sum / (to - from));
      context.fillRect(left, r * ROW + 1, right - left - gap + (gap ? 0 : 0.5), ROW - 2);
    }
  }
  if (map.at !== null && !heat.printing) {
    context.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue('--ink');
    context.lineWidth = 1.5;
    const left = (map.at * width) / map.columns;
    context.strokeRect(left - 0.5, 0.75, Math.max(width / map.columns, 2) + 0.5, ROW * resources - 1.5);
  }
}

function columnRange(map, x) {
  const from = Math.floor((x * map.hosts.length) / map.columns);
  return [from, Math.max(from + 1, Math.floor(((x + 1) * map.hosts.length) / map.columns))];
}

function readColumn(map) {
  const [from, to] = columnRange(map, map.at);
  const c = data.column;
  const first = map.hosts[from];
  const name = c['host.name'][first] + (to - from > 1 ? ' and ' + count(to - from - 1) + ' beside it' : ' (' + choice('host.size', first) + ')');
  const shares = c['resource.title'].map((resource, r) => {
    let sum = 0;
    for (let n = from; n < to; n++) sum += utilisation(map.hosts[n], r);
    return titles[resource] + ' ' + percent(sum / (to - from));
  });
  document.getElementById('heat-readout').textContent = name + ': ' + shares.join(', ');
}

function startHeat(open) {
  const c = data.column;
  for (const canvas of document.querySelectorAll('canvas[data-pool]')) {
    const hosts = [];
    for (let n = 0; n < c['host.name'].length; n++) {
      if (choice('host.pool', n) === canvas.dataset.pool && !c['host.spare'][n]) hosts.push(n);
    }
    const map = { canvas, hosts: heatOrder(hosts), columns: 0, at: null };
    if (!hosts.length) continue;
    heat.maps.push(map);
    const move = (x) => {
      for (const other of heat.maps) if (other !== map && other.at !== null) { other.at = null; drawMap(other, heatColours()); }
      map.at = Math.min(Math.max(x, 0), map.columns - 1);
      drawMap(map, heatColours());
      readColumn(map);
    };
    const column = (event) => Math.floor((event.offsetX / canvas.clientWidth) * map.columns);
    canvas.addEventListener('pointermove', (event) => move(column(event)));
    canvas.addEventListener('click', (event) => { move(column(event)); open(map.hosts[columnRange(map, map.at)[0]]); });
    canvas.addEventListener('keydown', (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20, Home: -Infinity, End: Infinity }[event.key];
      if (step !== undefined) { event.preventDefault(); move((map.at === null ? (step > 0 ? -1 : map.columns) : map.at) + step); }
      if (event.key === 'Enter' && map.at !== null) open(map.hosts[columnRange(map, map.at)[0]]);
    });
  }
  document.getElementById('heat-order').addEventListener('change', (event) => {
    heat.order = event.target.value;
    for (const map of heat.maps) { map.hosts = heatOrder(map.hosts); map.at = null; }
    drawHeat();
  });
  let waiting = 0;
  window.addEventListener('resize', () => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(drawHeat); });
  window.addEventListener('beforeprint', () => { heat.printing = true; drawHeat(); });
  window.addEventListener('afterprint', () => { heat.printing = false; drawHeat(); });
  drawHeat();
}
