// This file draws the messages of a channel or a thread. It redraws only
// changed messages, so unfolded and focused elements stay so.
import { clock, day, h, icon, post, size } from './dom.js';
import { body } from './blocks.js';
import { emojiText } from './mrkdwn.js';
import { openFile, report } from './dialogs.js';
import { state } from './state.js';

export function avatar(user, small = false) {
  const name = user?.realName || user?.name || '?';
  const initials = user?.id === state.bot ? 'als' : name.split(/\s+/).map((w) => w[0]).slice(0, 2).join('').toUpperCase();
  let hue = 0;
  for (const c of user?.id ?? '') hue = (hue * 31 + c.charCodeAt(0)) % 6;
  return h('span', { class: `avatar hue-${hue}${user?.id === state.bot ? ' bot' : ''}${small ? ' small' : ''}`, 'aria-hidden': 'true' }, initials);
}

// MessageList updates one list element to the messages it is given.
export class MessageList {
  constructor(list, scroll, options) {
    Object.assign(this, { list, scroll, ...options });
    this.drawn = new Map(); // ts → { key, node }
    this.where = '';
  }

  draw(where, messages) {
    const moved = where !== this.where;
    if (moved) {
      this.list.replaceChildren();
      this.drawn.clear();
      this.where = where;
    }
    const atEnd = moved || this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < 120;
    const nodes = [];
    let previous = null;
    for (const m of messages) {
      if (!previous || day(previous.ts) !== day(m.ts)) nodes.push(this.separator(m));
      nodes.push(this.one(m, previous, moved));
      previous = m;
    }
    if (!messages.length) nodes.push(h('p', { class: 'empty' }, this.empty));
    this.place(nodes);
    for (const [ts, { node }] of this.drawn) if (!node.isConnected) this.drawn.delete(ts);
    if (atEnd) this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  // place changes only what differs, to keep the focus and to help
  // screen readers.
  place(nodes) {
    nodes.forEach((node, i) => {
      const there = this.list.children[i];
      if (there !== node) this.list.insertBefore(node, there ?? null);
    });
    while (this.list.children.length > nodes.length) this.list.lastChild.remove();
  }

  separator(m) {
    const key = 'day ' + day(m.ts);
    if (!this.drawn.has(key)) this.drawn.set(key, { key, node: h('div', { class: 'day', role: 'separator' }, h('span', {}, day(m.ts))) });
    return this.drawn.get(key).node;
  }

  one(m, previous, quiet) {
    const together = previous && previous.user === m.user && !previous.to === !m.to && m.ts - previous.ts < 300 && !this.thread;
    const replies = this.thread ? [] : state.replies(m);
    const key = [m.rev, together, replies.length, replies.at(-1)?.rev, state.me].join();
    const before = this.drawn.get(m.ts);
    if (before?.key === key) return before.node;
    const node = this.message(m, together, replies);
    if (before) this.keep(before.node, node, m);
    else if (!quiet) node.classList.add('arrived');
    this.drawn.set(m.ts, { key, node });
    return node;
  }

  // keep copies the reader's changes from the old drawing of a message.
  keep(old, fresh, m) {
    for (const d of old.querySelectorAll('details[data-keep]')) {
      const same = fresh.querySelector(`details[data-keep="${CSS.escape(d.dataset.keep)}"]`);
      if (same) same.open = d.open;
    }
    if (m.edits > Number(old.dataset.edits)) fresh.classList.add('edited-now');
    const focused = old.contains(document.activeElement) && document.activeElement.dataset.key;
    if (old.isConnected) old.replaceWith(fresh);
    if (focused) (fresh.querySelector(`[data-key="${CSS.escape(focused)}"]`) ?? fresh).focus?.();
  }

  message(m, together, replies) {
    const user = state.user(m.user);
    const act = async (e, b, values) => report(await post('act', { user: state.me, channel: m.channel, ts: m.ts, action: b.block_id + '/' + e.action_id, values }));
    const time = h('time', { class: 'time', datetime: new Date(m.ts * 1000).toISOString(), title: new Date(m.ts * 1000).toLocaleString() }, clock(m.ts));
    return h('article', { class: 'message' + (together ? ' together' : '') + (m.to ? ' private' : ''), 'data-ts': m.ts, 'data-edits': String(m.edits), tabindex: '-1' },
      h('div', { class: 'gutter' }, together ? time : avatar(user)),
      h('div', { class: 'content' },
        m.to && h('p', { class: 'only-you' }, icon('eye'), 'Only visible to you'),
        !together && h('header', {}, h('span', { class: 'name' }, user?.realName || user?.name || m.user), m.user === state.bot && h('span', { class: 'badge' }, 'app'), user?.title && m.user !== state.bot && h('span', { class: 'role' }, user.title), time),
        m.thread && !this.thread && h('p', { class: 'dim' }, 'replied to a thread'),
        h('div', { class: 'body' }, body(m, act)),
        m.edits > 0 && h('span', { class: 'edited' }, '(edited)'),
        m.files.map((f) => h('button', { type: 'button', class: 'file', 'data-key': 'file ' + f.id, onclick: () => openFile(f) }, icon('file'), h('span', {}, h('strong', {}, f.title || f.name), h('small', {}, `${f.name}, ${size(f.size)}`)))),
        m.reactions.length > 0 && h('p', { class: 'reactions' }, m.reactions.map((r) => h('span', { class: 'reaction' }, emojiText(r), ' 1'))),
        replies.length > 0 && this.threadButton(m, replies)),
      !this.thread && !m.to && h('div', { class: 'tools' }, h('button', { type: 'button', class: 'icon', 'aria-label': 'Reply in thread', onclick: () => this.open(m) }, icon('reply'))));
  }

  threadButton(m, replies) {
    const who = [...new Set(replies.map((r) => r.user))].slice(0, 3);
    return h('button', { type: 'button', class: 'thread-link', 'data-key': 'thread', onclick: () => this.open(m) },
      who.map((id) => avatar(state.user(id), true)), h('strong', {}, replies.length === 1 ? '1 reply' : `${replies.length} replies`), h('span', { class: 'dim' }, 'last at ' + clock(replies.at(-1).ts)));
  }
}
