// This file draws the person, the channels and the demo's switches.
import { h, post } from './dom.js';
import { avatar } from './messages.js';
import { report } from './dialogs.js';
import { state } from './state.js';

const at = (id) => document.getElementById(id);

export function drawSidebar({ become, go }) {
  drawWho(become);
  const list = [...state.channels.values()];
  at('channels').replaceChildren(...list.filter((c) => !c.dm).map((c) => place(c, go)));
  at('apps').replaceChildren(...list.filter((c) => c.dm).map((c) => place(c, go)));
  const bot = state.user(state.bot)?.name ?? 'the bot';
  const up = state.sockets > 0;
  at('connection').textContent = !state.connected ? 'reconnecting…' : up ? `${bot} is connected` : `${bot} has no socket open`;
  at('connection').className = 'connection ' + (state.connected && up ? 'up' : 'down');
}

// drawWho draws once for each set of people: replacing a radio button while
// the arrow keys move through it would lose the focus.
function drawWho(become) {
  const people = state.users.filter((u) => u.id !== state.bot);
  const box = at('who');
  const key = people.map((u) => u.id).join();
  if (box.dataset.key !== key) {
    box.dataset.key = key;
    box.replaceChildren(h('legend', {}, 'I am'), ...people.map((u) => h('label', { class: 'person' },
      h('input', { type: 'radio', name: 'who', value: u.id, onchange: () => become(u.id) }),
      avatar(u, true), h('span', {}, h('span', { class: 'name' }, u.realName || u.name), h('span', { class: 'role' }, u.title)))));
  }
  for (const input of box.querySelectorAll('input')) input.checked = input.value === state.me;
}

function place(c, go) {
  const unread = c.id === state.channel ? 0 : state.unread(c.id);
  return h('li', {}, h('button', {
    type: 'button', class: 'place' + (unread ? ' unread' : ''), 'aria-current': c.id === state.channel ? 'page' : undefined, 'data-channel': c.id, onclick: () => go(c.id),
  }, h('span', { class: 'sigil', 'aria-hidden': 'true' }, c.dm ? '●' : c.private ? '◆' : '#'), h('span', { class: 'place-name' }, c.name),
  unread > 0 && h('span', { class: 'count' }, String(unread), h('span', { class: 'sr' }, ' unread'))));
}

let drawn = '';

export function drawDemo(tryHint) {
  const key = JSON.stringify([state.hints, state.controls]);
  if (key === drawn) return;
  drawn = key;
  const focused = document.activeElement?.dataset?.control;
  at('hints').replaceChildren(...state.hints.map((line) => h('li', {}, h('button', { type: 'button', class: 'hint-line', onclick: () => tryHint(line) }, h('code', {}, line)))));
  at('controls-section').hidden = state.controls.length === 0;
  at('controls').replaceChildren(...state.controls.map((c) => h('li', {},
    h('button', { type: 'button', class: 'button', 'data-control': c.name, 'aria-describedby': 'control-' + c.name, onclick: (e) => use(e.currentTarget, c) }, c.label),
    h('span', { class: 'control-about', id: 'control-' + c.name }, c.state && h('strong', { class: 'control-state' }, c.state), c.help && h('span', { class: 'dim' }, c.help)))));
  if (focused) document.querySelector(`[data-control="${CSS.escape(focused)}"]`)?.focus();
}

async function use(button, c) {
  button.disabled = true;
  report(await post('control', { control: c.name }));
  button.disabled = false;
}
