// This file draws everything that people can press, choose or fill in.
import { h } from './dom.js';
import { text } from './mrkdwn.js';
import { confirm } from './confirm.js';
import { state } from './state.js';

const words = (object) => object?.text ?? '';

// control draws an element outside a form: using it acts at once.
export function control(e, b, act) {
  const use = async (values) => {
    if (e.confirm && !(await confirm(e.confirm))) return false;
    await act(e, b, values);
    return true;
  };
  if (e.type === 'button' || e.type === 'workflow_button') return button(e, b, use);
  if (e.type === 'overflow') {
    return selectOf(e, [['', '⋯'], ...options(e)], (node) => use([node.value]).then(() => (node.value = '')), 'More actions');
  }
  const node = entry(e);
  node.addEventListener('change', () => use(values(node)));
  return node;
}

function button(e, b, use) {
  const key = b.block_id + '/' + e.action_id;
  const press = async (event) => {
    const node = event.currentTarget;
    node.disabled = true;
    node.setAttribute('aria-busy', 'true');
    await use([]);
    node.disabled = false;
    node.removeAttribute('aria-busy');
  };
  if (e.url) return h('a', { class: 'button ' + (e.style ?? ''), href: /^https?:/i.test(e.url) ? e.url : undefined, target: '_blank', rel: 'noopener noreferrer', onclick: () => use([]) }, text(e.text));
  return h('button', { type: 'button', class: 'button ' + (e.style ?? ''), 'aria-label': e.accessibility_label, 'data-key': key, onclick: press }, text(e.text));
}

const options = (e) => (e.options ?? []).map((o) => [o.value, words(o.text)]);

function selectOf(e, list, change, label, multiple) {
  const node = h('select', { 'aria-label': label, multiple, onchange: (event) => change?.(event.target) });
  for (const [value, name] of list) node.append(h('option', { value }, name));
  return node;
}

// entry draws the part that people fill in. values reads it back.
function entry(e, id) {
  const common = { id, 'data-action': e.action_id, placeholder: words(e.placeholder) || undefined };
  const label = words(e.placeholder) || e.action_id;
  switch (e.type) {
    case 'plain_text_input':
      return h(e.multiline ? 'textarea' : 'input', { ...common, rows: e.multiline ? '4' : undefined, maxlength: e.max_length, value: e.initial_value ?? '', autofocus: e.focus_on_load });
    case 'email_text_input': return h('input', { ...common, type: 'email', value: e.initial_value ?? '' });
    case 'url_text_input': return h('input', { ...common, type: 'url', value: e.initial_value ?? '' });
    case 'number_input': return h('input', { ...common, type: 'number', step: e.is_decimal_allowed ? 'any' : '1', min: e.min_value, max: e.max_value, value: e.initial_value ?? '' });
    case 'datepicker': return h('input', { ...common, type: 'date', value: e.initial_date ?? '' });
    case 'timepicker': return h('input', { ...common, type: 'time', value: e.initial_time ?? '' });
    case 'checkboxes': return group(e, 'checkbox', (e.initial_options ?? []).map((o) => o.value));
    case 'radio_buttons': return group(e, 'radio', e.initial_option ? [e.initial_option.value] : []);
    case 'users_select': return chosen(e, state.users.map((u) => [u.id, u.name]), e.initial_user, label, id);
    case 'channels_select': case 'conversations_select': return chosen(e, [...state.channels.values()].map((c) => [c.id, '#' + c.name]), e.initial_channel ?? e.initial_conversation, label, id);
    case 'static_select': return chosen(e, grouped(e), e.initial_option?.value, label, id);
    case 'multi_static_select': {
      const node = selectOf(e, grouped(e), null, label, true);
      node.dataset.action = e.action_id;
      for (const o of node.options) o.selected = (e.initial_options ?? []).some((i) => i.value === o.value);
      if (id) node.id = id;
      return node;
    }
    default: return h('input', { ...common, 'aria-label': label });
  }
}

const grouped = (e) => (e.option_groups ? e.option_groups.flatMap((g) => options(g)) : options(e));

function chosen(e, list, initial, label, id) {
  const node = selectOf(e, [['', words(e.placeholder) || 'Choose…'], ...list], null, label);
  node.value = initial ?? '';
  node.dataset.action = e.action_id;
  if (id) node.id = id;
  return node;
}

let serial = 0;

function group(e, type, initial) {
  const name = 'choice-' + serial++;
  return h('div', { class: 'choices', 'data-action': e.action_id, role: type === 'radio' ? 'radiogroup' : 'group' },
    e.options.map((o) => h('label', {}, h('input', { type, name, value: o.value, checked: initial.includes(o.value) }), h('span', {}, text(o.text), o.description && h('small', {}, text(o.description))))));
}

export function values(node) {
  if (node.classList.contains('choices')) return [...node.querySelectorAll('input:checked')].map((i) => i.value);
  if (node.multiple) return [...node.selectedOptions].map((o) => o.value);
  return node.value === '' ? [] : [node.value];
}

// field draws an input block: label, entry, hint and error.
export function field(b, error, act) {
  const id = 'field-' + b.block_id;
  const node = entry(b.element, id);
  if (b.dispatch_action) node.addEventListener('change', () => act(b.element, b, values(node)));
  node.dataset.block = b.block_id;
  const about = [b.hint && id + '-hint', id + '-error'].filter(Boolean).join(' ');
  node.setAttribute('aria-describedby', about);
  if (!b.optional) node.setAttribute('aria-required', 'true');
  const choices = node.classList.contains('choices');
  if (choices) node.setAttribute('aria-labelledby', id + '-label');
  return [
    h('label', { for: choices ? undefined : id, id: id + '-label' }, text(b.label), b.optional && h('span', { class: 'dim' }, ' (optional)')),
    node,
    b.hint && h('p', { class: 'hint', id: id + '-hint' }, text(b.hint)),
    h('p', { class: 'error', id: id + '-error', 'data-error': b.block_id }, error ?? ''),
  ];
}

// form reads all entries under node, by block and action.
export function form(node) {
  const out = {};
  for (const entry of node.querySelectorAll('[data-block]')) out[entry.dataset.block + '/' + entry.dataset.action] = values(entry);
  return out;
}
