// This file renders Slack's mrkdwn and nothing else: text that Slack wouldn't
// turn into a link, a mention or formatting stays text.
import { h } from './dom.js';
import { state } from './state.js';

const emoji = {
  white_check_mark: '✅', heavy_check_mark: '✔️', x: '❌', warning: '⚠️', no_entry: '⛔', no_entry_sign: '🚫', hourglass: '⌛',
  hourglass_flowing_sand: '⏳', rocket: '🚀', eyes: '👀', tada: '🎉', bell: '🔔', no_bell: '🔕', lock: '🔒', unlock: '🔓', key: '🔑', gear: '⚙️',
  wrench: '🔧', hammer: '🔨', package: '📦', floppy_disk: '💾', file_folder: '📁', clipboard: '📋', memo: '📝', calendar: '📅', clock3: '🕒',
  stopwatch: '⏱️', alarm_clock: '⏰', mag: '🔍', link: '🔗', bulb: '💡', fire: '🔥', boom: '💥', skull: '💀', ghost: '👻', robot_face: '🤖',
  wave: '👋', '+1': '👍', thumbsup: '👍', '-1': '👎', thumbsdown: '👎', raised_hand: '✋', red_circle: '🔴', large_yellow_circle: '🟡',
  large_green_circle: '🟢', large_blue_circle: '🔵', white_circle: '⚪', black_circle: '⚫', arrow_right: '➡️', arrows_counterclockwise: '🔄',
  repeat: '🔁', fast_forward: '⏩', double_vertical_bar: '⏸️', black_square_for_stop: '⏹️', arrow_forward: '▶️', information_source: 'ℹ️',
  question: '❓', exclamation: '❗', heavy_minus_sign: '➖', zzz: '💤', shield: '🛡️', rotating_light: '🚨', construction: '🚧', broom: '🧹',
};

export const emojiText = (name) => emoji[name] ?? `:${name}:`;

const decode = (s) => s.replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&amp;/g, '&');

// safeLink links only to addresses that can't run anything.
export function safeLink(url, ...content) {
  if (!/^(https?:\/\/|mailto:)/i.test(url)) return h('span', {}, ...content);
  return h('a', { href: url, target: '_blank', rel: 'noopener noreferrer' }, ...content);
}

export function mention(text, mine = false) {
  return h('span', { class: mine ? 'mention mine' : 'mention' }, text);
}

export const userMention = (id) => mention('@' + (state.user(id)?.name ?? id), id === state.me);
export const channelMention = (id) => mention('#' + (state.channels.get(id)?.name ?? 'unknown'));

export function groupMention(id) {
  const group = state.groups[id];
  return mention('@' + (group?.handle ?? id), group?.members.includes(state.me));
}

// date renders a timestamp in the reader's own zone, with Slack's format
// words.
export function date(ts, format) {
  const at = new Date(Number(ts) * 1000);
  const near = { Today: 0, Tomorrow: 1, Yesterday: -1 };
  const pretty = (plain) => {
    for (const [word, days] of Object.entries(near)) {
      const then = new Date();
      then.setDate(then.getDate() + days);
      if (then.toDateString() === at.toDateString()) return word.toLowerCase();
    }
    return plain;
  };
  const long = at.toLocaleDateString([], { year: 'numeric', month: 'long', day: 'numeric' });
  const short = at.toLocaleDateString([], { year: 'numeric', month: 'short', day: 'numeric' });
  const words = {
    date_num: at.toISOString().slice(0, 10), date: long, date_long: at.toLocaleDateString([], { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' }),
    date_short: short, date_pretty: pretty(long), date_short_pretty: pretty(short), date_long_pretty: pretty(long),
    time: at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }),
    time_secs: at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' }), ago: short,
  };
  const text = format.replace(/\{(\w+)\}/g, (all, word) => words[word] ?? all);
  return h('time', { datetime: at.toISOString(), title: at.toUTCString() }, text);
}

