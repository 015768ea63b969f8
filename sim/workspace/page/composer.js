// This file is the input line, with completion of the app's command.
import { h, icon, post } from './dom.js';
import { report } from './dialogs.js';
import { state } from './state.js';

let serial = 0;

export class Composer {
  // where returns the channel and thread that a message goes to.
  constructor(formNode, { label, inputID, where, suggestions }) {
    this.where = where;
    this.suggesting = suggestions;
    this.items = [];
    this.at = -1;
    this.history = [];
    const listID = 'suggestions-' + serial++;
    this.list = h('ul', { class: 'suggestions', id: listID, role: 'listbox', 'aria-label': 'Suggestions', hidden: true });
    this.input = h('textarea', {
      id: inputID, rows: '1', 'aria-label': label, autocomplete: 'off', spellcheck: 'false', role: 'combobox', 'aria-expanded': 'false', 'aria-controls': listID,
      'aria-autocomplete': 'list', onkeydown: (e) => this.key(e), oninput: () => this.changed(), onblur: () => setTimeout(() => this.hide(), 150),
    });
    this.send = h('button', { type: 'submit', class: 'icon send', 'aria-label': 'Send' }, icon('send'));
    this.help = h('p', { class: 'composer-help', 'aria-hidden': 'true' }, '');
    formNode.append(this.list, h('div', { class: 'entry' }, this.input, this.send), this.help);
    formNode.addEventListener('submit', (e) => { e.preventDefault(); this.submit(); });
  }

  set(text) {
    this.input.value = text;
    this.input.focus();
    this.input.setSelectionRange(text.length, text.length);
    this.changed();
  }

  placeholder(text) {
    this.input.placeholder = text;
    this.help.textContent = this.suggesting ? `Enter sends, Tab completes, ↑ brings back the last line. Commands start with ${state.command}` : '';
  }

  async changed() {
    this.input.style.height = 'auto';
    this.input.style.height = Math.min(this.input.scrollHeight, 160) + 'px';
    const value = this.input.value;
    if (!this.suggesting || !value.startsWith('/')) return this.hide();
    if (!value.startsWith(state.command + ' ')) {
      const start = state.command.startsWith(value.trim());
      return this.show(start ? [{ text: null, help: 'Operate the clusters' }] : []);
    }
    const typed = value.slice(state.command.length + 1);
    try {
      const response = await fetch('page/suggest?text=' + encodeURIComponent(typed));
      const items = await response.json();
      if (this.input.value === value) this.show(items.filter((i) => i.text !== typed.trim()));
    } catch {
      this.hide();
    }
  }

  line(item) {
    return item.text === null ? state.command + ' ' : `${state.command} ${item.text}`;
  }

  show(items) {
    // The same list again, for example from a slower answer, keeps
    // the choice.
    if (JSON.stringify(items) === JSON.stringify(this.items) && this.list.hidden === (items.length === 0)) return;
    // In another list, the chosen entry stays chosen if it is
    // there.
    const chosen = this.at >= 0 ? this.items[this.at].text : undefined;
    this.items = items;
    this.at = items.findIndex((item) => item.text === chosen);
    this.list.replaceChildren(...items.map((item, i) => h('li', { role: 'option', id: `${this.list.id}-${i}`, 'aria-selected': String(i === this.at), onmousedown: (e) => { e.preventDefault(); this.accept(i); } },
      h('code', {}, this.line(item)), h('span', { class: 'dim' }, item.help))));
    this.list.hidden = items.length === 0;
    this.input.setAttribute('aria-expanded', String(items.length > 0));
    if (this.at >= 0) this.input.setAttribute('aria-activedescendant', this.list.children[this.at].id);
    else this.input.removeAttribute('aria-activedescendant');
  }

  hide() {
    this.show([]);
  }

  move(step) {
    this.at = (this.at + step + this.items.length + (this.at < 0 && step < 0 ? 1 : 0)) % this.items.length;
    [...this.list.children].forEach((li, i) => li.setAttribute('aria-selected', String(i === this.at)));
    const li = this.list.children[this.at];
    li.scrollIntoView({ block: 'nearest' });
    this.input.setAttribute('aria-activedescendant', li.id);
  }

  accept(i) {
    const line = this.line(this.items[i]);
    this.hide(); // at once: a following Enter must send
    this.set(line.endsWith(' ') ? line : line + ' ');
  }

  key(e) {
    if (e.isComposing) return;
    const open = !this.list.hidden;
    if (open && (e.key === 'ArrowDown' || e.key === 'ArrowUp')) {
      e.preventDefault();
      this.move(e.key === 'ArrowDown' ? 1 : -1);
    } else if (open && e.key === 'Tab' && !e.shiftKey) {
      e.preventDefault();
      this.accept(Math.max(this.at, 0));
    } else if (open && e.key === 'Escape') {
      e.preventDefault();
      this.hide();
    } else if (e.key === 'Enter' && !e.shiftKey) {
      e.preventDefault();
      if (open && this.at >= 0) this.accept(this.at);
      else this.submit();
    } else if (e.key === 'ArrowUp' && !this.input.value && this.history.length) {
      e.preventDefault();
      this.set(this.history.at(-1));
      this.hide();
    }
  }

  async submit() {
    const text = this.input.value.trim();
    if (!text) return;
    this.history.push(text);
    this.input.value = '';
    this.changed();
    const result = await post('say', { user: state.me, text, ...this.where() });
    // The channel already shows the error of a command.
    if (!result.ok && !result.ts) report(result);
  }
}
