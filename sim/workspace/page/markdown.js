// This file renders the part of Markdown that Slack's markdown block supports.
import { h } from './dom.js';
import { safeLink } from './mrkdwn.js';

export function markdown(source) {
  const out = h('div', { class: 'markdown' });
  const lines = source.split('\n');
  for (let i = 0; i < lines.length; ) {
    const line = lines[i];
    let m;
    if ((m = line.match(/^```/))) {
      let end = lines.findIndex((l, n) => n > i && l.startsWith('```'));
      if (end < 0) end = lines.length;
      out.append(h('pre', {}, h('code', {}, lines.slice(i + 1, end).join('\n'))));
      i = end + 1;
    } else if ((m = line.match(/^(#{1,6}) (.*)$/))) {
      out.append(h('p', { class: 'md-heading', role: 'heading', 'aria-level': String(Math.min(m[1].length + 2, 6)) }, inline(m[2])));
      i++;
    } else if ((m = line.match(/^(\d+\.|[-*+]) /))) {
      const ordered = /^\d/.test(m[1]);
      const items = [];
      for (; i < lines.length && (m = lines[i].match(/^(\d+\.|[-*+]) (.*)$/)); i++) items.push(h('li', {}, inline(m[2])));
      out.append(h(ordered ? 'ol' : 'ul', {}, items));
    } else if (line.startsWith('> ')) {
      const quoted = [];
      for (; i < lines.length && lines[i].startsWith('> '); i++) quoted.push(inline(lines[i].slice(2)), h('br'));
      out.append(h('blockquote', {}, quoted));
    } else if (/^(---|\*\*\*)\s*$/.test(line)) {
      out.append(h('hr'));
      i++;
    } else {
      const words = [];
      for (; i < lines.length && lines[i].trim() && !/^(```|#{1,6} |> |[-*+] |\d+\. )/.test(lines[i]); i++) words.push(lines[i]);
      if (words.length) out.append(h('p', {}, inline(words.join('\n'))));
      else i++;
    }
  }
  return out;
}

function inline(source) {
  const out = [];
  const pattern = /`([^`]+)`|\*\*(.+?)\*\*|~~(.+?)~~|[*_]([^*_\s](?:[^*_]*[^*_\s])?)[*_]|\[([^\]]+)\]\(([^)\s]+)\)/g;
  let last = 0;
  for (const m of source.matchAll(pattern)) {
    out.push(source.slice(last, m.index));
    last = m.index + m[0].length;
    if (m[1] !== undefined) out.push(h('code', {}, m[1]));
    else if (m[2] !== undefined) out.push(h('strong', {}, inline(m[2])));
    else if (m[3] !== undefined) out.push(h('s', {}, inline(m[3])));
    else if (m[4] !== undefined) out.push(h('em', {}, inline(m[4])));
    else out.push(safeLink(m[6], m[5]));
  }
  out.push(source.slice(last));
  return out;
}
