'use strict';
// The plan's data: columns by name, and who stands where. `packed` holds them deflated; see payload.py for the layout.

const data = { column: {}, hostInstances: null, hostNodes: null, clusterNodes: null };

async function unpack(text) {
  const packed = atob(text);
  const bytes = new Uint8Array(packed.length);
  for (let n = 0; n < packed.length; n++) bytes[n] = packed.charCodeAt(n);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  const content = new Uint8Array(await new Response(stream).arrayBuffer());
  const end = content.indexOf(10);
  const decoder = new TextDecoder();
  let at = end + 1;
  for (const head of JSON.parse(decoder.decode(content.subarray(0, end)))) {
    const part = content.subarray(at, at + head.bytes);
    at += head.bytes;
    data.column[head.name] = head.kind === 'text' ? JSON.parse(decoder.decode(part)) : numbersOf(part, head);
  }
}

function numbersOf(part, head) {
  const values = head.width <= 4 ? new Uint32Array(head.rows) : new Float64Array(head.rows);
  for (let plane = head.width - 1; plane >= 0; plane--) {
    const offset = plane * head.rows;
    for (let row = 0; row < head.rows; row++) values[row] = values[row] * 256 + part[offset + row];
  }
  return values;
}

// column of choices → text of a row
function choice(name, row) {
  return data.column[name][data.column[name + '_no'][row]];
}

// owner of each row → rows by owner, as {start, rows}
function grouped(owner, number) {
  const start = new Uint32Array(number + 1);
  for (const n of owner) start[n + 1]++;
  for (let n = 0; n < number; n++) start[n + 1] += start[n];
  const next = start.slice();
  const rows = new Uint32Array(owner.length);
  owner.forEach((n, row) => { rows[next[n]++] = row; });
  return { start, rows, of: (n) => rows.subarray(start[n], start[n + 1]) };
}

function prepare() {
  const c = data.column;
  const services = c['service.name'].length;
  data.firstInstance = new Uint32Array(services + 1);
  data.instanceService = new Uint32Array(c['instance.host'].length);
  for (let s = 0; s < services; s++) {
    const first = data.firstInstance[s];
    data.firstInstance[s + 1] = first + c['service.instances'][s];
    data.instanceService.fill(s, first, data.firstInstance[s + 1]);
  }
  const stems = c['cluster.stem_no'];
  c['cluster.name'] = Array.from(stems, (stem, n) => {
    const owner = c['cluster.owner'][n];
    return c['cluster.stem'][stem] + (owner ? c['service.name'][owner - 1] : '');
  });
  const hosts = c['host.name'].length;
  data.hostInstances = grouped(c['instance.host'], hosts);
  data.hostNodes = grouped(c['node.host'], hosts);
  data.clusterNodes = grouped(c['node.cluster'], c['cluster.name'].length + 1);
  data.hostFill = new Float64Array(hosts);
  for (let n = 0; n < hosts; n++) {
    for (let r = 0; r < c['resource.title'].length; r++) data.hostFill[n] = Math.max(data.hostFill[n], utilisation(n, r));
  }
}

function utilisation(host, resource) {
  const limit = data.column['host.limit' + resource][host];
  return limit ? data.column['host.used' + resource][host] / limit : 0;
}

function nodeName(node) {
  const suffix = choice('node.suffix', node);
  const cluster = data.column['node.cluster'][node];
  return suffix.startsWith('~') ? suffix.slice(1) : data.column['cluster.name'][cluster - 1] + suffix;
}

const titles = { cpu: 'CPU', memory: 'Memory', open_files: 'Open files', threads: 'Threads', disk: 'Disk', network: 'Network' };

function count(value) {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

function percent(share) {
  return (share * 100).toFixed(1) + ' %';
}

function amount(host, end, resource) {
  const c = data.column;
  let value = c['host.' + end + resource][host] / c['resource.factor'][resource];
  let unit = c['resource.unit'][resource];
  if (unit === 'MB') [value, unit] = [value / 1000, 'GB'];
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 100 ? 1 : 0 }) + ' ' + unit;
}

// an element; texts are text, never markup
function make(name, content, attributes) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
  element.append(...(Array.isArray(content) ? content : content === undefined ? [] : [content]));
  return element;
}
