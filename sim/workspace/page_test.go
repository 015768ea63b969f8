package workspace_test

import (
	"context"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"alsbot/sim/workspace"
)

// page is the workspace's page in a real browser. Any output on its console
// fails the test.
type page struct {
	t   *testing.T
	ctx context.Context
}

func open(t *testing.T, address string) page {
	t.Helper()
	chromium := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			chromium = path
			break
		}
	}
	if chromium == "" {
		lacks(t, "chromium", "this test opens the page in a browser")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.WindowSize(1360, 900), chromedp.WSURLReadTimeout(patience))
	browser, stop := chromedp.NewExecAllocator(context.Background(), options...)
	tab, closeTab := chromedp.NewContext(browser)
	silent := make(chan struct{})
	t.Cleanup(func() { closeTab(); stop(); <-silent })
	if err := chromedp.Do(tab); err != nil { // starts the browser, which a deadline must not end
		close(silent)
		t.Fatalf("starting %s: %v", chromium, err)
	}
	console := chromedp.Console(tab) // listens from here on
	go func() {
		defer close(silent)
		for message, err := range console {
			if err != nil {
				return // the tab is gone
			}
			t.Errorf("the page's console: %v", message)
		}
	}()
	ctx, cancel := context.WithTimeout(tab, patience)
	t.Cleanup(cancel)
	p := page{t: t, ctx: ctx}
	p.do(chromedp.Navigate(address))
	return p
}

func (p page) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		text, _ := chromedp.Run(context.WithoutCancel(p.ctx), chromedp.Evaluate[string]("JSON.stringify([document.activeElement.id, document.activeElement.value, document.querySelector('.suggestions').hidden])+document.body.innerText"))
		p.t.Fatalf("%v; the page shows:\n%s", err, text)
	}
}

// until waits for a JavaScript expression to become true.
func (p page) until(expression string) {
	p.t.Helper()
	p.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := chromedp.Poll[bool](expression, chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(patience))(ctx, target)
		return err
	}))
}

// shows waits until the text of the selected element contains want.
func (p page) shows(selector, want string) {
	p.t.Helper()
	s, _ := json.Marshal(selector)
	v, _ := json.Marshal(want)
	p.until("[...document.querySelectorAll(" + string(s) + ")].some((n) => n.innerText.includes(" + string(v) + "))")
}

func (p page) count(selector string) int {
	p.t.Helper()
	s, _ := json.Marshal(selector)
	n, err := chromedp.Run(p.ctx, chromedp.Evaluate[int]("document.querySelectorAll("+string(s)+").length"))
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}

// enter types into the selected element. It doesn't use chromedp's SendKeys,
// which races with its own event loop.
func (p page) enter(selector, text string) {
	p.t.Helper()
	s, _ := json.Marshal(selector)
	p.until("Boolean(document.querySelector(" + string(s) + "))")
	p.until("(document.querySelector(" + string(s) + ").focus(), document.activeElement.matches(" + string(s) + "))")
	p.press(text)
}

func (p page) click(selector string) { p.t.Helper(); p.do(chromedp.Click(chromedp.CSS(selector))) }

func (p page) press(keys ...string) {
	p.t.Helper()
	for _, k := range keys {
		p.do(chromedp.KeyEvent(k))
	}
}

// become switches the person who uses the page.
func (p page) become(userID string) {
	p.t.Helper()
	p.click(`#who input[value="` + userID + `"]`)
	p.until(`document.body.dataset.me === "` + userID + `"`)
}

// demoApp answers commands privately, posts a message with a button, and opens
// a form for "/als form".
func demoApp(t *testing.T, w *workspace.Workspace) <-chan string {
	api, ctx := client(w), within(t)
	presses := make(chan string, 10)
	listen(t, w, func(c *socketmode.Client, e socketmode.Event) {
		switch data := e.Data.(type) {
		case slack.SlashCommand:
			if data.Text == "form" {
				if _, err := api.OpenViewContext(ctx, data.TriggerID, modal()); err != nil {
					t.Error(err)
				}
				ack(t, c, e)
				return
			}
			ack(t, c, e, map[string]any{"text": "Queued *" + data.Text + "*"})
			_, ts, err := api.PostMessageContext(ctx, data.ChannelID, slack.MsgOptionText("go?", false), slack.MsgOptionBlocks(
				slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, "Install *3* patches?", false, false), nil, nil), approveButton()))
			if err != nil {
				t.Error(err)
			}
			if _, _, err = api.PostMessageContext(ctx, data.ChannelID, slack.MsgOptionText("line one of the output", false), slack.MsgOptionTS(ts)); err != nil {
				t.Error(err)
			}
		case slack.InteractionCallback:
			ack(t, c, e)
			if data.Type != slack.InteractionTypeBlockActions {
				presses <- data.User.ID + " " + data.View.State.Values["reason"]["text"].Value
				return
			}
			presses <- data.User.ID + " " + data.ActionCallback.BlockActions[0].ActionID
			if _, _, _, err := api.UpdateMessageContext(ctx, data.Channel.ID, data.Container.MessageTs, slack.MsgOptionText("Approved by <@"+data.User.ID+">", false), slack.MsgOptionBlocks()); err != nil {
				t.Error(err)
			}
		}
	})
	return presses
}

