// This file is the page: it listens to the workspace and draws what this
// person sees.
import { h, icon, post } from './dom.js';
import { blocks } from './blocks.js';
import { Composer } from './composer.js';
import { drawModal, report } from './dialogs.js';
import { MessageList } from './messages.js';
import { drawDemo, drawSidebar } from './sidebar.js';
import { state } from './state.js';

const at = (id) => document.getElementById(id);
const wide = matchMedia('(min-width: 1180px)');

const main = new MessageList(at('list'), at('scroll'), { thread: false, empty: 'Nothing has been said here yet.', open: (m) => openThread(m.ts) });
const thread = new MessageList(at('thread-list'), at('thread-scroll'), { thread: true, empty: 'This message is gone.' });
const composer = new Composer(at('composer-form'), { label: 'Message', inputID: 'composer', where: () => ({ channel: state.channel }), suggestions: true });
const reply = new Composer(at('thread-form'), { label: 'Reply', inputID: 'reply', where: () => ({ channel: state.channel, thread: state.thread }), suggestions: false });

for (const [id, name] of [['menu', 'menu'], ['thread-close', 'close'], ['demo-close', 'close']]) at(id).append(icon(name));
at('menu').addEventListener('click', () => drawer(!document.body.classList.contains('drawer')));
at('scrim').addEventListener('click', () => drawer(false));
at('thread-close').addEventListener('click', () => openThread(''));
at('demo-close').addEventListener('click', () => demo(false));
at('demo-toggle').addEventListener('click', () => demo(at('demo').hidden));
document.addEventListener('keydown', (e) => {
  if (e.key !== 'Escape' || e.defaultPrevented || document.querySelector('dialog[open]')) return;
  if (document.body.classList.contains('drawer')) drawer(false);
  else if (state.thread) openThread('');
});
addEventListener('hashchange', () => {
  const { user, channel } = place();
  if (user && user !== state.me) connect(user);
  else if (channel && channel !== state.channel) go(channel);
});

// The address holds the person and the channel, so a reload changes nothing.
function place() {
  const q = new URLSearchParams(location.hash.slice(1));
  return { user: q.get('user') ?? '', channel: q.get('channel') ?? '' };
}

function remember() {
  history.replaceState(null, '', '#' + new URLSearchParams({ user: state.me, channel: state.channel }));
}

let source;

function connect(user) {
  source?.close();
  source = new EventSource('page/events?user=' + encodeURIComponent(user));
  source.onmessage = (e) => {
    state.connected = true;
    state.take(JSON.parse(e.data));
    document.body.dataset.me = state.me;
    draw();
  };
  source.onerror = () => {
    state.connected = false;
    draw();
  };
}

function become(user) {
  connect(user);
}

function go(channel) {
  state.channel = channel;
  state.thread = '';
  drawer(false);
  if (state.here()?.dm && state.tab === 'home') visitHome();
  draw();
  composer.input.focus();
}

function drawer(open) {
  document.body.classList.toggle('drawer', open);
  at('menu').setAttribute('aria-expanded', String(open));
}

function demo(open) {
  at('demo').hidden = !open;
  at('demo-toggle').setAttribute('aria-expanded', String(open));
  if (open && state.thread) openThread('');
}

function openThread(ts) {
  const opener = state.thread;
  state.thread = ts;
  if (ts) at('demo').hidden = true;
  else if (wide.matches && at('demo-toggle').getAttribute('aria-expanded') === 'true') at('demo').hidden = false;
  draw();
  if (ts) reply.input.focus();
  else document.querySelector(`[data-ts="${CSS.escape(opener)}"]`)?.focus();
}

async function visitHome() {
  report(await post('home', { user: state.me }));
}

function draw() {
  const here = state.here();
  if (!here) return;
  remember();
  const home = here.dm && state.tab === 'home';
  at('title').textContent = here.dm ? here.name : '# ' + here.name;
  at('topic').textContent = here.dm ? 'App' : here.topic;
  document.title = (here.dm ? here.name : '#' + here.name) + ' · Simulated workspace';
  drawTabs(here);
  at('list').hidden = home;
  at('home').hidden = !home;
  at('composer-form').hidden = home;
  if (home) drawHome();
  else {
    main.draw(state.me + state.channel, state.visible(state.channel));
    state.markRead(state.channel);
  }
  at('thread').hidden = !state.thread;
  if (state.thread) {
    at('thread-where').textContent = here.dm ? here.name : '# ' + here.name;
    thread.draw(state.me + state.channel + state.thread, state.visible(state.channel, state.thread));
  }
  composer.placeholder(here.archived ? 'This channel is archived' : here.dm ? `${state.command} help (${here.name} reads nothing here but commands)` : `Message #${here.name}`);
  reply.placeholder('Reply…');
  drawSidebar({ become, go });
  drawDemo(tryHint);
  drawModal();
}

function drawTabs(here) {
  const tabs = at('tabs');
  tabs.hidden = !here.dm;
  const pick = (tab) => {
    state.tab = tab;
    if (tab === 'home') visitHome();
    draw();
    at('tab-' + tab)?.focus();
  };
  tabs.replaceChildren(...['messages', 'home'].map((tab) => h('button', {
    type: 'button', role: 'tab', id: 'tab-' + tab, 'aria-selected': String(state.tab === tab), onclick: () => pick(tab),
  }, tab === 'home' ? 'Home' : 'Messages')));
}

let homeDrawn = null;

function drawHome() {
  const view = state.home;
  const key = view ? view.hash : 'none';
  if (homeDrawn === state.me + key) return;
  homeDrawn = state.me + key;
  const act = async (e, b, values) => report(await post('view', { user: state.me, view: view.id, action: b.block_id + '/' + e.action_id, values }));
  at('home').replaceChildren(...(view ? blocks(view.blocks, act) : [h('p', { class: 'empty' }, 'The app has not published a Home tab.')]));
}

function tryHint(line) {
  if (state.here()?.dm && state.tab === 'home') state.tab = 'messages';
  if (!wide.matches) demo(false);
  draw();
  composer.set(line);
}

state.channel = place().channel;
demo(wide.matches);
connect(place().user);
