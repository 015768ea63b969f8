// This file shows what the app and its files open in front of the page.
import { h, icon, post, size, toast } from './dom.js';
import { text } from './mrkdwn.js';
import { blocks } from './blocks.js';
import { form } from './inputs.js';
import { state } from './state.js';

const home = document.getElementById('dialogs');

let shown = null; // the modal that is on the page: its dialog and its view

// drawModal updates the page to state.modal. Typed text stays until the app
// sends another view.
export function drawModal() {
  const view = state.modal;
  if (shown && (!view || view.id !== shown.view.id || view.hash !== shown.view.hash)) {
    shown.box.close();
    shown.box.remove();
    shown = null;
  }
  if (!view) return;
  if (!shown) shown = open(view);
  shown.view = view;
  for (const node of shown.box.querySelectorAll('[data-error]')) node.textContent = view.errors?.[node.dataset.error] ?? '';
  for (const node of shown.box.querySelectorAll('[data-block]')) node.toggleAttribute('aria-invalid', Boolean(view.errors?.[node.dataset.block]));
  shown.box.querySelector('.notice').textContent = view.notice ?? '';
}

function open(view) {
  const act = async (e, b, values) => report(await post('view', { user: state.me, view: view.id, action: b.block_id + '/' + e.action_id, values }));
  const close = () => post('close', { user: state.me });
  const submit = async (event) => {
    event.preventDefault();
    const button = box.querySelector('[type=submit]');
    if (button) button.disabled = true;
    const result = await post('submit', { user: state.me, form: form(box) });
    if (button) button.disabled = false;
    if (!result.ok && !result.error.startsWith('the form is not complete')) report(result);
    box.querySelector('[aria-invalid]')?.focus();
  };
  const box = h('dialog', { class: 'dialog modal', 'aria-labelledby': 'modal-title', oncancel: (event) => { event.preventDefault(); close(); } },
    h('form', { onsubmit: submit, novalidate: true },
      h('header', {}, h('h2', { id: 'modal-title' }, text(view.title)), h('button', { type: 'button', class: 'icon', 'aria-label': 'Close', onclick: close }, icon('close'))),
      h('div', { class: 'dialog-body' }, h('p', { class: 'notice', role: 'alert' }), blocks(view.blocks, act, view.errors ?? {})),
      h('footer', {},
        h('button', { type: 'button', class: 'button', onclick: close }, view.close ? text(view.close) : 'Cancel'),
        view.submit && h('button', { type: 'submit', class: 'button primary' }, text(view.submit)))));
  home.append(box);
  box.showModal();
  (box.querySelector('[autofocus]') ?? box.querySelector('[data-block]'))?.focus();
  return { box, view };
}

export async function openFile(file) {
  let content;
  try {
    const response = await fetch('page/file?id=' + encodeURIComponent(file.id));
    content = response.ok ? await response.text() : 'This file cannot be read.';
  } catch {
    content = 'The workspace does not answer.';
  }
  const close = () => { box.close(); box.remove(); };
  const box = h('dialog', { class: 'dialog wide', 'aria-labelledby': 'file-title', oncancel: () => box.remove() },
    h('header', {}, h('h2', { id: 'file-title' }, file.name), h('span', { class: 'dim' }, size(file.size)), h('button', { type: 'button', class: 'icon', 'aria-label': 'Close', onclick: close }, icon('close'))),
    h('div', { class: 'dialog-body' }, h('pre', { class: 'file-text', tabindex: '0' }, content)));
  home.append(box);
  box.showModal();
}

export function report(result) {
  if (!result.ok) toast(result.error);
  return result.ok;
}
