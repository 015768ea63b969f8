// This Bolt app is not adapted to the simulator. It starts in Socket Mode,
// answers a command with buttons, acknowledges a press, and stops when stdin
// ends. The Go test reads one line for each step.
const { App, LogLevel } = require('@slack/bolt');

const app = new App({
  token: process.env.BOT_TOKEN,
  appToken: process.env.APP_TOKEN,
  socketMode: true,
  logLevel: LogLevel.ERROR,
  clientOptions: { slackApiUrl: process.env.API_URL },
});

app.command('/als', async ({ command, ack, say, respond }) => {
  await ack('on it');
  console.log(`command ${command.user_id} ${command.text}`);
  await respond({ response_type: 'ephemeral', text: 'still on it' });
  await say({
    text: 'Install 3 patches?',
    blocks: [
      { type: 'section', text: { type: 'mrkdwn', text: 'Install *3* patches?' } },
      {
        type: 'actions',
        elements: [{ type: 'button', action_id: 'approve', style: 'primary', text: { type: 'plain_text', text: 'Approve' }, value: 'run-1' }],
      },
    ],
  });
});

app.action('approve', async ({ ack, body, action, client }) => {
  await ack();
  console.log(`action ${body.user.id} ${action.action_id} ${action.value}`);
  await client.chat.update({ channel: body.channel.id, ts: body.message.ts, text: 'approved', blocks: [] });
  await client.views.open({
    trigger_id: body.trigger_id,
    view: {
      type: 'modal',
      callback_id: 'why',
      title: { type: 'plain_text', text: 'Why?' },
      submit: { type: 'plain_text', text: 'Send' },
      blocks: [{ type: 'input', block_id: 'b', label: { type: 'plain_text', text: 'Reason' }, element: { type: 'plain_text_input', action_id: 'a' } }],
    },
  });
});

app.view('why', async ({ ack, view }) => {
  await ack();
  console.log(`view ${view.state.values.b.a.value}`);
});

app.event('app_mention', async ({ event }) => {
  console.log(`mention ${event.text}`);
});

(async () => {
  await app.start();
  console.log('started');
  process.stdin.resume();
  process.stdin.on('end', async () => {
    await app.stop();
    console.log('stopped');
    process.exit(0);
  });
})();
