package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"

	"alsbot/config"
)

// Client is how alsbot speaks to Slack: the Web API, and the response URLs
// that Slack hands out. It is safe for concurrent use.
type Client struct {
	api            *slack.Client // for what may not be repeated blindly: nothing is retried here
	lookups        *slack.Client // for looking things up: retried while the caller has patience
	sockets        *slack.Client // for opening sockets
	web            *http.Client  // for response URLs: follows nothing
	base           *url.URL
	cfg            config.Slack
	log            *slog.Logger
	cleaner        cleaner
	pauses         pauses
	members        memberCache
	self           atomic.Pointer[slack.AuthTestResponse]
	identifiedOnce chan struct{} // closed when self is there
}

const (
	callLimit     = 20 * time.Second // one call of the Web API
	uploadLimit   = 10 * time.Minute // one upload
	identifyLimit = time.Second      // for what comes in before the bot knows its workspace
)

// Dial makes a client for the workspace in cfg. It sends nothing yet. No text
// that it sends holds one of cfg's secrets, or of those that are added.
func Dial(cfg config.Slack, log *slog.Logger, secrets ...config.Secret) (*Client, error) {
	base, err := url.Parse(cfg.APIURL)
	if err != nil || base.Host == "" || (base.Scheme != "https" && base.Scheme != "http") {
		return nil, fmt.Errorf("slack.api_url %q is not an http or https address; Slack's own is https://slack.com/api/", cfg.APIURL)
	}
	known := []string{cfg.AppToken.Reveal(), cfg.BotToken.Reveal(), cfg.SigningSecret.Reveal()}
	for _, s := range secrets {
		known = append(known, s.Reveal())
	}
	c := &Client{
		base:           base,
		cfg:            cfg,
		log:            log,
		cleaner:        newCleaner(known...),
		identifiedOnce: make(chan struct{}),
	}
	hc := &http.Client{Transport: transport(), CheckRedirect: noRedirects}
	c.web = &http.Client{Transport: transport(), CheckRedirect: noRedirects, Timeout: callLimit}
	retry := slack.DefaultRetryConfig()
	retry.Handlers = append(slack.AllBuiltinRetryHandlers(retry), slack.NewServerErrorRetryHandler(retry))
	c.api = slack.New(cfg.BotToken.Reveal(), slack.OptionAPIURL(cfg.APIURL), slack.OptionHTTPClient(hc))
	c.lookups = slack.New(cfg.BotToken.Reveal(), slack.OptionAPIURL(cfg.APIURL), slack.OptionHTTPClient(hc), slack.OptionRetryConfig(retry))
	c.sockets = slack.New(cfg.BotToken.Reveal(), slack.OptionAPIURL(cfg.APIURL), slack.OptionHTTPClient(hc), slack.OptionAppLevelToken(cfg.AppToken.Reveal()))
	c.members.fetch = c.fetchMembers
	return c, nil
}

// transport has a limit on every wait of its own; how long a whole call may
// take is the caller's to say.
func transport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: 15 * time.Second,
		IdleConnTimeout:       60 * time.Second,
		MaxIdleConnsPerHost:   16,
	}
}

// follow0 follows no redirect: Slack's API has none, and a token must not go
// where an answer sends it.
func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// identify asks Slack who the bot is, until it is told. What Slack cannot
// answer now it is asked again, ever more slowly.
func (c *Client) identify(ctx context.Context, wait time.Duration, report func(error)) {
	for {
		err := c.whoAmI(ctx)
		report(err)
		if err == nil || ctx.Err() != nil {
			return
		}
		c.log.Warn("asking Slack who the bot is", "error", err)
		if !pause(ctx, wait) {
			return
		}
		wait = min(wait*2, retryMax)
	}
}

func (c *Client) whoAmI(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	self, err := c.api.AuthTestContext(ctx)
	if err != nil {
		return fmt.Errorf("asking Slack who the bot is: %w", explain(err))
	}
	if c.self.Swap(self) == nil {
		close(c.identifiedOnce)
	}
	return nil
}

// identified reports whether Slack has said who the bot is. While alsbot
// starts it waits a moment for that, less than Slack does for an answer.
func (c *Client) identified(ctx context.Context) bool {
	t := time.NewTimer(identifyLimit)
	defer t.Stop()
	select {
	case <-c.identifiedOnce:
	case <-t.C:
	case <-ctx.Done():
	}
	return c.self.Load() != nil
}

// ours reports whether a delivery comes from the bot's own workspace; while
// that is not known, none does.
func (c *Client) isOwnWorkspace(team, enterprise string) bool {
	self := c.self.Load()
	switch {
	case self == nil:
		return false
	case self.TeamID != "" && team == self.TeamID:
		return true
	}
	return self.EnterpriseID != "" && enterprise == self.EnterpriseID && (team == "" || self.TeamID == "")
}

// botUser is the bot's own user ID, "" while it is not known.
func (c *Client) botUser() string {
	if self := c.self.Load(); self != nil {
		return self.UserID
	}
	return ""
}

// inWords adds to an error code of Slack what it means.
func explain(err error) error {
	var e slack.SlackErrorResponse
	if errors.As(err, &e) {
		return fmt.Errorf("%s (%w)", codeAdvice(e.Err), err)
	}
	return err
}

// pause waits for d, or returns false when ctx ends before.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