func TestPageConversation(t *testing.T) {
	switched := make(chan string, 1)
	w := start(t, func(o *workspace.Options) {
		o.Hints = []string{"/als patch status"}
		o.Controls = []workspace.Control{{Name: "kill", Label: "Kill the bot", State: func() string { return "running" }, Do: func(context.Context) error {
			switched <- "killed"
			return nil
		}}}
		o.Suggest = func(text string) []workspace.Suggestion {
			var out []workspace.Suggestion
			for _, s := range []string{"patch status", "patch install", "runs"} {
				if strings.HasPrefix(s, text) {
					out = append(out, workspace.Suggestion{Text: s, Help: "help for " + s})
				}
			}
			return out
		}
	})
	presses := demoApp(t, w)
	p := open(t, w.URL()+"/#user="+ann+"&channel="+ops)
	p.shows("#connection", "alsbot is connected")

	// A command, completed from the list with the keyboard.
	p.enter("#composer", "/als pat")
	p.shows(".suggestions", "/als patch install")
	p.press(kb.ArrowDown, kb.ArrowDown, kb.Tab)
	p.until(`document.querySelector("#composer").value === "/als patch install "`)
	p.press(kb.Enter)
	p.shows(".message.private", "Queued patch install")
	p.shows(".message.private .only-you", "Only visible to you")

	// Another person sees the request, not the private answer.
	p.become(ben)
	p.shows(".message", "Install 3 patches?")
	if n := p.count(".message.private"); n != 0 {
		t.Errorf("somebody else sees %d private messages", n)
	}

	// The thread opens beside the channel and accepts a reply.
	p.click(".thread-link")
	p.shows("#thread-list", "line one of the output")
	p.enter("#reply", "looks good")
	p.press(kb.Enter)
	p.shows("#thread-list", "looks good")
	p.click("#thread-close")

	// One press has one effect: the message changes in place.
	p.click(`#list [data-key="decide/approve"]`)
	p.shows("#list .message", "Approved by @ben")
	p.shows("#list .message .edited", "(edited)")
	if got := <-presses; got != ben+" approve" {
		t.Errorf("pressed %q", got)
	}
	if n := p.count("#list .button"); n != 0 {
		t.Errorf("%d buttons are left after the decision", n)
	}
	select {
	case again := <-presses:
		t.Errorf("pressed twice: %s", again)
	default:
	}

	// A hint fills the composer; a control does its work.
	p.click(".hint-line")
	p.until(`document.querySelector("#composer").value === "/als patch status"`)
	p.shows("#controls", "running")
	p.click(`[data-control="kill"]`)
	if got := <-switched; got != "killed" {
		t.Errorf("the control did %q", got)
	}
}

func TestPageModal(t *testing.T) {
	w := start(t, nil)
	presses := demoApp(t, w)
	p := open(t, w.URL()+"/#user="+ann+"&channel="+ops)
	p.enter("#composer", "/als form")
	p.press(kb.Enter)
	p.do(chromedp.WaitVisible(chromedp.CSS("dialog.modal [data-block]")))
	p.click("dialog.modal [type=submit]")
	p.shows("dialog.modal .error", "Please complete this required field.")
	p.enter("dialog.modal [data-block]", "because")
	p.press(kb.Enter)
	if got := <-presses; got != ann+" because" {
		t.Errorf("submitted %q", got)
	}
	p.do(chromedp.WaitNotPresent(chromedp.CSS("dialog.modal")))
}

func TestPageShowsHostileTextAsText(t *testing.T) {
	const hostile = `<script>window.hit=1</script><img src=x onerror=window.hit=1> <!channel> <@U0BEN> <javascript:alert(1)|click> *b`
	w := start(t, nil)
	api, ctx := client(w), within(t)
	escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(hostile)
	plain := func(s string) *slack.TextBlockObject {
		return slack.NewTextBlockObject(slack.PlainTextType, s, false, false)
	}
	output := slack.NewRichTextBlock("", &slack.RichTextPreformatted{Type: slack.RTEPreformatted, Elements: []slack.RichTextSectionElement{slack.NewRichTextSectionTextElement(hostile, nil)}})
	_, _, err := api.PostMessageContext(ctx, ops, slack.MsgOptionText(escaped, false), slack.MsgOptionBlocks(
		slack.NewHeaderBlock(plain(hostile)), slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, escaped, false, false), nil, nil),
		slack.NewTableBlock("").AddRow(slack.NewTableRawTextCell(hostile)), output, slack.NewMarkdownBlock("", "[x](javascript:alert(1)) "+hostile)))
	if err != nil {
		t.Fatal(err)
	}
	// A careless bot would send this unescaped. A link that isn't a web
	// address stays text.
	if _, _, err = api.PostMessageContext(ctx, ops, slack.MsgOptionText("<javascript:alert(1)|click me>", false)); err != nil {
		t.Fatal(err)
	}
	if _, err = w.Say(ctx, ann, ops, hostile); err != nil {
		t.Fatal(err)
	}
	p := open(t, w.URL()+"/#user="+ann+"&channel="+ops)
	for _, place := range []string{".block-header", ".block-section", ".block-table th", ".block-rich-text pre", ".mrkdwn"} {
		p.shows("#list "+place, hostile)
	}
	p.shows("#list .mrkdwn", "click me")
	for _, selector := range []string{"#list script", "#list img", "#list a", "#list .mention", `[href^="javascript"]`} {
		if n := p.count(selector); n != 0 {
			t.Errorf("hostile text made %d of %s", n, selector)
		}
	}
	if hit, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool]("'hit' in window")); err != nil || hit {
		t.Errorf("hostile text ran: %v, %v", hit, err)
	}
}
