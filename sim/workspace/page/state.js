// This file holds what the page knows: the last snapshot of the workspace, and
// where this person is. Everything is drawn from it.

export const state = {
  me: '', bot: '', command: '/als', connected: false, sockets: 0,
  users: [], groups: {}, channels: new Map(), messages: new Map(), // channel → ts → message
  hints: [], controls: [], modal: null, home: null,
  channel: '', thread: '', tab: 'messages', // the app's tab: home or messages
  read: new Map(), // user and channel → the ts up to which it was read

  user(id) {
    return id === 'USLACKBOT' ? { id, name: 'slackbot', realName: 'Slackbot' } : this.users.find((u) => u.id === id);
  },

  here() {
    return this.channels.get(this.channel);
  },

  // visible returns the messages of a channel, or of a thread, oldest
  // first.
  visible(channel, thread = '') {
    const all = [...(this.messages.get(channel)?.values() ?? [])].filter((m) => !m.deleted);
    const wanted = thread ? (m) => m.ts === thread || m.thread === thread : (m) => !m.thread || m.broadcast;
    return all.filter(wanted).sort((a, b) => (a.ts < b.ts ? -1 : 1));
  },

  replies(message) {
    return this.visible(message.channel, message.ts).filter((m) => m.thread === message.ts);
  },

  unread(channel) {
    const since = this.read.get(this.me + channel) ?? '';
    return this.visible(channel).filter((m) => m.ts > since && m.user !== this.me).length;
  },

  markRead(channel) {
    const last = this.visible(channel).at(-1);
    if (last) this.read.set(this.me + channel, last.ts);
  },

  take(snapshot) {
    if (snapshot.first) {
      const switched = this.me !== snapshot.me;
      this.messages = new Map();
      this.me = snapshot.me;
      if (switched) this.thread = '';
    }
    for (const key of ['bot', 'command', 'sockets', 'users', 'groups', 'hints', 'controls', 'modal', 'home', 'violations']) this[key] = snapshot[key];
    this.channels = new Map(snapshot.channels.map((c) => [c.id, c]));
    for (const m of snapshot.messages) {
      if (!this.messages.has(m.channel)) this.messages.set(m.channel, new Map());
      this.messages.get(m.channel).set(m.ts, m);
    }
    if (snapshot.first) for (const id of this.channels.keys()) if (!this.read.has(this.me + id)) this.markRead(id);
    if (!this.channels.has(this.channel)) this.channel = this.channels.keys().next().value ?? '';
  },
};
