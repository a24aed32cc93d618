// Shows the document of /openapi.json. Whatever comes from it becomes text, never markup.
'use strict';

const byId = (id) => document.getElementById(id);
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
let api = null;
let credential = '';

function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function resolved(value) {
  for (let hops = 0; value && value.$ref && hops < 10; hops += 1) {
    value = value.$ref.slice(2).split('/').reduce(
      (at, part) => at && at[part.replace(/~1/g, '/').replace(/~0/g, '~')], api);
  }
  return value || {};
}

function typeOf(schema) {
  const name = schema.$ref ? schema.$ref.split('/').pop() : null;
  if (name) return name;
  if (schema.enum) return schema.enum.map((label) => JSON.stringify(label)).join(' | ');
  const several = schema.oneOf || schema.anyOf;
  if (several) return several.map(typeOf).join(' or ');
  const types = [].concat(schema.type || 'any');
  const shown = types.map((type) => (type === 'array' ? typeOf(schema.items || {}) + '[]' : type));
  return shown.join(' | ') + (schema.format ? ' (' + schema.format + ')' : '');
}

function table(heads, rows) {
  return make('table', {}, make('tr', {}, ...heads.map((head) => make('th', {}, head))), ...rows);
}

function fields(schema) {
  const whole = resolved(schema.oneOf ? schema.oneOf[0] : schema.type === 'array' ? schema.items : schema);
  const required = whole.required || [];
  const rows = Object.entries(whole.properties || {}).map(([name, of]) => make('tr', {},
    make('td', {}, name + (required.includes(name) ? ' *' : '')),
    make('td', { class: 'type' }, of['x-postgres-type'] || typeOf(of)),
    make('td', {}, of.description || (of.enum ? typeOf(of) : ''))));
  return rows.length ? table(['field', 'type', ''], rows) : make('p', {}, typeOf(schema));
}

function parameters(list) {
  const rows = list.map(resolved).map((one) => make('tr', {},
    make('td', {}, one.name + (one.required ? ' *' : '')),
    make('td', { class: 'type' }, one.in + ', ' + typeOf(one.schema || {})),
    make('td', {}, one.description || '')));
  return rows.length ? [make('h3', {}, 'Parameters'), table(['name', 'where', ''], rows)] : [];
}

function answers(responses) {
  const rows = Object.entries(responses).map(([status, response]) => {
    const whole = resolved(response);
    const kinds = Object.entries(whole.content || {});
    const of = kinds.length ? kinds[0][0] + ': ' + typeOf(kinds[0][1].schema || {}) : '';
    return make('tr', {}, make('td', {}, status), make('td', {}, of), make('td', {}, whole.description || ''));
  });
  return [make('h3', {}, 'Answers'), table(['status', 'body', ''], rows)];
}

function trial(method, path, hasBody) {
  const target = make('input', { 'aria-label': 'Path and query', spellcheck: 'false' });
  target.value = path + (method === 'get' && !path.includes('{') && path.startsWith('/rest') ? '?limit=10' : '');
  const prefer = make('input', { 'aria-label': 'Prefer', placeholder: 'Prefer', spellcheck: 'false' });
  const body = hasBody ? make('textarea', { 'aria-label': 'Body', spellcheck: 'false' }, '{}') : null;
  const shown = make('pre', { hidden: '' });
  const send = async () => {
    const headers = { ...authorization() };
    if (prefer.value) headers.Prefer = prefer.value;
    if (body) headers['Content-Type'] = 'application/json';
    shown.hidden = false;
    shown.textContent = '…';
    try {
      const answer = await fetch(target.value, { method: method.toUpperCase(), headers, body: body ? body.value : undefined });
      const range = answer.headers.get('content-range');
      shown.textContent = answer.status + ' ' + answer.statusText + (range ? '\ncontent-range: ' + range : '')
        + '\n\n' + pretty(await answer.text());
    } catch (error) {
      shown.textContent = String(error);
    }
  };
  return [make('h3', {}, 'Try it'), make('div', { class: 'row' }, target, prefer,
    make('button', { type: 'button', onclick: send }, 'Send')), body, shown];
}

function pretty(text) {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

function operation(method, path, one, shared) {
  const details = make('details', {}, make('summary', {},
    make('b', { class: 'method ' + method }, method.toUpperCase()), make('code', {}, path), make('span', {}, one.summary || '')));
  // Filled when it is opened: a template may have hundreds of operations.
  details.addEventListener('toggle', () => {
    if (!details.open || details.childElementCount > 1) return;
    const content = resolved(one.requestBody || {}).content || {};
    const [kind] = Object.keys(content);
    details.append(make('div', { class: 'inside' },
      one.description ? make('p', {}, one.description) : null,
      ...parameters([...shared, ...(one.parameters || [])]),
      ...(kind ? [make('h3', {}, 'Body: ' + Object.keys(content).join(', ')), fields(content[kind].schema || {})] : []),
      ...answers(one.responses || {}),
      ...trial(method, path, Boolean(kind))));
  });
  return details;
}

function show() {
  byId('title').textContent = api.info.title + ', version ' + api.info.version;
  document.title = api.info.title;
  const groups = new Map(api.tags.map((tag) => [tag.name, { tag, operations: [] }]));
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((name) => item[name])) {
      const group = groups.get((item[method].tags || [])[0]);
      if (group) group.operations.push(operation(method, path, item[method], item.parameters || []));
    }
  }
  const index = [];
  const sections = [make('p', {}, api.info.description || '')];
  let number = 0;
  for (const { tag, operations } of groups.values()) {
    const id = 'group-' + (number += 1);
    index.push(make('a', { href: '#' + id }, tag.name));
    sections.push(make('section', {}, make('h2', { id }, tag.name), make('p', {}, tag.description || ''), ...operations));
  }
  byId('index').replaceChildren(...index);
  byId('content').replaceChildren(...sections);
}

function authorization() {
  return credential ? { Authorization: 'Bearer ' + credential } : {};
}

byId('credentials').addEventListener('submit', async (event) => {
  event.preventDefault();
  credential = byId('key').value.trim();
  const say = (text) => byId('content').replaceChildren(make('p', { class: 'error', role: 'alert' }, text));
  try {
    const answer = await fetch('/openapi.json', { headers: authorization() });
    const said = await answer.json();
    if (!answer.ok) return say(said.message || answer.statusText);
    api = said;
    show();
  } catch (error) {
    say(String(error));
  }
});
