// This file draws blocks as Slack draws them.
import { h, icon } from './dom.js';
import { channelMention, date, emojiText, groupMention, mention, mrkdwn, safeLink, text, userMention } from './mrkdwn.js';
import { markdown } from './markdown.js';
import { control, field } from './inputs.js';

// blocks draws a list of blocks. When someone uses an element, it calls act
// with the element, its block and the chosen values.
export function blocks(list, act, errors = {}) {
  return (list ?? []).map((b) => block(b, act, errors));
}

function block(b, act, errors) {
  const draw = kinds[b.type];
  return h('div', { class: 'block block-' + b.type.replaceAll('_', '-') }, draw ? draw(b, act, errors) : h('p', { class: 'dim' }, `(${b.type})`));
}

const kinds = {
  header: (b) => h('p', { class: 'head level-' + (b.level ?? 1), role: 'heading', 'aria-level': String((b.level ?? 1) + 2) }, text(b.text)),
  divider: () => h('hr'),
  section: (b, act) => [
    h('div', { class: 'section-text' }, text(b.text), b.fields && h('div', { class: 'fields' }, b.fields.map((f) => h('div', { class: 'field' }, text(f))))),
    b.accessory && h('div', { class: 'accessory' }, element(b.accessory, b, act)),
  ],
  context: (b) => b.elements.map((e) => (e.type === 'image' ? placeholder(e) : text(e))),
  actions: (b, act) => b.elements.map((e) => element(e, b, act)),
  context_actions: (b, act) => b.elements.map((e) => element(e, b, act)),
  input: (b, act, errors) => field(b, errors[b.block_id], act),
  image: (b) => [b.title && h('p', { class: 'dim' }, text(b.title)), placeholder(b)],
  markdown: (b) => markdown(b.text),
  rich_text: (b) => rich(b.elements),
  table: (b) => table(b),
  data_table: (b, act) => table(b, act),
  container,
  card: (b, act) => [h('p', { class: 'head level-3' }, text(b.title)), text(b.subtitle), text(b.body), b.actions && h('div', { class: 'block-actions' }, b.actions.map((e) => element(e, b, act)))],
  carousel: (b, act) => b.elements.map((c) => block(c, act, {})),
  alert: (b) => h('div', { class: 'alert alert-' + (b.level ?? 'default'), role: 'note' }, text(b.text)),
  data_visualization: (b) => h('figure', { class: 'chart' }, h('figcaption', {}, b.title), bars(b.chart)),
};

function element(e, b, act) {
  return e.type === 'image' ? placeholder(e) : control(e, b, act);
}

// Pictures would come from the network, which this page doesn't use.
function placeholder(e) {
  return h('span', { class: 'image', role: 'img', 'aria-label': e.alt_text }, icon('image'), h('span', {}, e.alt_text));
}

function container(b, act, errors) {
  const title = [h('span', { class: 'container-title' }, b.rich_text_title ? rich(b.rich_text_title.elements) : text(b.title)), b.subtitle && h('span', { class: 'dim' }, text(b.subtitle))];
  const body = h('div', { class: 'container-body' }, blocks(b.child_blocks, act, errors));
  if (!b.is_collapsible) return h('section', { class: 'container' }, h('header', {}, title), body);
  return h('details', { class: 'container', open: !b.default_collapsed, 'data-keep': b.block_id }, h('summary', {}, icon('down'), h('span', {}, title)), body);
}

function table(b, act) {
  const [first, ...rest] = b.rows;
  const align = (i) => 'align-' + (b.column_settings?.[i]?.align ?? 'left');
  const head = h('tr', {}, first.map((c, i) => h('th', { scope: 'col', class: align(i) }, cell(c, b, act))));
  const body = rest.map((row) => h('tr', {}, row.map((c, i) => h('td', { class: align(i) }, cell(c, b, act)))));
  return h('div', { class: 'table-scroll', tabindex: '0', role: 'group', 'aria-label': b.caption ?? 'Table' },
    h('table', {}, b.caption && h('caption', {}, b.caption), h('thead', {}, head), h('tbody', {}, body)));
}

function cell(c, b, act) {
  if (c.type === 'rich_text') return rich(c.elements);
  if (c.type === 'action_cell') return element(c.element, b, act);
  return c.text ?? String(c.value);
}

function bars(chart) {
  const points = chart.segments ?? chart.series?.[0]?.data ?? [];
  const most = Math.max(1, ...points.map((p) => p.value));
  return h('div', {}, points.map((p) => h('div', { class: 'bar-row' }, h('span', {}, p.label), h('meter', { min: '0', max: String(most), value: String(p.value) }), h('span', {}, String(p.value)))));
}

function rich(elements) {
  return elements.map((e) => {
    if (e.type === 'rich_text_preformatted') return h('pre', {}, h('code', {}, spans(e.elements)));
    if (e.type === 'rich_text_quote') return h('blockquote', {}, spans(e.elements));
    if (e.type === 'rich_text_list') {
      const items = e.elements.map((item) => h('li', {}, spans(item.elements)));
      return h(e.style === 'ordered' ? 'ol' : 'ul', { class: 'indent-' + Math.min(e.indent ?? 0, 4), start: e.offset ? String(e.offset + 1) : undefined }, items);
    }
    return h('div', { class: 'rich-section' }, spans(e.elements ?? []));
  });
}

const spans = (elements) => elements.map(span);

function span(e) {
  let node = inlineNode(e);
  const style = e.style ?? {};
  for (const [name, tag] of [['code', 'code'], ['strike', 's'], ['italic', 'em'], ['bold', 'strong'], ['underline', 'u']]) if (style[name]) node = h(tag, {}, node);
  return node;
}

function inlineNode(e) {
  switch (e.type) {
    case 'user': return userMention(e.user_id);
    case 'usergroup': return groupMention(e.usergroup_id);
    case 'channel': return channelMention(e.channel_id);
    case 'broadcast': return mention('@' + e.range, true);
    case 'emoji': return emojiText(e.name);
    case 'link': return safeLink(e.url, e.text || e.url);
    case 'date': return date(e.timestamp, e.format);
    default: return document.createTextNode(e.text ?? '');
  }
}

// body draws a message: its blocks, or its text if it has none.
export function body(message, act) {
  if (message.blocks?.length) return blocks(message.blocks, act);
  return [mrkdwn(message.text)];
}