// reference renders the text between < and >.
function reference(inner) {
  const bar = inner.indexOf('|');
  const target = bar < 0 ? inner : inner.slice(0, bar);
  const label = bar < 0 ? '' : inner.slice(bar + 1);
  if (/^@[UW]\w+$/.test(target)) return userMention(target.slice(1));
  if (/^#[CD]\w+$/.test(target)) return channelMention(target.slice(1));
  if (target.startsWith('!subteam^')) return groupMention(target.slice(9));
  if (/^!(here|channel|everyone)$/.test(target)) return mention('@' + target.slice(1), true);
  const when = target.match(/^!date\^(\d+)\^([^^]*)(\^.*)?$/);
  if (when) return date(when[1], when[2]);
  if (/^(https?:\/\/|mailto:)/i.test(target)) return safeLink(decode(target), decode(label || target.replace(/^mailto:/, '')));
  return document.createTextNode(decode('<' + inner + '>'));
}

// A mark touches the text inside. After the closing mark comes the end of the
// line, or a character that is no letter or digit: _als_node_ is one word.
const marks = {
  '*': ['strong', /^\*([^\s*](?:.*?[^\s*])?)\*(?![\p{L}\p{N}])/u],
  _: ['em', /^_([^\s_](?:.*?[^\s_])?)_(?![\p{L}\p{N}])/u],
  '~': ['s', /^~([^\s~](?:.*?[^\s~])?)~(?![\p{L}\p{N}])/u],
};

// inline parses one line.
function inline(text, out, verbatim) {
  let plain = '';
  const flush = () => {
    if (plain) out.append(decode(plain));
    plain = '';
  };
  for (let i = 0; i < text.length; ) {
    const rest = text.slice(i);
    const before = i === 0 ? ' ' : text[i - 1];
    let m;
    if ((m = rest.match(/^`([^`]+)`/))) {
      flush();
      out.append(h('code', {}, decode(m[1])));
    } else if ((m = rest.match(/^<([^<>]+)>/))) {
      flush();
      out.append(reference(m[1]));
    } else if (marks[text[i]] && !/[\p{L}\p{N}]/u.test(before) && (m = rest.match(marks[text[i]][1]))) {
      flush();
      const node = h(marks[text[i]][0]);
      inline(m[1], node, verbatim);
      out.append(node);
    } else if ((m = rest.match(/^:([a-z0-9_+'-]+):/)) && emoji[m[1]]) {
      flush();
      out.append(h('span', { role: 'img', 'aria-label': m[1].replaceAll('_', ' ') }, emoji[m[1]]));
    } else if (!verbatim && !/[\p{L}\p{N}]/u.test(before) && (m = rest.match(/^https?:\/\/[^\s<>|`]*[^\s<>|`.,;:!?)'"]/))) {
      flush();
      out.append(safeLink(decode(m[0]), decode(m[0])));
    } else {
      plain += text[i++];
      continue;
    }
    i += m[0].length;
  }
  flush();
}

export function mrkdwn(text, verbatim = false) {
  const out = h('div', { class: 'mrkdwn' });
  const parts = text.split(/```\n?([\s\S]*?)\n?```/);
  parts.forEach((part, i) => {
    if (i % 2 === 1) {
      out.append(h('pre', {}, h('code', {}, decode(part))));
      return;
    }
    let quote = null;
    part.split('\n').forEach((line, n, lines) => {
      const quoted = line.match(/^(?:>|&gt;) ?(.*)$/);
      const into = quoted ? (quote ??= out.appendChild(h('blockquote'))) : out;
      if (!quoted) quote = null;
      inline(quoted ? quoted[1] : line, into, verbatim);
      const edge = n === lines.length - 1 || (!quoted && /^(?:>|&gt;)/.test(lines[n + 1] ?? ''));
      if (!edge) into.append(h('br'));
    });
  });
  return out;
}

export function text(object) {
  if (!object) return null;
  if (object.type === 'mrkdwn') return mrkdwn(object.text, object.verbatim);
  const out = h('span', { class: 'plain' });
  out.append((object.text ?? '').replace(/:([a-z0-9_+'-]+):/g, (all, name) => (object.emoji === false ? all : emojiText(name))));
  return out;
}
