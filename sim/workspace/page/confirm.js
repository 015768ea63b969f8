// This file asks the question that an element may ask before it acts.
import { h } from './dom.js';
import { text } from './mrkdwn.js';

// confirm asks the question of the element's confirm object and resolves to
// the answer.
export function confirm(c) {
  return new Promise((resolve) => {
    const done = (answer) => { box.close(); box.remove(); resolve(answer); };
    const box = h('dialog', { class: 'dialog', 'aria-labelledby': 'confirm-title', oncancel: () => done(false) },
      h('header', {}, h('h2', { id: 'confirm-title' }, text(c.title))),
      h('div', { class: 'dialog-body' }, text(c.text)),
      h('footer', {},
        h('button', { type: 'button', class: 'button', onclick: () => done(false) }, text(c.deny)),
        h('button', { type: 'button', class: 'button ' + (c.style === 'danger' ? 'danger solid' : 'primary'), onclick: () => done(true) }, text(c.confirm))));
    document.getElementById('dialogs').append(box);
    box.showModal();
  });
}
